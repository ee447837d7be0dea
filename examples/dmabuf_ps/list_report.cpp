// SPDX-License-Identifier: MIT
#include "list_report.hpp"

#include "cells.hpp"
#include "fields.hpp"
#include "files/complain.hpp"
#include "files/standard_output.hpp"
#include "files/whole_file.hpp"
#include "options/exit_status.hpp"
#include "printing/terminal.hpp"
#include "report/string_sink.hpp"
#include "row_report.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace dmabuf_ps {

namespace {

using report::json_writer;
using report::raw_name;

/// The list of a hundred thousand buffers; a file without an end is refused there.
constexpr std::size_t largest_list = std::size_t{16} << 20U;

struct exporter_sum {
    std::string exporter;
    bool known = false;
    std::size_t buffers = 0;
    std::uint64_t size_bytes = 0;
};

/// The sums of each exporter, the most bytes first.
std::vector<exporter_sum> by_exporter(std::vector<dmabuf::bufinfo_buffer> const& buffers) {
    std::map<std::pair<std::string, std::size_t>, exporter_sum> sums;
    for (auto const& one : buffers) {
        auto const name = exporter_cell(one.exporter);
        // A name that was cut does not tell two exporters apart.
        auto& sum = sums[{name, one.exporter.truncated() ? sums.size() + 1 : 0}];
        sum.exporter = name;
        sum.known = !one.exporter.empty();
        ++sum.buffers;
        sum.size_bytes += one.size_bytes;
    }
    std::vector<exporter_sum> sorted;
    for (auto& [name, sum] : sums)
        sorted.push_back(std::move(sum));
    std::ranges::sort(sorted, [](auto const& a, auto const& b) {
        return std::tie(b.size_bytes, a.exporter, b.buffers) <
               std::tie(a.size_bytes, b.exporter, a.buffers);
    });
    return sorted;
}

std::uint32_t unnamed_attachments(dmabuf::bufinfo_buffer const& buffer) {
    auto unnamed = buffer.attachments;
    for (auto const& device : buffer.named_devices())
        unnamed -= device.times;
    return unnamed;
}

/// "vcodec (600), soc:display"
rows::cell devices_cell(dmabuf::bufinfo_buffer const& buffer) {
    rows::names devices;
    std::string text;
    for (auto const& device : buffer.named_devices()) {
        devices.push_back(fmt::format("{}", device.name));
        text += fmt::format("{}{}", text.empty() ? "" : ", ", visible(device.name));
        if (device.times != 1) text += fmt::format(" ({})", device.times);
    }
    if (auto const more = unnamed_attachments(buffer); more != 0)
        text += fmt::format(", and {} more", more);
    return {std::move(devices), text.empty() ? "-" : text};
}

rows::table buffer_rows(lists::pasted_list const& list, options const& chosen,
                        table_style const& style) {
    rows::table table{fields_of(chosen), {}};
    for (auto const& one : list.buffers)
        table.rows.push_back({one.inode == 0 ? rows::cell{{}, "-"} : number_cell(one.inode),
                              size_cell(one.size_bytes, true, style), number_cell(one.count),
                              number_cell(one.attachments), exporter_name_cell(one.exporter),
                              devices_cell(one)});
    return table;
}

rows::table exporter_rows(lists::pasted_list const& list, options const& chosen,
                          table_style const& style) {
    rows::table table{fields_of(chosen), {}};
    auto kept = by_exporter(list.buffers);
    keep_chosen_rows(kept, chosen.wanted, [](auto const& one) { return one.size_bytes; });
    for (auto const& sum : kept)
        table.rows.push_back(
            {number_cell(sum.buffers),
             size_cell(sum.size_bytes, true, style),
             {sum.known ? rows::value(sum.exporter) : rows::value(), sum.exporter}});
    return table;
}

rows::table rows_of(lists::pasted_list const& part, options const& chosen,
                    table_style const& style) {
    return chosen.by == grouping::exporter ? exporter_rows(part, chosen, style)
                                           : buffer_rows(part, chosen, style);
}

bool sizes_fit(lists::pasted_list const& list) {
    std::uint64_t total = 0;
    return std::ranges::none_of(list.buffers, [&](auto const& one) {
        return __builtin_add_overflow(total, one.size_bytes, &total);
    });
}

std::uint64_t total_bytes(lists::pasted_list const& list) {
    std::uint64_t total = 0;
    for (auto const& one : list.buffers)
        total += one.size_bytes;
    return total;
}

/// The list with the chosen buffers alone; the rest stays that of the whole list.
lists::pasted_list chosen_of(lists::pasted_list list, options const& chosen) {
    auto const& wanted = chosen.wanted;
    std::erase_if(list.buffers, [&](auto const& one) { return !chooses(wanted, one.exporter); });
    if (chosen.by != grouping::exporter || chosen.json)
        keep_chosen_rows(list.buffers, wanted, [](auto const& one) { return one.size_bytes; });
    return list;
}

std::string text_of(lists::pasted_list const& list, options const& chosen) {
    auto const part = chosen_of(list, chosen);
    table_style const style{chosen.exact_bytes, printing::terminal_width()};
    auto text = part.buffers.empty() ? "" : draw(rows_of(part, chosen, style), chosen, style);
    if (!text.empty()) text += "\n";
    if (part.buffers.size() != list.buffers.size())
        text += fmt::format("Showing {} of {}, {} of {}\n", part.buffers.size(),
                            counted(list.buffers.size(), "buffer"), size(total_bytes(part), style),
                            size(total_bytes(list), style));
    text += fmt::format("{}, {} in all. Who holds them, a list does not tell.\n",
                        counted(list.buffers.size(), "buffer"), size(total_bytes(list), style));
    if (!list.has_inodes) text += "It has no inodes, as before Linux 5.3.\n";
    for (auto const line : list.odd_lines)
        text +=
            fmt::format("Line {} is no row that fits its columns: a buffer is missing.\n", line);
    if (!list.whole)
        text += "The list is not whole: it does not end with the totals of its rows.\n";
    return printing::printable(std::move(text));
}

void write_buffer(json_writer& out, dmabuf::bufinfo_buffer const& one) {
    out.object([&] {
        out.field_if(one.inode != 0, "inode", one.inode);
        out.field("size_bytes", one.size_bytes);
        out.field_if(!one.exporter.empty(), "exporter", raw_name(one.exporter));
        out.field("count", one.count);
        out.field("attachments", one.attachments);
        out.key("devices");
        out.array(one.named_devices(), [&](auto const& device) {
            out.object([&] {
                out.field("device", raw_name(device.name));
                out.field("times", device.times);
            });
        });
    });
}

/// The sums of the whole list; null where all of it is shown.
void write_selected_from(json_writer& out, lists::pasted_list const& all, std::size_t shown) {
    if (shown == all.buffers.size()) return out.null();
    out.object([&] {
        out.field("buffers", all.buffers.size());
        out.field("size_bytes", total_bytes(all));
    });
}

std::string json_of(lists::pasted_list const& whole, options const& chosen) {
    auto const list = chosen_of(whole, chosen);
    report::string_sink text;
    json_writer out(text);
    out.object([&] {
        out.field("schema", "dmabuf_ps_list/1");
        out.field("size_bytes", total_bytes(list));
        out.key("selected_from");
        write_selected_from(out, whole, list.buffers.size());
        out.field("whole", list.whole);
        out.key("odd_lines");
        out.array(list.odd_lines, [&](auto const line) { out.value(line); });
        out.key("buffers");
        out.array(list.buffers, [&](auto const& one) { write_buffer(out, one); });
    });
    out.finish();
    return text.take();
}

int complain(std::string const& what) {
    return files::complain("dmabuf_ps", printing::printable(what));
}

} // namespace

