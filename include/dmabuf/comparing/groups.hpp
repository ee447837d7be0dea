// SPDX-License-Identifier: MIT
//
// Compares the users and the cgroups of two snapshots.
#pragma once

#include <dmabuf/comparing/processes.hpp>

namespace dmabuf {
inline namespace v0 {
namespace detail {

/// `total` is null where the group holds nothing in this snapshot. `members` tells whether all
/// processes that were seen are in their groups.
template<class = detail::if_called>
void tell_group(compared const& in, group_total const* total, certainty members,
                group_change& row) {
    static constexpr group_total none;
    auto const& sum = total ? *total : none;
    auto const& knows = in.knows;
    auto const how = detail::weaker(knows.seen, members);
    auto const buffers = detail::weaker(how, knows.only_mapped);
    in.tell(row.processes, sum.holders, buffers);
    in.tell(row.buffers, sum.buffers, buffers);
    in.tell(row.descriptors, sum.descriptors, how, knows.tables);
    in.tell(row.mappings, sum.mappings, how, knows.maps);
    in.tell(row.mapped_bytes, sum.mapped_bytes, how, knows.maps);
    detail::tell_sums(in, sum.rss_bytes, sum.pss_bytes, sum.uss_bytes,
                      detail::weaker(buffers, knows.sized), row);
}

/// Compares the totals in `found.scratch.sums`, which are in ascending order of group.
/// `number_of(later, group)` is the number of a group in its row.
template<class NumberOf>
void compare_groups(compared const& before, certainty old_members, compared const& after,
                    certainty members, snapshot_diff& found, std::vector<group_change>& rows,
                    std::size_t& in_doubt, NumberOf number_of) {
    auto const order = [](group_total const& a, group_total const& b) {
        return detail::order_of(a.group, b.group);
    };
    auto const& sums = found.scratch.sums;
    detail::side_by_side(sums[0].totals, sums[1].totals, order,
                         [&](group_total const* a, group_total const* b) {
                             group_change row;
                             row.what = detail::change_of(a, b);
                             if (a) row.before = number_of(false, a->group);
                             if (b) row.after = number_of(true, b->group);
                             detail::tell_group(before, a, old_members, row);
                             detail::tell_group(after, b, members, row);
                             detail::keep_changed(row, false, rows, in_doubt);
                         });
}

template<class = detail::if_called>
void compare_users(compared const& before, compared const& after, snapshot_diff& found) {
    auto const uid = [](holder const& who) { return who.uid; };
    detail::add_up_groups(*before.now, uid, found.scratch.sums[0]);
    detail::add_up_groups(*after.now, uid, found.scratch.sums[1]);
    detail::compare_groups(before, certainty::exact, after, certainty::exact, found, found.users,
                           found.doubtful.users, [](bool, std::uint32_t group) { return group; });
}

/// Gives the cgroups of both snapshots numbers in the order of their paths.
template<class = detail::if_called>
void number_cgroups(compared const& before, compared const& after, snapshot_diff& found) {
    auto& memory = found.scratch;
    memory.paths.clear();
    for (auto const* in : {&before, &after}) {
        memory.numbers[in->later ? 1 : 0].assign(in->now->cgroups.size(), 0);
        for (std::uint32_t at = 0; at < in->now->cgroups.size(); ++at)
            memory.paths.push_back({in->now->cgroup_name(at), at, in->later});
    }
    detail::sort(memory.paths, [](auto const& a, auto const& b) { return a.text < b.text; });
    memory.first[0].clear();
    memory.first[1].clear();
    for (std::size_t at = 0; at < memory.paths.size(); ++at) {
        auto const& one = memory.paths[at];
        if (at == 0 || memory.paths[at - 1].text != one.text)
            for (auto& first : memory.first)
                first.push_back(no_cgroup);
        auto const side = one.later ? 1U : 0U;
        memory.numbers[side][one.index] = detail::in_32_bits(memory.first[0].size() - 1);
        memory.first[side].back() = one.index;
    }
}

template<class = detail::if_called>
void compare_cgroups(compared const& before, compared const& after, snapshot_diff& found) {
    auto const told = [](snapshot const& now) {
        return now.holders.empty() || !now.cgroups.empty() || now.coverage.cgroups_unknown != 0;
    };
    found.cgroups_known = told(*before.now) && told(*after.now);
    if (!found.cgroups_known) return;
    detail::number_cgroups(before, after, found);
    auto& memory = found.scratch;
    for (auto const* in : {&before, &after}) {
        auto const& numbers = memory.numbers[in->later ? 1 : 0];
        auto const number = [&](holder const& who) {
            return who.cgroup < numbers.size() ? numbers[who.cgroup] : no_cgroup;
        };
        detail::add_up_groups(*in->now, number, memory.sums[in->later ? 1 : 0]);
    }
    detail::compare_groups(before, before.knows.cgroups, after, after.knows.cgroups, found,
                           found.cgroups, found.doubtful.cgroups,
                           [&](bool later, std::uint32_t group) {
                               auto const& first = memory.first[later ? 1 : 0];
                               return group < first.size() ? first[group] : no_cgroup;
                           });
}

} // namespace detail
} // namespace v0
} // namespace dmabuf
