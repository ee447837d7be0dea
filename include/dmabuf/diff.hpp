// SPDX-License-Identifier: MIT
//
// Compares two snapshots: processes, buffers, exporters, makers, users and cgroups.
// Pure: no system call.
#pragma once

#include <dmabuf/comparing/exporters.hpp>
#include <dmabuf/comparing/groups.hpp>
#include <dmabuf/comparing/makers.hpp>

namespace dmabuf {
inline namespace v0 {

namespace detail {

template<class = detail::if_called>
void tell_totals(compared const& in, snapshot_diff& found) {
    auto const& now = *in.now;
    auto const& knows = in.knows;
    in.tell(found.held_buffers, now.buffers.size(), knows.seen, knows.only_mapped);
    in.tell(found.held_bytes, now.total_bytes, knows.seen, knows.only_mapped, knows.sized);
    in.tell(found.unheld_buffers, now.unheld.size(), knows.unheld);
    in.tell(found.unheld_bytes, now.unheld_bytes, knows.unheld);
}

} // namespace detail

/// Compares two snapshots, into `found`. A snapshot does not know an amount that was not asked for,
/// or that was out of sight; its change is then unknown, too. Buffers are told apart by
/// inode, size and exporter, which is reliable on kernels that use no inode number twice
/// (`platform::inodes_are_unique()`), processes and makers by pid and start time. Nothing of this
/// outlives a boot: of `boots::different` no process and no buffer is the same, and only exporters,
/// users and cgroups are compared.
/// Cost: sorts of buffers, holders, references and cgroups; no allocation once `found` has grown.
template<class = detail::if_called>
void diff(snapshot const& before, snapshot const& after, snapshot_diff& found,
          boots of = boots::same) {
    detail::compared const old(before, false);
    detail::compared const now(after, true);
    found.holders.clear();
    found.buffers.clear();
    found.exporters.clear();
    found.makers.clear();
    found.users.clear();
    found.cgroups.clear();
    found.doubtful = {};
    for (auto const* in : {&old, &now}) {
        detail::add_up_mapped(*in->now, found.scratch.mapped[in->later ? 1 : 0]);
        detail::tell_totals(*in, found);
    }
    detail::compare_buffers(old, now, of, found);
    detail::compare_holders(old, now, of, found);
    detail::find_members(old, now, found.scratch);
    detail::compare_exporters(old, now, of, found);
    detail::compare_makers(old, now, of, found);
    detail::compare_users(old, now, found);
    detail::compare_cgroups(old, now, found);
}

/// Compares two snapshots; see the overload with `found`.
/// Cost: that of the overload, and the allocations of its lists.
template<class = detail::if_called>
snapshot_diff diff(snapshot const& before, snapshot const& after, boots of = boots::same) {
    snapshot_diff found;
    diff(before, after, found, of);
    return found;
}

} // namespace v0
} // namespace dmabuf