std::string list_report(lists::pasted_list list, options const& chosen) {
    // Old lists have no inodes: other fields decide there.
    std::ranges::sort(list.buffers, [](auto const& a, auto const& b) {
        return std::tuple(b.size_bytes, a.inode, a.exporter.view(), b.count, b.attachments) <
               std::tuple(a.size_bytes, b.inode, b.exporter.view(), a.count, a.attachments);
    });
    if (chosen.format == output_format::csv || chosen.format == output_format::ndjson)
        return in_rows(rows_of(chosen_of(std::move(list), chosen), chosen, {}), chosen);
    return chosen.json ? json_of(list, chosen) : text_of(list, chosen);
}

int show_list(options const& chosen) {
    auto const text = files::read_whole(chosen.bufinfo, largest_list);
    if (auto const* const wrong = std::get_if<files::trouble>(&text))
        return complain(fmt::format("cannot read {}: {}", chosen.bufinfo, wrong->words));
    auto list = lists::read_pasted(std::get<std::string>(text));
    if (!list)
        return complain(fmt::format("{}: no line is the header of a bufinfo: size, flags, mode, "
                                    "count, exp_name",
                                    chosen.bufinfo));
    if (!sizes_fit(*list))
        return complain(fmt::format("{}: its sizes together exceed 2^64-1 bytes", chosen.bufinfo));
    bool const gaps = !list->whole || !list->odd_lines.empty();
    if (gaps && chosen.has_rows_alone())
        (void)complain(fmt::format("{}: not all of the list could be read", chosen.bufinfo));
    int const printed = files::print("dmabuf_ps", list_report(*std::move(list), chosen));
    return printed == command_line::done && gaps && chosen.require_complete ? command_line::not_all
                                                                            : printed;
}

} // namespace dmabuf_ps
