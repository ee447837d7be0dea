// SPDX-License-Identifier: MIT
//
// The sums over a snapshot: rss, pss and uss of every holder, totals of every exporter. Pure: no
// system call.
#pragma once

#include <dmabuf/detail/sort.hpp>
#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

namespace detail {

constexpr std::uint64_t share_of(std::uint64_t size, std::uint32_t holders, std::uint32_t turn) {
    return size / holders + (turn < size % holders ? 1 : 0);
}

} // namespace detail

/// The share of one holder of a buffer of known size. `turn` counts the holders with lower pids.
/// The first `size % holders` of them carry one byte more, so that the shares add up to the size.
/// Unknown where the holders are.
constexpr known_number<std::uint64_t> share_of(buffer const& held, std::uint32_t turn) {
    if (!held.holders.has_value()) return known_number<std::uint64_t>::unknown();
    return detail::share_of(held.size_bytes, *held.holders, turn);
}

namespace detail {

constexpr void count_holder(buffer& held, reference const& how) {
    held.holders += 1;
    held.descriptors += how.descriptors;
    held.mappings += how.mappings;
}

/// The holders of all buffers are counted.
constexpr void add_up(holder& who, auto const& now, auto& turns) {
    holder sum;
    std::uint64_t pss = 0;
    std::uint64_t uss = 0;
    for (auto const& reference : now.references_of(who)) {
        auto const& buffer = now.buffers[reference.buffer];
        auto const turn = turns[reference.buffer]++;
        detail::add_capped(sum.mapped_bytes, reference.mapped_bytes);
        if (!buffer.size_known) {
            ++sum.unsized_buffers;
            continue;
        }
        sum.rss_bytes += buffer.size_bytes;
        std::uint32_t const holders = *buffer.holders;
        pss += detail::share_of(buffer.size_bytes, holders, turn);
        if (holders == 1) uss += buffer.size_bytes;
    }
    who.rss_bytes = sum.rss_bytes;
    who.pss_bytes = pss;
    who.uss_bytes = uss;
    who.mapped_bytes = sum.mapped_bytes;
    who.unsized_buffers = sum.unsized_buffers;
}

/// One empty total for each exporter, in the order of the numbers.
constexpr void begin_exporters(auto& now) {
    now.exporters.clear();
    exporter_total total;
    now.exporters.push_back(total);
    for (auto const& name : now.exporter_names) {
        total.name = name;
        total.exporter = static_cast<exporter_id>(now.exporters.size());
        now.exporters.push_back(total);
    }
}

/// Leaves out exporters without buffers. Most bytes first.
constexpr void finish_exporters(auto& exporters) {
    std::size_t kept = 0;
    for (auto const& total : exporters)
        if (total.buffers != 0) exporters[kept++] = total;
    while (exporters.size() > kept)
        exporters.pop_back();
    detail::sort(exporters, [](exporter_total const& a, exporter_total const& b) {
        if (a.size_bytes != b.size_bytes) return a.size_bytes > b.size_bytes;
        auto const order = a.name <=> b.name;
        return order != 0 ? order < 0 : a.exporter < b.exporter;
    });
}

constexpr void add_up_buffers(auto& now) {
    begin_exporters(now);
    now.total_bytes = 0;
    now.coverage.buffers_unsized = 0;
    for (auto const& buffer : now.buffers) {
        auto& total = now.exporters[static_cast<std::size_t>(buffer.exporter)];
        ++total.buffers;
        total.size_bytes += buffer.size_bytes;
        now.total_bytes += buffer.size_bytes;
        now.coverage.buffers_unsized += buffer.size_known ? 0 : 1;
    }
    finish_exporters(now.exporters);
}

/// Makes the numbers unknown that other holders change, in a sample of one process alone.
constexpr void forget_others(auto& now) {
    for (auto& buffer : now.buffers)
        buffer.holders = buffer.holders.unknown();
    for (auto& who : now.holders)
        who.pss_bytes = who.uss_bytes = who.pss_bytes.unknown();
}

/// Whether a sum over all buffers fits that counts each once for every holder: so does every other
/// sum then. The largest number does not fit, for as a `known_number` it is unknown.
constexpr bool sizes_fit(auto const& buffers) {
    std::uint64_t sum = 1;
    for (auto const& one : buffers) {
        std::uint64_t const times = *one.holders == 0 ? 1 : *one.holders;
        std::uint64_t more = 0;
        if (__builtin_mul_overflow(one.size_bytes, times, &more) ||
            __builtin_add_overflow(sum, more, &sum))
            return false;
    }
    return true;
}

/// Makes the largest sizes unknown, until the others fit, if there are any that do not. Their order
/// does not matter.
[[gnu::noinline]] constexpr void forget_largest(auto& buffers) {
    for (std::uint64_t limit = std::uint64_t{1} << 63U; !sizes_fit(buffers); limit /= 2)
        for (auto& one : buffers)
            if (one.size_bytes >= limit) {
                one.size_bytes = 0;
                one.size_known = false;
            }
}

/// The second half of `account`: the sums, from buffers whose holders are counted.
constexpr void share_out(auto& now, auto& turns) {
    forget_largest(now.buffers);
    turns.assign(now.buffers.size(), 0);
    for (auto& holder : now.holders)
        add_up(holder, now, turns);
    add_up_buffers(now);
    if (now.coverage.alone_pid != 0) forget_others(now);
}

} // namespace detail

/// Fills in every sum of `now` from its buffers, holders and references. The holders must be in
/// ascending order of pid, and the references grouped by holder. Where a size does not divide by
/// the number of holders, the lowest pids carry the remainder, one byte each. pss, uss and numbers
/// of holders stay unknown in a sample of one process alone. Where the sizes of all buffers, each
/// counted once for every holder, exceed 2^64-2 bytes, they cannot be true together: the largest
/// sizes become unknown.
/// Cost: linear. No allocation once `turns`, scratch memory of one number per buffer, has grown.
template<class = detail::if_called>
constexpr void account(snapshot& now, std::vector<std::uint32_t>& turns) {
    for (auto& buffer : now.buffers)
        buffer.holders = buffer.descriptors = buffer.mappings = 0;
    for (auto const& reference : now.references)
        detail::count_holder(now.buffers[reference.buffer], reference);
    detail::share_out(now, turns);
}

/// Fills in every sum of `now`, with scratch memory of its own.
/// Cost: linear; one allocation.
template<class = detail::if_called>
constexpr void account(snapshot& now) {
    std::vector<std::uint32_t> turns;
    account(now, turns);
}

/// The holders, largest pss first, then largest rss, then lowest pid.
/// Cost: one allocation, one sort.
template<class = detail::if_called>
std::vector<holder> by_process(snapshot const& now) {
    auto holders = now.holders;
    detail::sort(holders, [](holder const& a, holder const& b) {
        if (a.pss_bytes != b.pss_bytes) return a.pss_bytes > b.pss_bytes;
        return a.rss_bytes != b.rss_bytes ? a.rss_bytes > b.rss_bytes : a.pid < b.pid;
    });
    return holders;
}

} // namespace v0
} // namespace dmabuf
