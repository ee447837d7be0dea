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

namespace detail {

/// Turns one total per holder into one per group, in ascending order of group.
constexpr void add_up_holders(auto& totals) {
    detail::sort(totals,
                 [](group_total const& a, group_total const& b) { return a.group < b.group; });
    std::size_t kept = 0;
    for (auto const& one : totals) {
        if (kept == 0 || totals[kept - 1].group != one.group) {
            totals[kept++] = one;
            continue;
        }
        auto& sum = totals[kept - 1];
        sum.holders += one.holders;
        sum.pss_bytes += one.pss_bytes;
        sum.descriptors += one.descriptors;
        sum.mappings += one.mappings;
        sum.mapped_bytes += one.mapped_bytes;
    }
    totals.resize(kept);
}

/// The size of a buffer if no process outside the group holds it.
constexpr known_number<std::uint64_t> bytes_of_group_alone(buffer const& held,
                                                           std::size_t holders_in_group) {
    if (!held.holders.has_value()) return known_number<std::uint64_t>::unknown();
    return *held.holders == holders_in_group ? held.size_bytes : 0;
}

} // namespace detail

/// Result and scratch memory of `by_group()`. Reused, it keeps its memory.
struct group_sums {
    std::vector<group_total> totals; ///< largest pss first

    struct held {
        std::uint32_t group;
        std::uint32_t buffer;
    };
    std::vector<held> scratch;

    template<class = detail::if_called>
    void reserve(capacity const& most) {
        totals.reserve(most.holders);
        scratch.reserve(most.references);
    }
};

namespace detail {

/// As `by_group()` does, in ascending order of group.
template<class GroupOf>
void add_up_groups(snapshot const& now, GroupOf group_of, group_sums& sums) {
    auto& totals = sums.totals;
    auto& all = sums.scratch;
    totals.clear();
    all.clear();
    all.reserve(now.references.size());
    for (auto const& holder : now.holders) {
        group_total one;
        one.group = static_cast<std::uint32_t>(group_of(holder));
        one.holders = 1;
        one.pss_bytes = holder.pss_bytes;
        one.mapped_bytes = holder.mapped_bytes;
        for (auto const& reference : now.references_of(holder)) {
            one.descriptors += reference.descriptors;
            one.mappings += reference.mappings;
            all.push_back({one.group, reference.buffer});
        }
        totals.push_back(one);
    }
    detail::add_up_holders(totals);
    detail::sort(all, [](group_sums::held const& a, group_sums::held const& b) {
        return a.group != b.group ? a.group < b.group : a.buffer < b.buffer;
    });
    std::size_t of = 0; // the groups of both are in the same order
    for (std::size_t i = 0; i < all.size();) {
        std::size_t last = i;
        while (last < all.size() && all[last].group == all[i].group &&
               all[last].buffer == all[i].buffer)
            ++last;
        auto const& buffer = now.buffers[all[i].buffer];
        while (totals[of].group != all[i].group)
            ++of;
        auto& total = totals[of];
        ++total.buffers;
        total.rss_bytes += buffer.size_bytes;
        total.uss_bytes += detail::bytes_of_group_alone(buffer, last - i);
        i = last;
    }
}

} // namespace detail

/// Adds up `now` by `group_of(holder)`, a number below 2^32, into `sums`. A group that holds a
/// buffer through several processes counts the buffer once. The buffer is in the group's uss where
/// no process outside the group holds it. So rss and uss of a group are not the sums over its
/// processes.
/// Cost: one sort of the holders, one of the references; no allocation once `sums` has grown.
template<class GroupOf>
void by_group(snapshot const& now, GroupOf group_of, group_sums& sums) {
    detail::add_up_groups(now, group_of, sums);
    detail::sort(sums.totals, [](group_total const& a, group_total const& b) {
        return a.pss_bytes != b.pss_bytes ? a.pss_bytes > b.pss_bytes : a.group < b.group;
    });
}

/// Adds up `now` by `group_of(holder)`, a number below 2^32; see the overload with `sums`.
/// Cost: one sort of the holders, one of the references; one allocation for the references, and
/// those of a vector that grows to one total per holder.
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
