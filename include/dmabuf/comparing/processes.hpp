// SPDX-License-Identifier: MIT
//
// Compares the processes of two snapshots.
#pragma once

#include <dmabuf/comparing/buffers.hpp>

namespace dmabuf {
inline namespace v0 {
namespace detail {

template<class = detail::if_called>
bool holds(std::span<reference const> sorted, std::uint32_t buffer) {
    auto const at =
        detail::lower_bound(sorted, buffer, [](reference const& one, std::uint32_t which) {
            return one.buffer < which;
        });
    return at < sorted.size() && sorted[at].buffer == buffer;
}

/// Tells three sums of sizes. `how` is the certainty of the first. Processes out of sight may share
/// the buffers of pss and uss.
template<class = detail::if_called>
void tell_sums(compared const& in, std::uint64_t rss, known_number<std::uint64_t> pss,
               known_number<std::uint64_t> uss, certainty how, holding_change& row) {
    in.tell(row.rss_bytes, rss, how);
    in.tell(row.pss_bytes, pss, how, in.knows.shares);
    in.tell(row.uss_bytes, uss, how, in.knows.shares);
}

/// `who` is null where the process is no holder in this snapshot.
template<class = detail::if_called>
void tell_holder(compared const& in, holder const* who, holder_change& row) {
    static constexpr holder none;
    auto const& one = who ? *who : none;
    auto const& knows = in.knows;
    auto const own =
        who ? detail::weaker(knows.own, detail::exact_if(!who->partly_seen, certainty::at_least))
            : knows.seen;
    std::uint64_t descriptors = 0;
    std::uint64_t mappings = 0;
    for (auto const& its : in.now->references_of(one)) {
        descriptors += its.descriptors;
        mappings += its.mappings;
    }
    in.tell(row.buffers, one.reference_count, own, knows.only_mapped);
    in.tell(row.descriptors, descriptors, own, knows.tables);
    in.tell(row.mappings, mappings, own, knows.maps);
    in.tell(row.mapped_bytes, one.mapped_bytes, own, knows.maps);
    auto const sized = detail::exact_if(one.unsized_buffers == 0, certainty::at_least);
    detail::tell_sums(in, one.rss_bytes, one.pss_bytes, one.uss_bytes,
                      detail::weaker(detail::weaker(own, knows.only_mapped), sized), row);
}

/// Counts the buffers that only one of both holders holds.
template<class = detail::if_called>
void count_exchanged(compared const& before, holder const* a, compared const& after,
                     holder const* b, std::vector<std::uint32_t> const& same, holder_change& row) {
    std::size_t kept = 0;
    if (a && b)
        for (auto const& one : before.now->references_of(*a))
            kept += detail::holds(after.now->references_of(*b), same[one.buffer]) ? 1U : 0U;
    row.buffers_lost = (a ? a->reference_count : 0) - kept;
    row.buffers_gained = (b ? b->reference_count : 0) - kept;
}

template<class = detail::if_called>
void compare_holders(compared const& before, compared const& after, boots of,
                     snapshot_diff& found) {
    auto const order = [&](holder const& a, holder const& b) {
        if (a.pid != b.pid) return detail::order_of(a.pid, b.pid);
        int const which = detail::order_of(a.start_ticks, b.start_ticks);
        return which == 0 && of == boots::different ? -1 : which;
    };
    detail::side_by_side(
        before.now->holders, after.now->holders, order, [&](holder const* a, holder const* b) {
            holder_change row;
            row.what = detail::change_of(a, b);
            detail::tell_holder(before, a, row);
            detail::tell_holder(after, b, row);
            auto const& who = b ? *b : *a;
            row.pid = who.pid;
            row.uid = who.uid;
            row.start_ticks = who.start_ticks;
            row.comm = who.comm;
            detail::count_exchanged(before, a, after, b, found.scratch.same, row);
            bool const exchanged = row.buffers_gained != 0 || row.buffers_lost != 0;
            detail::keep_changed(row, exchanged, found.holders, found.doubtful.holders);
        });
}

} // namespace detail
} // namespace v0
} // namespace dmabuf
