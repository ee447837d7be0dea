// SPDX-License-Identifier: MIT
#include "tables.hpp"

#include "cells.hpp"
#include "columns.hpp"
#include "report/buffer_holders.hpp"

#include <algorithm>
#include <tuple>

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

} // namespace

std::string process_table(observation const& seen, selection const& shown,
                          table_style const& style) {
    auto const& now = seen.now;
    columns table({{"PID", true},
                   {"USER"},
                   {"BUFFERS", true},
                   {"FDS", true},
                   {"MAPS", true},
                   {"PSS", true},
                   {"RSS", true},
                   {"USS", true},
                   {"COMMAND", false, true}});
    for (auto const* who : shown.processes) {
        std::uint64_t descriptors = 0;
        std::uint64_t mappings = 0;
        for (auto const& reference : now.references_of(*who)) {
            descriptors += reference.descriptors;
            mappings += reference.mappings;
        }
        auto const shown_sum = [&](std::uint64_t bytes) {
            return sum(bytes, who->reference_count, who->unsized_buffers, style);
        };
        table.add_row({fmt::format("{}", who->pid), seen.users.of(who->uid),
                       fmt::format("{}", who->reference_count), fmt::format("{}", descriptors),
                       fmt::format("{}", mappings), shown_sum(who->pss_bytes),
                       shown_sum(who->rss_bytes), shown_sum(who->uss_bytes), visible(who->comm)});
    }
    return table.text(style.width);
}

std::string buffer_table(observation const& seen, selection const& shown,
                         table_style const& style) {
    auto const& now = seen.now;
    columns table({{"INODE", true},
                   {"SIZE", true},
                   {"EXPORTER"},
                   {"FDS", true},
                   {"MAPS", true},
                   {"NAME", false, true},
                   {"HOLDERS", false, true}});
    report::buffer_holders holders;
    holders.fill(now);
    auto by_size = shown.buffers;
    std::ranges::sort(by_size, [](auto const* a, auto const* b) {
        return std::tie(b->size_bytes, a->inode) < std::tie(a->size_bytes, b->inode);
    });
    for (auto const* buffer : by_size) {
        auto const index = static_cast<std::size_t>(buffer - now.buffers.data());
        table.add_row({fmt::format("{}", buffer->inode),
                       buffer->size_known ? size(buffer->size_bytes, style) : "?",
                       exporter_cell(now.exporter_of(*buffer)),
                       fmt::format("{}", buffer->descriptors), fmt::format("{}", buffer->mappings),
                       name_of(*buffer), list(now, holders.of(index))});
    }
    return table.text(style.width);
}

std::string totals(selection const& shown, table_style const& style) {
    auto const unsized = [&](auto const& counts) {
        return static_cast<std::size_t>(std::ranges::count_if(
            shown.buffers, [&](auto const* one) { return !one->size_known && counts(*one); }));
    };
    auto const amount = [&](std::size_t buffers, std::uint64_t bytes, auto const& counts) {
        return fmt::format("{}, {}", counted(buffers, "buffer"),
                           sum(bytes, buffers, unsized(counts), style));
    };
    auto const all = [](dmabuf::buffer const&) { return true; };
    auto text = fmt::format(
        "{} in all, held by {}{}\n", amount(shown.buffers.size(), shown.total_bytes, all),
        counted(shown.processes.size(), "process"), shown.whole ? "" : " shown here");
    for (auto const& total : shown.exporters) {
        auto const its = [&](dmabuf::buffer const& one) { return one.exporter == total.exporter; };
        text += fmt::format("  {}: {}\n",
                            total.name.empty() ? "unknown exporter"
                                               : fmt::format("exporter {}", total.name),
                            amount(total.buffers, total.size_bytes, its));
    }
    return text;
}

std::string unheld_words(dmabuf::snapshot const& now, bool buffers, table_style const& style) {
    if (now.unheld.empty()) return {};
    auto text = fmt::format("{}, {}, held by no process seen, as {} lists them\n",
                            counted(now.unheld.size(), "buffer"), size(now.unheld_bytes, style),
                            dmabuf::name_of(now.coverage.listed_by));
    if (!buffers) return text;
    columns table({{"INODE", true}, {"SIZE", true}, {"EXPORTER"}});
    for (auto const& one : now.unheld)
        table.add_row({fmt::format("{}", one.inode), size(one.size_bytes, style),
                       exporter_cell(now.exporter_of(one))});
    return text + table.text(style.width) + "\n";
}

} // namespace dmabuf_ps
