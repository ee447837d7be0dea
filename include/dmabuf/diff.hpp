// SPDX-License-Identifier: MIT
//
// The difference between two snapshots. Pure: no system call.
#pragma once

#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

enum class change : std::uint8_t { appeared, gone, changed };

/// A holder that appeared or is gone, or whose buffers or pss changed. Pid and start time identify
/// a process. When a pid is used again, the old process is gone and the new one appeared.
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
    known_number<std::uint64_t> pss_before_bytes;
    known_number<std::uint64_t> pss_after_bytes;

    /// Holds more buffers than before. Look here first for a leak.
    [[nodiscard]] constexpr bool grew() const { return buffers_after > buffers_before; }
};

/// A buffer that appeared, is gone, or changed its number of holders.
struct buffer_change {
    change what = change::changed;
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    exporter_name exporter;
    known_number<std::uint32_t> holders_before;
    known_number<std::uint32_t> holders_after;
};

/// The holders and buffers that changed. Unchanged ones are left out.
struct snapshot_diff {
    std::vector<holder_change> holders; ///< in ascending order of pid
    std::vector<buffer_change> buffers; ///< in ascending order of inode
    std::int64_t total_bytes = 0;       ///< after, less before
};

namespace detail {

/// Walks two sorted ranges side by side. `visit(what, a, b)` gets each element with its
/// counterpart, or with a default-made value where there is no counterpart.
template<class Range, class Less, class Visit>
constexpr void merge_sorted(Range const& before, Range const& after, Less less, Visit visit) {
    typename Range::value_type const none{};
    std::size_t a = 0;
    std::size_t b = 0;
    while (a < before.size() || b < after.size()) {
        bool const gone = b == after.size() || (a < before.size() && less(before[a], after[b]));
        bool const appeared = a == before.size() || (b < after.size() && less(after[b], before[a]));
        visit(gone       ? change::gone
              : appeared ? change::appeared
                         : change::changed,
              appeared ? none : before[a], gone ? none : after[b]);
        a += appeared ? 0 : 1;
        b += gone ? 0 : 1;
    }
}

/// Compares the inodes that both holders hold.
template<class = detail::if_called>
constexpr void compare_references(snapshot const& before, holder const& a, snapshot const& after,
                                  holder const& b, holder_change& found) {
    auto const was = before.references_of(a);
    auto const is = after.references_of(b);
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

/// Compares two snapshots. Buffers are told apart by inode, which is reliable on kernels that use
/// no inode number twice (`platform::inodes_are_unique()`).
/// Cost: linear, and the allocations of the two lists.
template<class = detail::if_called>
snapshot_diff diff(snapshot const& before, snapshot const& after) {
    snapshot_diff found;
    found.total_bytes = static_cast<std::int64_t>(after.total_bytes - before.total_bytes);
    auto const earlier = [](holder const& a, holder const& b) {
        return a.pid != b.pid ? a.pid < b.pid : a.start_ticks < b.start_ticks;
    };
    detail::merge_sorted(before.holders, after.holders, earlier,
                         [&](change what, holder const& a, holder const& b) {
                             auto const& who = what == change::gone ? a : b;
                             holder_change one;
                             one.what = what;
                             one.pid = who.pid;
                             one.uid = who.uid;
                             one.start_ticks = who.start_ticks;
                             one.comm = who.comm;
                             one.rss_before_bytes = a.rss_bytes;
                             one.pss_before_bytes = a.pss_bytes;
                             one.rss_after_bytes = b.rss_bytes;
                             one.pss_after_bytes = b.pss_bytes;
                             detail::compare_references(before, a, after, b, one);
                             bool const same = one.buffers_gained == 0 && one.buffers_lost == 0 &&
                                               one.pss_before_bytes == one.pss_after_bytes;
                             if (what != change::changed || !same) found.holders.push_back(one);
                         });
    auto const lower = [](buffer const& a, buffer const& b) { return a.inode < b.inode; };
    detail::merge_sorted(
        before.buffers, after.buffers, lower, [&](change what, buffer const& a, buffer const& b) {
            if (what == change::changed && a.holders == b.holders) return;
            auto const& which = what == change::gone ? a : b;
            auto const& exporter = (what == change::gone ? before : after).exporter_of(which);
            found.buffers.push_back(
                {what, which.inode, which.size_bytes, exporter, a.holders, b.holders});
        });
    return found;
}

} // namespace v0
} // namespace dmabuf
