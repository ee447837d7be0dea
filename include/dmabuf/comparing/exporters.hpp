// SPDX-License-Identifier: MIT
//
// Compares the exporters of two snapshots.
#pragma once

#include <dmabuf/comparing/sums.hpp>

namespace dmabuf {
inline namespace v0 {
namespace detail {

/// Buffers of one exporter, as far as names tell. A name that was cut is that of its buffer alone.
template<class = detail::if_called>
int order_of_exporters(snapshot_diff::memory::member const& a,
                       snapshot_diff::memory::member const& b, boots of) {
    int const by_name = detail::order_of(*a.exporter, *b.exporter);
    if (by_name != 0 || !a.exporter->truncated()) return by_name;
    int const by_inode = detail::order_of(a.which->inode, b.which->inode);
    if (by_inode != 0 || of == boots::same) return by_inode;
    return detail::order_of(a.later, b.later);
}

/// Adds up `found.scratch.members`.
template<class = detail::if_called>
void compare_exporters(compared const& before, compared const& after, boots of,
                       snapshot_diff& found) {
    auto const told = [](snapshot const& now) {
        return !now.exporter_names.empty() || (now.buffers.empty() && now.unheld.empty());
    };
    found.exporters_known = told(*before.now) && told(*after.now);
    if (!found.exporters_known) return;
    detail::compare_sums(
        before, after, found.scratch,
        [&](auto const& a, auto const& b) { return detail::order_of_exporters(a, b, of); },
        [](auto const& run) {
            exporter_change row;
            row.name = *run.front().exporter;
            return row;
        },
        [](compared const& in, exporter_change const& row) {
            return row.name.empty() ? certainty::exact : in.knows.exporters;
        },
        found.exporters, found.doubtful.exporters);
}

} // namespace detail
} // namespace v0
} // namespace dmabuf
