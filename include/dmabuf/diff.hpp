// SPDX-License-Identifier: MIT
//
// What changed from one snapshot to the next. Pure; nothing here makes a system call.
#pragma once

#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

enum class change : std::uint8_t { appeared, gone, changed };

/// A process that began, ceased or went on to hold buffers, and holds others or more of them now.
/// A process is the same when pid and start time are: one that was given the pid of another is gone
/// and appeared.
struct holder_change {
    change what = change::changed;
    std::int32_t pid = 0;
    std::uint32_t uid = 0;
    std::uint64_t start_ticks = 0;
    process_name comm; ///< raw bytes: print `escaped(comm)`
    std::size_t buffers_before = 0;
    std::size_t buffers_after = 0;
    std::size_t buffers_gained = 0; ///< held after, not before
    std::size_t buffers_lost = 0;   ///< held before, not after
    std::uint64_t rss_before_bytes = 0;
    std::uint64_t rss_after_bytes = 0;
    std::uint64_t pss_before_bytes = 0;
    std::uint64_t pss_after_bytes = 0;

    /// Grows in buffers: what to look at when memory leaks.
    [[nodiscard]] constexpr bool grew() const { return buffers_after > buffers_before; }
};

/// A buffer that is new or gone, or whose number of holders changed.
struct buffer_change {
    change what = change::changed;
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    exporter_name exporter;
    std::uint32_t holders_before = 0;
    std::uint32_t holders_after = 0;
};

/// Only what is not as it was.
struct snapshot_diff {
    std::vector<holder_change> holders; ///< in ascending order of pid
    std::vector<buffer_change> buffers; ///< in ascending order of inode
    std::int64_t total_bytes = 0;       ///< after, less before
};

namespace detail {

/// Walks two sorted ranges side by side: `visit(a, b)` sees each element with its counterpart, or
/// with a null pointer where it has none.
template<class Range, class Less, class Visit>
constexpr void merge_sorted(Range const& before, Range const& after, Less less, Visit visit) {
    auto a = before.begin();
    auto b = after.begin();
    using element = typename Range::value_type const*;
    while (a != before.end() || b != after.end()) {
        bool const only_a = b == after.end() || (a != before.end() && less(*a, *b));
        bool const only_b = a == before.end() || (b != after.end() && less(*b, *a));
        visit(only_b ? element{} : &*a, only_a ? element{} : &*b);
        if (!only_b) ++a;
        if (!only_a) ++b;
    }
}

constexpr change kind_of(void const* before, void const* after) {
    return !before ? change::appeared : !after ? change::gone : change::changed;
}

/// The held inodes of both, compared.
template<class = detail::if_called>
constexpr void compare_references(snapshot const& before, holder const* a, snapshot const& after,
                                  holder const* b, holder_change& found) {
    auto const was = a ? before.references_of(*a) : std::span<reference const>{};
    auto const is = b ? after.references_of(*b) : std::span<reference const>{};
    found.buffers_before = was.size();
    found.buffers_after = is.size();
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < was.size() || j < is.size()) {
        auto const none = ~std::uint64_t{0};
        auto const old = i < was.size() ? before.buffers[was[i].buffer].inode : none;
        auto const now = j < is.size() ? after.buffers[is[j].buffer].inode : none;
        found.buffers_lost += old < now;
        found.buffers_gained += now < old;
        i += old <= now;
        j += now <= old;
    }
}

} // namespace detail

/// Compares two snapshots. Buffers are told apart by inode, which holds where inodes are not used
/// twice
/// (`platform::inodes_are_unique()`). Cost: linear, and the allocations of the two lists.
template<class = detail::if_called>
snapshot_diff diff(snapshot const& before, snapshot const& after) {
    snapshot_diff found;
    found.total_bytes = static_cast<std::int64_t>(after.total_bytes - before.total_bytes);
    auto const earlier = [](holder const& a, holder const& b) {
        return a.pid != b.pid ? a.pid < b.pid : a.start_ticks < b.start_ticks;
    };
    detail::merge_sorted(
        before.holders, after.holders, earlier, [&](holder const* a, holder const* b) {
            auto const& who = b ? *b : *a;
            holder_change one;
            one.what = detail::kind_of(a, b);
            one.pid = who.pid;
            one.uid = who.uid;
            one.start_ticks = who.start_ticks;
            one.comm = who.comm;
            if (a) one.rss_before_bytes = a->rss_bytes, one.pss_before_bytes = a->pss_bytes;
            if (b) one.rss_after_bytes = b->rss_bytes, one.pss_after_bytes = b->pss_bytes;
            detail::compare_references(before, a, after, b, one);
            bool const same = one.buffers_gained == 0 && one.buffers_lost == 0 &&
                              one.pss_before_bytes == one.pss_after_bytes;
            if (one.what != change::changed || !same) found.holders.push_back(one);
        });
    auto const lower = [](buffer const& a, buffer const& b) { return a.inode < b.inode; };
    detail::merge_sorted(
        before.buffers, after.buffers, lower, [&](buffer const* a, buffer const* b) {
            auto const& which = b ? *b : *a;
            buffer_change const one{detail::kind_of(a, b), which.inode,
                                    which.size_bytes,      (b ? after : before).exporter_of(which),
                                    a ? a->holders : 0,    b ? b->holders : 0};
            if (one.what != change::changed || one.holders_before != one.holders_after)
                found.buffers.push_back(one);
        });
    return found;
}

} // namespace v0
} // namespace dmabuf
