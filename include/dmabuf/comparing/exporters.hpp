// SPDX-License-Identifier: MIT
//
// Compares the exporters of two snapshots.
#pragma once

#include <dmabuf/comparing/buffers.hpp>

namespace dmabuf {
inline namespace v0 {
namespace detail {

/// The buffers of one exporter in one snapshot.
struct exporter_sum {
    std::uint64_t buffers = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t descriptors = 0;
    std::uint64_t mappings = 0;
    std::uint64_t mapped_bytes = 0;
    std::uint64_t unheld_buffers = 0;
    std::uint64_t unheld_bytes = 0;
    std::uint64_t unsized_buffers = 0;
    /// A sum of what is known of some buffers, and unknown of others.
    struct partial {
        std::uint64_t sum = 0;
        std::uint64_t known = 0;
    };
    partial references;
    partial other_references;
    partial attachments;
};

template<class = detail::if_called>
void add_counts(snapshot const& now, buffer const& one, exporter_sum& sum) {
    auto const* const count = now.count_of(one);
    if (!count) return;
    auto const add = [](exporter_sum::partial& to, bool known, std::uint64_t value) {
        to.sum += known ? value : 0;
        to.known += known ? 1U : 0U;
    };
    add(sum.references, true, count->count);
    add(sum.other_references, count->others_known, count->other_references);
    add(sum.attachments, count->devices_known, detail::attachments_to(now, one));
}

template<class = detail::if_called>
void add_buffer(snapshot const& now, buffer const& one, bool held, std::uint64_t mapped,
                exporter_sum& sum) {
    ++(held ? sum.buffers : sum.unheld_buffers);
    (held ? sum.size_bytes : sum.unheld_bytes) += one.size_bytes;
    sum.unsized_buffers += one.size_known ? 0U : 1U;
    sum.descriptors += one.descriptors;
    sum.mappings += one.mappings;
    sum.mapped_bytes += mapped;
    detail::add_counts(now, one, sum);
}

template<class = detail::if_called>
void tell_exporter(compared const& in, exporter_sum const& sum, bool named, exporter_change& row) {
    auto const& knows = in.knows;
    auto const described = named ? knows.exporters : certainty::exact;
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
    auto const partly = [&](amount_change& where, exporter_sum::partial const& one) {
        auto const told = detail::exact_if(one.known == all, certainty::at_least);
        in.tell(where, one.sum, one.known == 0 && all != 0 ? certainty::unknown : told, listed);
    };
    partly(row.references, sum.references);
    partly(row.other_references, sum.other_references);
    partly(row.attachments, sum.attachments);
}

template<class = detail::if_called>
void find_makers(compared const& in, snapshot_diff::memory& memory) {
    for (auto const& at : memory.places[in.later ? 1 : 0]) {
        auto const& one = detail::buffer_at(*in.now, at);
        memory.exporters.push_back({&one, &in.now->exporter_of(one), at.index, at.held, in.later});
    }
}

/// Buffers of one exporter, as far as names tell. A name that was cut is that of its buffer alone.
template<class = detail::if_called>
int order_of_makers(snapshot_diff::memory::made const& a, snapshot_diff::memory::made const& b,
                    boots of) {
    int const by_name = detail::order_of(*a.exporter, *b.exporter);
    if (by_name != 0 || !a.exporter->truncated()) return by_name;
    int const by_inode = detail::order_of(a.which->inode, b.which->inode);
    if (by_inode != 0 || of == boots::same) return by_inode;
    return detail::order_of(a.later, b.later);
}

template<class = detail::if_called>
void compare_exporters(compared const& before, compared const& after, boots of,
                       snapshot_diff& found) {
    auto const told = [](snapshot const& now) {
        return !now.exporter_names.empty() || (now.buffers.empty() && now.unheld.empty());
    };
    found.exporters_known = told(*before.now) && told(*after.now);
    if (!found.exporters_known) return;
    auto& memory = found.scratch;
    memory.exporters.clear();
    detail::find_makers(before, memory);
    detail::find_makers(after, memory);
    auto const& all = memory.exporters;
    auto const order = [&](auto const& a, auto const& b) {
        return detail::order_of_makers(a, b, of);
    };
    detail::sort(memory.exporters, [&](auto const& a, auto const& b) { return order(a, b) < 0; });
    for (std::size_t at = 0; at < all.size();) {
        exporter_sum sums[2];
        std::size_t last = at;
        for (; last < all.size() && order(all[at], all[last]) == 0; ++last) {
            auto const& one = all[last];
            auto const side = one.later ? 1U : 0U;
            detail::add_buffer(one.later ? *after.now : *before.now, *one.which, one.held,
                               one.held ? memory.mapped[side][one.index] : 0, sums[side]);
        }
        exporter_change row;
        row.name = *all[at].exporter;
        row.what = detail::change_of(sums[0].buffers + sums[0].unheld_buffers != 0,
                                     sums[1].buffers + sums[1].unheld_buffers != 0);
        detail::tell_exporter(before, sums[0], !row.name.empty(), row);
        detail::tell_exporter(after, sums[1], !row.name.empty(), row);
        detail::keep_changed(row, false, found.exporters, found.doubtful.exporters);
        at = last;
    }
}

} // namespace detail
} // namespace v0
} // namespace dmabuf
