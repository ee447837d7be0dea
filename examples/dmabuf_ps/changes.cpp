// SPDX-License-Identifier: MIT
#include "changes.hpp"

#include "cells.hpp"
#include "columns.hpp"

#include <algorithm>
#include <set>

namespace dmabuf_ps {

namespace {

using dmabuf::change;

std::set<std::uint64_t> held_inodes(dmabuf::snapshot const& sample,
                                    std::vector<std::int32_t> const& pids) {
    std::set<std::uint64_t> inodes;
    for (auto const& who : sample.holders)
        if (std::ranges::count(pids, who.pid) != 0)
            for (auto const& reference : sample.references_of(who))
                inodes.insert(sample.buffers[reference.buffer].inode);
    return inodes;
}

std::string_view word_of(change what, std::uint64_t before, std::uint64_t after) {
    if (what == change::appeared) return "appeared";
    if (what == change::gone) return "gone";
    return after > before ? "grew" : after < before ? "shrank" : "changed";
}

std::string process_changes(observation const& seen, dmabuf::snapshot_diff const& changed,
                            table_style const& style) {
    columns table({{"PID", true},
                   {"USER"},
                   {"CHANGE"},
                   {"BUFFERS", true},
                   {"NEW", true},
                   {"LEFT", true},
                   {"PSS", true},
                   {"RSS", true},
                   {"COMMAND", false, true}});
    for (auto const& one : changed.holders)
        table.add_row({fmt::format("{}", one.pid), seen.users.of(one.uid),
                       std::string(word_for(one)), fmt::format("{}", one.buffers_after),
                       fmt::format("{}", one.buffers_gained), fmt::format("{}", one.buffers_lost),
                       difference(*one.pss_before_bytes, *one.pss_after_bytes, style),
                       difference(one.rss_before_bytes, one.rss_after_bytes, style),
                       visible(one.comm)});
    return table.text(style.width);
}

std::string buffer_changes(dmabuf::snapshot_diff const& changed, table_style const& style) {
    columns table({{"INODE", true}, {"SIZE", true}, {"EXPORTER"}, {"CHANGE"}, {"HOLDERS", true}});
    for (auto const& one : changed.buffers)
        table.add_row({fmt::format("{}", one.inode), size(one.size_bytes, style),
                       exporter_cell(one.exporter), std::string(word_for(one)),
                       fmt::format("{} → {}", *one.holders_before, *one.holders_after)});
    return table.text(style.width);
}

std::string amount(dmabuf::snapshot_diff const& changed, change what, table_style const& style) {
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    for (auto const& one : changed.buffers)
        if (one.what == what) ++count, bytes += one.size_bytes;
    return fmt::format("{}, {}", counted(count, "buffer"), size(bytes, style));
}

} // namespace

dmabuf::snapshot_diff changes(observation const& seen, options const& chosen) {
    auto changed = dmabuf::diff(seen.before, seen.now);
    if (chosen.pids.empty()) return changed;
    auto inodes = held_inodes(seen.before, chosen.pids);
    inodes.merge(held_inodes(seen.now, chosen.pids));
    std::erase_if(changed.holders,
                  [&](auto const& one) { return std::ranges::count(chosen.pids, one.pid) == 0; });
    std::erase_if(changed.buffers, [&](auto const& one) { return !inodes.contains(one.inode); });
    return changed;
}

std::string_view word_for(dmabuf::holder_change const& one) {
    return word_of(one.what, one.buffers_before, one.buffers_after);
}

std::string_view word_for(dmabuf::buffer_change const& one) {
    return word_of(one.what, *one.holders_before, *one.holders_after);
}

std::string change_table(observation const& seen, dmabuf::snapshot_diff const& changed,
                         bool buffers, table_style const& style) {
    auto const& now = seen.now;
    auto const elapsed = static_cast<double>(now.begin_ns - seen.before.begin_ns) / 1e9;
    std::string text;
    if (buffers && !changed.buffers.empty()) text = buffer_changes(changed, style) + "\n";
    if (!buffers && !changed.holders.empty()) text = process_changes(seen, changed, style) + "\n";
    if (text.empty()) text = "Nothing changed.\n";
    return text + fmt::format("In {:.1f} s: {} appeared; {} gone; in all {}, before {}\n", elapsed,
                              amount(changed, change::appeared, style),
                              amount(changed, change::gone, style), size(now.total_bytes, style),
                              size(seen.before.total_bytes, style));
}

} // namespace dmabuf_ps
