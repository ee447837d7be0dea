// SPDX-License-Identifier: MIT
#include "tables.hpp"

#include "cells.hpp"
#include "columns.hpp"
#include "fields.hpp"
#include "origin_words.hpp"
#include "report/buffer_holders.hpp"
#include "report/maker_words.hpp"

#include <algorithm>
#include <iterator>

namespace dmabuf_ps {

namespace {

std::string name_of(dmabuf::buffer const& buffer) {
    if (!buffer.name_known) return "?";
    return buffer.named ? visible(buffer.name) : "-";
}

/// "-" where there is no name, "?" where it is not known.
rows::cell buffer_name_cell(dmabuf::buffer const& one) {
    return {one.named ? rows::value(fmt::format("{}", one.name)) : rows::value(), name_of(one)};
}

/// The pids of the holders.
rows::cell pids_cell(dmabuf::snapshot const& now, std::span<std::uint32_t const> holders) {
    rows::numbers pids;
    for (auto const at : holders)
        pids.push_back(static_cast<std::uint64_t>(now.holders[at].pid));
    auto text = fmt::format("{}", fmt::join(pids, " "));
    return {std::move(pids), std::move(text)};
}

/// The names of the holders, for people with the pids.
rows::cell comms_cell(dmabuf::snapshot const& now, std::span<std::uint32_t const> holders) {
    rows::names comms;
    std::string text;
    for (auto const at : holders) {
        auto const& who = now.holders[at];
        comms.push_back(fmt::format("{}", who.comm));
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", who.pid, visible(who.comm));
    }
    return {std::move(comms), std::move(text)};
}

/// One buffer as one of its holders has it: the other holders, and its own share.
class held_buffer {
public:
    held_buffer(dmabuf::snapshot const& now, report::buffer_holders const& all,
                dmabuf::reference const& how)
        : how_(&how)
        , buffer_(&now.buffers[how.buffer])
        , holders_(all.of(how.buffer)) {}

    [[nodiscard]] rows::cell holders() const {
        auto const& count = buffer_->holders;
        return count.has_value() ? number_cell(*count) : rows::cell{{}, "?"};
    }

    [[nodiscard]] rows::cell share(table_style const& style) const {
        auto const turn =
            std::ranges::count_if(holders_, [&](auto at) { return at < how_->holder; });
        auto const bytes = share_of(*buffer_, static_cast<std::uint32_t>(turn));
        return sum_cell(bytes, 1, buffer_->size_known ? 0 : 1, style);
    }

