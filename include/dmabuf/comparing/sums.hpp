// SPDX-License-Identifier: MIT
//
// Adds up the buffers of two snapshots, by exporter or by maker, and compares the sums.
#pragma once

#include <dmabuf/comparing/buffers.hpp>

namespace dmabuf {
inline namespace v0 {
namespace detail {

/// The buffers of one exporter, or maker, in one snapshot.
struct buffers_sum {
    std::uint64_t buffers = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t descriptors = 0;
    std::uint64_t mappings = 0;
    std::uint64_t mapped_bytes = 0;
    std::uint64_t unheld_buffers = 0;
    std::uint64_t unheld_bytes = 0;
    std::uint64_t unsized_buffers = 0;
    /// A sum over those of the buffers of which the number is known.
    struct partial {
        std::uint64_t sum = 0;
        std::uint64_t known = 0;
    };
    partial references;
    partial other_references;
    partial attachments;
};

template<class = detail::if_called>
void add_counts(snapshot const& now, buffer const& one, buffers_sum& sum) {
    auto const* const count = now.count_of(one);
    if (!count) return;
    auto const add = [](buffers_sum::partial& to, bool known, std::uint64_t value) {
        to.sum += known ? value : 0;
        to.known += known ? 1U : 0U;
    };
    add(sum.references, true, count->count);
    add(sum.other_references, count->others_known, count->other_references);
    add(sum.attachments, count->devices_known, detail::attachments_to(now, one));
}

template<class = detail::if_called>
void add_buffer(snapshot const& now, buffer const& one, bool held, std::uint64_t mapped,
                buffers_sum& sum) {
    ++(held ? sum.buffers : sum.unheld_buffers);
    (held ? sum.size_bytes : sum.unheld_bytes) += one.size_bytes;
    sum.unsized_buffers += one.size_known ? 0U : 1U;
    sum.descriptors += one.descriptors;
    sum.mappings += one.mappings;
    detail::add_capped(sum.mapped_bytes, mapped);
    detail::add_counts(now, one, sum);
}

template<class = detail::if_called>
void tell_sum(compared const& in, buffers_sum const& sum, certainty described,
              buffers_change& row) {
    auto const& knows = in.knows;
    auto const how = detail::weaker(knows.seen, described);
    auto const sized = detail::exact_if(sum.unsized_buffers == 0, certainty::at_least);
    auto const unheld = detail::weaker(knows.unheld, described);
    in.tell(row.buffers, sum.buffers, how, knows.only_mapped);
    in.tell(row.size_bytes, sum.size_bytes, how, knows.only_mapped, sized);
    in.tell(row.descriptors, sum.descriptors, how, knows.tables);
    in.tell(row.mappings, sum.mappings, how, knows.maps);
    in.tell(row.mapped_bytes, sum.mapped_bytes, how, knows.maps);
    in.tell(row.unheld_buffers, sum.unheld_buffers, unheld);
    in.tell(row.unheld_bytes, sum.unheld_bytes, unheld);
    auto const all = sum.buffers + sum.unheld_buffers;
    auto const listed = detail::weaker(how, detail::exact_if(knows.absence, certainty::at_least));
    auto const partly = [&](amount_change& where, buffers_sum::partial const& one) {
        auto const told = detail::exact_if(one.known == all, certainty::at_least);
        in.tell(where, one.sum, one.known == 0 && all != 0 ? certainty::unknown : told, listed);
    };
    partly(row.references, sum.references);
    partly(row.other_references, sum.other_references);
    partly(row.attachments, sum.attachments);
}

/// All buffers of both snapshots, into `memory.members`.
template<class = detail::if_called>
void find_members(compared const& before, compared const& after, snapshot_diff::memory& memory) {
    memory.members.clear();
    for (auto const* in : {&before, &after})
        for (auto const& at : memory.places[in->later ? 1 : 0]) {
            auto const& one = detail::buffer_at(*in->now, at);
            memory.members.push_back({&one, &in->now->exporter_of(one),
                                      in->now->origins.empty() ? nullptr : in->now->origin_of(one),
                                      at.index, at.held, in->later});
        }
}

/// Adds up the buffers that are equal by `order(a, b)`, which is below 0, 0 or above 0.
/// `row_of(run)` begins the row of those in a span; `described(in, row)` is how well a side knows
/// whose they are.
template<class Order, class RowOf, class Described, class Row>
void compare_sums(compared const& before, compared const& after, snapshot_diff::memory& memory,
                  Order order, RowOf row_of, Described described, std::vector<Row>& rows,
                  std::size_t& in_doubt) {
    auto const& all = memory.members;
    detail::sort(memory.members, [&](auto const& a, auto const& b) { return order(a, b) < 0; });
    for (std::size_t at = 0; at < all.size();) {
        buffers_sum sums[2];
        std::size_t last = at;
        for (; last < all.size() && order(all[at], all[last]) == 0; ++last) {
            auto const& one = all[last];
            auto const side = one.later ? 1U : 0U;
            detail::add_buffer(one.later ? *after.now : *before.now, *one.which, one.held,
                               one.held ? memory.mapped[side][one.index] : 0, sums[side]);
        }
        Row row = row_of(std::span(all).subspan(at, last - at));
        row.what = detail::change_of(sums[0].buffers + sums[0].unheld_buffers != 0,
                                     sums[1].buffers + sums[1].unheld_buffers != 0);
        detail::tell_sum(before, sums[0], described(before, row), row);
        detail::tell_sum(after, sums[1], described(after, row), row);
        detail::keep_changed(row, false, rows, in_doubt);
        at = last;
    }
}

} // namespace detail
} // namespace v0
} // namespace dmabuf
