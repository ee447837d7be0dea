// SPDX-License-Identifier: MIT
#include "tables.hpp"

#include "cells.hpp"
#include "columns.hpp"
#include "report/buffer_holders.hpp"

#include <algorithm>
#include <iterator>

namespace dmabuf_ps {

namespace {

std::string name_of(dmabuf::buffer const& buffer) {
    if (!buffer.name_known) return "?";
    return buffer.named ? visible(buffer.name) : "-";
}

std::string list(dmabuf::snapshot const& now, std::span<std::uint32_t const> holders) {
    std::string text;
    for (auto const at : holders) {
        auto const& who = now.holders[at];
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", who.pid, visible(who.comm));
    }
    return text;
}

std::string size_cell(dmabuf::buffer const& buffer, table_style const& style) {
    return buffer.size_known ? size(buffer.size_bytes, style) : "?";
}

/// One buffer as one of its holders has it: how many other holders there are, and its own share.
class held_buffer {
public:
    held_buffer(dmabuf::snapshot const& now, report::buffer_holders const& all,
                dmabuf::reference const& how)
        : now_(&now)
        , how_(&how)
        , buffer_(&now.buffers[how.buffer])
        , holders_(all.of(how.buffer)) {}

    [[nodiscard]] std::string holders() const {
        return buffer_->holders.has_value() ? fmt::format("{}", *buffer_->holders) : "?";
    }

    [[nodiscard]] std::string share(table_style const& style) const {
        auto const turn =
            std::ranges::count_if(holders_, [&](auto at) { return at < how_->holder; });
        auto const bytes = share_of(*buffer_, static_cast<std::uint32_t>(turn));
        return sum(bytes, 1, buffer_->size_known ? 0 : 1, style);
    }

    [[nodiscard]] std::string shared_with() const {
        std::vector<std::uint32_t> others;
        std::ranges::copy_if(holders_, std::back_inserter(others),
                             [&](auto at) { return at != how_->holder; });
        return others.empty() ? "-" : list(*now_, others);
    }

private:
    dmabuf::snapshot const* now_;
    dmabuf::reference const* how_;
    dmabuf::buffer const* buffer_;
    std::span<std::uint32_t const> holders_;
};

/// The arguments with blanks between them, as ps shows them; "?" where they were not read.
std::string arguments_cell(identity::command_line const* line) {
    if (!line) return "?";
    std::string text;
    for (auto const one : arguments_of(*line)) {
        if (!text.empty()) text += ' ';
        dmabuf::escape(one, std::back_inserter(text));
    }
    if (line->cut) text += dmabuf::cut_mark;
    return text.empty() ? "-" : text;
}

std::string others_cell(dmabuf::reference_count const* count) {
    return count && count->others_known ? fmt::format("{}", count->other_references) : "?";
}

/// "vimc.0 ×2, 0000:00:02.0"
std::string devices_cell(dmabuf::snapshot const& now, dmabuf::buffer const& buffer) {
    auto const* const count = now.count_of(buffer);
    std::string text;
    for (auto const& one : now.attachments_of(buffer)) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ", visible(one.device));
        if (one.times > 1) text += fmt::format(" ×{}", one.times);
    }
    if (!count || !count->devices_known) return text.empty() ? "?" : text + ", …";
    return text.empty() ? "-" : text;
}

bool any_named(std::vector<dmabuf::buffer> const& buffers) {
    return std::ranges::any_of(buffers, &dmabuf::buffer::name_known);
}

std::string unheld_table(dmabuf::snapshot const& now, bool counts, table_style const& style) {
    bool const names = any_named(now.unheld);
    std::vector<column> titles{{"INODE", true}, {"SIZE", true}, {"EXPORTER"}};
    if (counts) titles.push_back({"OTHER", true});
    if (names) titles.push_back({"NAME", false, true});
    if (counts) titles.push_back({"DEVICES", false, true});
    columns table(std::move(titles));
    for (auto const& one : now.unheld) {
        std::vector<std::string> cells{fmt::format("{}", one.inode), size(one.size_bytes, style),
                                       exporter_cell(now.exporter_of(one))};
        if (counts) cells.push_back(others_cell(now.count_of(one)));
        if (names) cells.push_back(name_of(one));
        if (counts) cells.push_back(devices_cell(now, one));
        table.add_row(std::move(cells));
    }
    return table.text(style.width);
}

} // namespace

