// SPDX-License-Identifier: MIT
//
// The account by group of processes: by user, by cgroup, or by any number that the caller gives a
// process. Pure: no system call.
#pragma once

#include <dmabuf/account.hpp>

namespace dmabuf {
inline namespace v0 {

/// The sums of one group of processes.
struct group_total {
    std::uint32_t group = 0; ///< the number that the caller gave it
    std::uint32_t holders = 0;
    std::uint32_t buffers = 0;             ///< different ones
    std::uint64_t rss_bytes = 0;           ///< each different buffer once, full size
    known_number<std::uint64_t> pss_bytes; ///< the sum over its processes
    known_number<std::uint64_t> uss_bytes; ///< buffers that no process outside the group holds
    std::uint64_t descriptors = 0;         ///< the sum over its processes
    std::uint64_t mappings = 0;            ///< the sum over its processes
    std::uint64_t mapped_bytes = 0;        ///< the sum over its processes
};

/// Result and scratch memory of `by_group()`. Reused, it keeps its memory.
struct group_sums {
    std::vector<group_total> totals; ///< largest pss first

    /// A holder, and the group that it is in.
    struct member {
        std::uint32_t group;
        std::uint32_t holder; ///< index into `snapshot::holders`
    };
    std::vector<member> members;

    /// The last group that was seen to hold a buffer.
    struct last_group {
        std::size_t number = 0; ///< from 1; 0: none yet
        std::uint32_t holders = 0;
    };
    std::vector<last_group> last_groups; ///< by buffer

    /// Makes room for the groups of systems up to the size of `most`.
    /// Cost: 3 allocations.
    template<class = detail::if_called>
    void reserve(capacity const& most) {
        totals.reserve(most.holders);
        members.reserve(most.holders);
        last_groups.reserve(most.buffers);
    }
};

namespace detail {

/// Adds one holder of a buffer to the total of its group. `last` is the buffer's.
constexpr void add_to_group(group_total& total, std::size_t number, buffer const& held,
                            group_sums::last_group& last) {
    if (last.number != number) {
        last = {number, 0};
        ++total.buffers;
        total.rss_bytes += held.size_bytes;
    }
    ++last.holders;
    if (!held.holders.has_value())
        total.uss_bytes = total.uss_bytes.unknown();
    else if (*held.holders == last.holders)
        total.uss_bytes += held.size_bytes;
}

/// Adds up as `by_group()` does, in ascending order of group.
template<class GroupOf>
void add_up_groups(snapshot const& now, GroupOf group_of, group_sums& sums) {
    auto& totals = sums.totals;
    totals.clear();
    sums.members.clear();
    sums.last_groups.assign(now.buffers.size(), {});
    for (auto const& who : now.holders)
        sums.members.push_back(
            {static_cast<std::uint32_t>(group_of(who)), detail::in_32_bits(sums.members.size())});
    detail::sort(sums.members, [](group_sums::member const& a, group_sums::member const& b) {
        return a.group < b.group;
    });
    for (auto const& one : sums.members) {
        if (totals.empty() || totals.back().group != one.group)
            totals.emplace_back().group = one.group;
        auto const& who = now.holders[one.holder];
        auto& total = totals.back();
        ++total.holders;
        total.pss_bytes += who.pss_bytes;
        detail::add_capped(total.mapped_bytes, who.mapped_bytes);
        for (auto const& reference : now.references_of(who)) {
            total.descriptors += reference.descriptors;
            total.mappings += reference.mappings;
            add_to_group(total, totals.size(), now.buffers[reference.buffer],
                         sums.last_groups[reference.buffer]);
        }
    }
}

} // namespace detail

/// Adds up `now` by `group_of(holder)`, a number below 2^32, into `sums`. A group that holds a
/// buffer through several processes counts the buffer once. The buffer is in the group's uss where
/// no process outside the group holds it. So rss and uss of a group are not the sums over its
/// processes.
/// Cost: one sort of the holders, one look at each reference; no allocation once `sums` has grown.
template<class GroupOf>
void by_group(snapshot const& now, GroupOf group_of, group_sums& sums) {
    detail::add_up_groups(now, group_of, sums);
    detail::sort(sums.totals, [](group_total const& a, group_total const& b) {
        return a.pss_bytes != b.pss_bytes ? a.pss_bytes > b.pss_bytes : a.group < b.group;
    });
}

/// Adds up `now` by `group_of(holder)`, a number below 2^32; see the overload with `sums`.
/// Cost: one sort of the holders, one look at each reference; one allocation for the buffers, and
/// those of two vectors that grow to the number of holders and of groups.
template<class GroupOf>
std::vector<group_total> by_group(snapshot const& now, GroupOf group_of) {
    group_sums sums;
    by_group(now, group_of, sums);
    return std::move(sums.totals);
}

/// Adds up `now` by effective user; `group` is the uid.
/// Cost: that of `by_group()`.
template<class = detail::if_called>
std::vector<group_total> by_user(snapshot const& now) {
    return by_group(now, [](holder const& who) { return who.uid; });
}

/// Adds up `now` by cgroup; `now.cgroup_name(group)` is its path. Needs `sample_options::cgroups`.
/// Cost: that of `by_group()`.
template<class = detail::if_called>
std::vector<group_total> by_cgroup(snapshot const& now) {
    return by_group(now, [](holder const& who) { return who.cgroup; });
}

} // namespace v0
} // namespace dmabuf