    [[nodiscard]] std::vector<std::uint32_t> others() const {
        std::vector<std::uint32_t> all;
        std::ranges::copy_if(holders_, std::back_inserter(all),
                             [&](auto at) { return at != how_->holder; });
        return all;
    }

private:
    dmabuf::reference const* how_;
    dmabuf::buffer const* buffer_;
    std::span<std::uint32_t const> holders_;
};

/// The arguments with blanks between them, as ps shows them; "?" where they were not read.
rows::cell arguments_cell(identity::command_line const* line) {
    if (!line) return {{}, "?"};
    rows::names arguments;
    for (auto const one : arguments_of(*line))
        dmabuf::escape(one, std::back_inserter(arguments.emplace_back()));
    auto text = fmt::format("{}{}", fmt::join(arguments, " "), line->cut ? dmabuf::cut_mark : "");
    if (line->cut) arguments.emplace_back(dmabuf::cut_mark);
    return {std::move(arguments), text.empty() ? "-" : std::move(text)};
}

rows::cell cgroup_cell(dmabuf::snapshot const& now, dmabuf::holder const& who) {
    if (who.cgroup == dmabuf::no_cgroup) return {{}, "?"};
    std::string path;
    dmabuf::escape(now.cgroup_name(who.cgroup), std::back_inserter(path));
    return {path, path};
}

std::string others_text(dmabuf::reference_count const* count) {
    return count && count->others_known ? fmt::format("{}", count->other_references) : "?";
}

rows::cell others_cell(dmabuf::reference_count const* count) {
    bool const known = count && count->others_known;
    return {known ? rows::value(count->other_references) : rows::value(), others_text(count)};
}

rows::cell count_cell(dmabuf::reference_count const* count) {
    return count ? number_cell(count->count) : rows::cell{{}, "?"};
}

/// Whether the watch has told all devices of a buffer.
bool all_devices_watched(dmabuf::snapshot const& now, dmabuf::buffer const& buffer) {
    auto const* const told = now.origin_of(buffer);
    return told && told->state == dmabuf::origin_state::made_by && now.watch.attachments_read &&
           now.watch.attachments_lost == 0;
}

/// "vimc.0 ×2, 0000:00:02.0". The kernel's list tells how often; the watch serves without one.
rows::cell devices_cell(dmabuf::snapshot const& now, dmabuf::buffer const& buffer) {
    auto const* const count = now.count_of(buffer);
    rows::names devices;
    std::string text;
    if (!count || !count->devices_known) {
        for (auto const& one : now.watched_attachments_of(buffer)) {
            auto name = fmt::format("{}", one.device);
            if (!one.named || std::ranges::count(devices, name) != 0) continue;
            text += fmt::format("{}{}", text.empty() ? "" : ", ", visible(one.device));
            devices.push_back(std::move(name));
        }
        if (all_devices_watched(now, buffer))
            return {std::move(devices), text.empty() ? "-" : text};
        return {{}, text.empty() ? "?" : text + ", …"};
    }
    for (auto const& one : now.attachments_of(buffer)) {
        devices.push_back(fmt::format("{}", one.device));
        text += fmt::format("{}{}", text.empty() ? "" : ", ", visible(one.device));
        if (one.times > 1) text += fmt::format(" ×{}", one.times);
    }
    return {std::move(devices), text.empty() ? "-" : text};
}

/// Adds the cells of the origin: state, pid, name and age.
void add_origin(std::vector<rows::cell>& cells, dmabuf::snapshot const& now,
                dmabuf::buffer const& one) {
    auto const* const told = now.origin_of(one);
    bool const known = told && told->state == dmabuf::origin_state::made_by;
    bool const aged = known && now.watch.now_ns != 0;
    auto const state = std::string(name_of(told ? told->state : dmabuf::origin_state::not_watched));
    cells.push_back({state, state});
    cells.push_back(known ? number_cell(static_cast<std::uint64_t>(told->maker.pid))
                          : rows::cell{{}, "-"});
    cells.push_back({known ? rows::value(fmt::format("{}", told->maker.comm)) : rows::value(),
                     report::maker_words(now, one)});
    cells.push_back(
        {aged ? rows::value(now.watch.age_ns(told->made_ns) / 1'000'000'000) : rows::value(),
         report::age_cell_words(now, one)});
}

bool any_named(std::vector<dmabuf::buffer> const& buffers) {
    return std::ranges::any_of(buffers, &dmabuf::buffer::name_known);
}

std::string unheld_table(dmabuf::snapshot const& now, bool counts, table_style const& style) {
    bool const names = any_named(now.unheld);
    std::vector<column> titles{{"INODE", true}, {"SIZE", true}, {"EXPORTER"}};
    if (counts) titles.push_back({"OTHER", true});
    if (names) titles.push_back({"NAME", false, true});
    titles.push_back({"MADE BY", false, true});
    titles.push_back({"AGE", true});
    if (counts) titles.push_back({"DEVICES", false, true});
    columns table(std::move(titles));
    for (auto const& one : now.unheld) {
        std::vector<std::string> cells{fmt::format("{}", one.inode), size(one.size_bytes, style),
                                       exporter_cell(now.exporter_of(one))};
        if (counts) cells.push_back(others_text(now.count_of(one)));
        if (names) cells.push_back(name_of(one));
        cells.push_back(report::maker_words(now, one));
        cells.push_back(report::age_cell_words(now, one));
        if (counts) cells.push_back(devices_cell(now, one).shown);
        table.add_row(std::move(cells));
    }
    return table.text(style.width);
}

std::vector<rows::cell> process_row(observation const& seen, dmabuf::snapshot const& now,
                                    dmabuf::holder const& who, table_style const& style) {
    std::uint64_t descriptors = 0;
    std::uint64_t mappings = 0;
    for (auto const& reference : now.references_of(who)) {
        descriptors += reference.descriptors;
        mappings += reference.mappings;
    }
    auto const shown_sum = [&](dmabuf::known_number<std::uint64_t> bytes) {
        return sum_cell(bytes, who.reference_count, who.unsized_buffers, style);
    };
    auto const user = seen.users.of(who.uid);
    return {number_cell(static_cast<std::uint64_t>(who.pid)),
            number_cell(who.start_ticks),
            {user, user},
            number_cell(who.uid),
            number_cell(who.reference_count),
            number_cell(descriptors),
            number_cell(mappings),
            shown_sum(who.pss_bytes),
            shown_sum(who.rss_bytes),
            shown_sum(who.uss_bytes),
            size_cell(who.mapped_bytes, true, style),
            number_cell(who.unsized_buffers),
            cgroup_cell(now, who),
            name_cell(who.comm)};
}

std::vector<rows::cell> held_row(dmabuf::snapshot const& now, report::buffer_holders const& all,
                                 dmabuf::reference const& how, bool alone,
                                 table_style const& style) {
    auto const& buffer = now.buffers[how.buffer];
    held_buffer const held(now, all, how);
    std::vector<rows::cell> cells{number_cell(buffer.inode),
                                  size_cell(buffer.size_bytes, buffer.size_known, style),
                                  held.share(style),
                                  held.holders(),
                                  number_cell(how.descriptors),
                                  number_cell(how.mappings),
                                  size_cell(how.mapped_bytes, true, style),
                                  exporter_name_cell(now.exporter_of(buffer)),
                                  buffer_name_cell(buffer),
                                  {buffer.name_known, buffer.name_known ? "yes" : "no"}};
    add_origin(cells, now, buffer);
    if (alone) return cells;
    auto const others = held.others();
    cells.push_back(pids_cell(now, others));
    auto with = comms_cell(now, others);
    if (others.empty()) with.shown = "-";
    cells.push_back(std::move(with));
    return cells;
}

std::vector<rows::cell> buffer_row(dmabuf::snapshot const& now, dmabuf::buffer const& one,
                                   std::span<std::uint32_t const> holders,
                                   table_style const& style) {
    auto const* const count = now.count_of(one);
    std::vector<rows::cell> cells{number_cell(one.inode),
                                  size_cell(one.size_bytes, one.size_known, style),
                                  exporter_name_cell(now.exporter_of(one)),
                                  number_cell(one.descriptors),
                                  number_cell(one.mappings),
                                  count_cell(count),
                                  others_cell(count),
                                  buffer_name_cell(one),
                                  {one.name_known, one.name_known ? "yes" : "no"}};
    add_origin(cells, now, one);
    cells.push_back(devices_cell(now, one));
    cells.push_back(number_cell(holders.size()));
    cells.push_back(pids_cell(now, holders));
    cells.push_back(comms_cell(now, holders));
    return cells;
}

} // namespace

rows::table process_rows(observation const& seen, selection const& shown, options const& chosen,
                         table_style const& style) {
    rows::table table{fields_of(chosen), {}};
    table.rows.reserve(shown.processes.size());
    for (auto const* who : shown.processes) {
        auto cells = process_row(seen, shown.now(), *who, style);
        if (chosen.args) cells.push_back(arguments_cell(seen.command_lines.of(*who)));
        table.rows.push_back(std::move(cells));
    }
    return table;
}

rows::table buffer_rows(selection const& shown, options const& chosen, bool with_unheld,
                        table_style const& style) {
    auto const& now = shown.now();
    report::buffer_holders holders;
    holders.fill(now);
    rows::table table{fields_of(chosen), {}};
    for (auto const* one : shown.listed_buffers(with_unheld, chosen.wanted)) {
        bool const held = one->holders.value_or(0) != 0;
        auto const who = held ? holders.of(static_cast<std::size_t>(one - now.buffers.data()))
                              : std::span<std::uint32_t const>();
        table.rows.push_back(buffer_row(now, *one, who, style));
    }
    return table;
}

std::string draw(rows::table all, options const& chosen, table_style const& style) {
    auto part = with_columns(std::move(all), chosen.columns, true);
    std::vector<column> heads;
    for (auto const& one : part.fields)
        heads.push_back({std::string(one.title), one.how == rows::layout::number,
                         one.how == rows::layout::long_text});
    columns table(std::move(heads));
    for (auto& row : part.rows) {
        std::vector<std::string> cells;
        cells.reserve(row.size());
        for (auto& one : row)
            cells.push_back(std::move(one.shown));
        table.add_row(std::move(cells));
    }
    return table.text(style.width);
}

rows::table held_rows(selection const& shown, options const& chosen, table_style const& style) {
    auto const& now = shown.now();
    rows::table table{fields_of(chosen), {}};
    if (shown.processes.empty()) return table;
    report::buffer_holders holders;
    holders.fill(now);
    std::vector<dmabuf::reference> by_size;
    for (auto const& one : now.references_of(*shown.processes.front()))
        if (std::ranges::binary_search(shown.buffers, &now.buffers[one.buffer]))
            by_size.push_back(one);
    std::ranges::sort(by_size, [&](auto const& a, auto const& b) {
        return goes_before(now.buffers[a.buffer], now.buffers[b.buffer]);
    });
    for (auto const& how : by_size)
        table.rows.push_back(held_row(now, holders, how, chosen.alone, style));
    return table;
}

std::string totals(dmabuf::snapshot const& now, bool by_exporter, table_style const& style) {
    auto const unsized = [&](auto const& counts) {
        return static_cast<std::size_t>(std::ranges::count_if(
            now.buffers, [&](auto const& one) { return !one.size_known && counts(one); }));
    };
    auto const amount = [&](std::size_t buffers, std::uint64_t bytes, auto const& counts) {
        return fmt::format("{}, {}", counted(buffers, "buffer"),
                           sum(bytes, buffers, unsized(counts), style));
    };
    auto const all = [](dmabuf::buffer const&) { return true; };
    auto text =
        fmt::format("{} in all, held by {}\n", amount(now.buffers.size(), now.total_bytes, all),
                    counted(now.holders.size(), "process"));
    if (!by_exporter) return text;
    for (auto const& total : now.exporters) {
        auto const its = [&](dmabuf::buffer const& one) { return one.exporter == total.exporter; };
        text += fmt::format("  {}: {}\n",
                            total.name.empty() ? "unknown exporter"
                                               : fmt::format("exporter {}", total.name),
                            amount(total.buffers, total.size_bytes, its));
    }
    return text;
}

std::string shown_words(observation const& seen, selection const& shown, table_style const& style) {
    if (shown.whole) return {};
    auto const unsized =
        std::ranges::count_if(shown.buffers, [](auto const* one) { return !one->size_known; });
    auto text = fmt::format(
        "Showing {} of {}, {} of {}, {} of {}\n", shown.processes.size(),
        counted(seen.now.holders.size(), "process"), shown.buffers.size(),
        counted(seen.now.buffers.size(), "buffer"),
        sum(shown.total_bytes, shown.buffers.size(), static_cast<std::size_t>(unsized), style),
        sum(seen.now.total_bytes, seen.now.buffers.size(), seen.now.coverage.buffers_unsized,
            style));
    if (auto const count = shown.undecided.buffers; count != 0)
        text += fmt::format("Left out, since it is not known whether they fit: {}\n",
                            counted(count, "buffer"));
    if (auto const count = shown.undecided.processes; count != 0)
        text += fmt::format("Left out, since their cgroups are not known: {}\n",
                            counted(count, "process"));
    return text;
}

std::string unheld_words(dmabuf::snapshot const& now, bool buffers, bool counts,
                         table_style const& style) {
    if (now.unheld.empty()) return {};
    auto text =
        fmt::format("{}, {}, held by no process seen, {}\n", counted(now.unheld.size(), "buffer"),
                    size(now.unheld_bytes, style),
                    now.watch.tells_unheld
                        ? "of those made since dmabuf_pin watches"
                        : fmt::format("as {} lists them", dmabuf::name_of(now.coverage.listed_by)));
    if (!buffers) return text + unheld_makers(now, style);
    return text + unheld_table(now, counts, style) + "\n";
}

std::string others_words(dmabuf::snapshot const& now) {
    auto const unexplained = [](dmabuf::reference_count const& one) {
        return one.others_known && one.other_references != 0;
    };
    if (std::ranges::none_of(now.counts, unexplained)) return {};
    return "OTHER: references that no process explains: of importing drivers, io_uring, sockets in "
           "flight. For a\nbuffer that DRM exported two are ordinary: the object's own, and that "
           "of its file's PRIME cache.\n";
}

} // namespace dmabuf_ps