std::string process_table(observation const& seen, selection const& shown,
                          table_style const& style) {
    auto const& now = shown.now();
    std::vector<column> titles{{"PID", true}, {"USER"},       {"BUFFERS", true},
                               {"FDS", true}, {"MAPS", true}, {"PSS", true},
                               {"RSS", true}, {"USS", true},  {"COMMAND", false, true}};
    if (style.args) titles.push_back({"ARGS", false, true});
    columns table(std::move(titles));
    for (auto const* who : shown.processes) {
        std::uint64_t descriptors = 0;
        std::uint64_t mappings = 0;
        for (auto const& reference : now.references_of(*who)) {
            descriptors += reference.descriptors;
            mappings += reference.mappings;
        }
        auto const shown_sum = [&](dmabuf::known_number<std::uint64_t> bytes) {
            return sum(bytes, who->reference_count, who->unsized_buffers, style);
        };
        std::vector<std::string> cells{fmt::format("{}", who->pid),
                                       seen.users.of(who->uid),
                                       fmt::format("{}", who->reference_count),
                                       fmt::format("{}", descriptors),
                                       fmt::format("{}", mappings),
                                       shown_sum(who->pss_bytes),
                                       shown_sum(who->rss_bytes),
                                       shown_sum(who->uss_bytes),
                                       visible(who->comm)};
        if (style.args) cells.push_back(arguments_cell(seen.command_lines.of(*who)));
        table.add_row(std::move(cells));
    }
    return table.text(style.width);
}

std::string buffer_table(selection const& shown, table_style const& style) {
    auto const& now = shown.now();
    columns table({{"INODE", true},
                   {"SIZE", true},
                   {"EXPORTER"},
                   {"FDS", true},
                   {"MAPS", true},
                   {"OTHER", true},
                   {"NAME", false, true},
                   {"DEVICES", false, true},
                   {"HOLDERS", false, true}});
    report::buffer_holders holders;
    holders.fill(now);
    auto by_size = shown.buffers;
    std::ranges::sort(by_size, [](auto const* a, auto const* b) { return goes_before(*a, *b); });
    for (auto const* buffer : by_size) {
        auto const index = static_cast<std::size_t>(buffer - now.buffers.data());
        table.add_row({fmt::format("{}", buffer->inode), size_cell(*buffer, style),
                       exporter_cell(now.exporter_of(*buffer)),
                       fmt::format("{}", buffer->descriptors), fmt::format("{}", buffer->mappings),
                       others_cell(now.count_of(*buffer)), name_of(*buffer),
                       devices_cell(now, *buffer), list(now, holders.of(index))});
    }
    return table.text(style.width);
}

std::string held_table(selection const& shown, table_style const& style) {
    auto const& now = shown.now();
    bool const alone = now.coverage.alone_pid != 0;
    std::vector<column> titles{{"INODE", true},   {"SIZE", true},       {"SHARE", true},
                               {"HOLDERS", true}, {"FDS", true},        {"MAPS", true},
                               {"EXPORTER"},      {"NAME", false, true}};
    if (!alone) titles.push_back({"SHARED WITH", false, true});
    columns table(std::move(titles));
    report::buffer_holders holders;
    holders.fill(now);
    std::vector<dmabuf::reference> by_size;
    for (auto const& one : now.references_of(*shown.processes.front()))
        if (std::ranges::binary_search(shown.buffers, &now.buffers[one.buffer]))
            by_size.push_back(one);
    std::ranges::sort(by_size, [&](auto const& a, auto const& b) {
        return goes_before(now.buffers[a.buffer], now.buffers[b.buffer]);
    });
    for (auto const& how : by_size) {
        auto const& buffer = now.buffers[how.buffer];
        held_buffer const held(now, holders, how);
        std::vector<std::string> cells{fmt::format("{}", buffer.inode),
                                       size_cell(buffer, style),
                                       held.share(style),
                                       held.holders(),
                                       fmt::format("{}", how.descriptors),
                                       fmt::format("{}", how.mappings),
                                       exporter_cell(now.exporter_of(buffer)),
                                       name_of(buffer)};
        if (!alone) cells.push_back(held.shared_with());
        table.add_row(std::move(cells));
    }
    return table.text(style.width);
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
    auto text = fmt::format("{}, {}, held by no process seen, as {} lists them\n",
                            counted(now.unheld.size(), "buffer"), size(now.unheld_bytes, style),
                            dmabuf::name_of(now.coverage.listed_by));
    if (!buffers) return text;
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
