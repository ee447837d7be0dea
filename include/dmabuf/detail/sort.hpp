// SPDX-License-Identifier: MIT
//
// Sorts and searches small ranges of values. <algorithm> and nine instances of std::sort() would be
// a quarter of the time to compile the library (GCC 12).
#pragma once

#include <dmabuf/version.hpp>

#include <cstddef>
#include <utility>

namespace dmabuf {
inline namespace v0 {
namespace detail {

template<class Range, class Before>
constexpr bool is_sorted(Range const& all, Before before) {
    for (std::size_t at = 1; at < all.size(); ++at)
        if (before(all[at], all[at - 1])) return false;
    return true;
}

/// Moves the element at `at` to its place among the sorted elements before it. Returns by how many
/// places.
template<class Range, class Before>
constexpr std::size_t insert_sorted(Range& all, std::size_t at, Before before) {
    if (!before(all[at], all[at - 1])) return 0;
    auto const moving = all[at];
    std::size_t to = at;
    do {
        all[to] = all[to - 1];
        --to;
    } while (to > 0 && before(moving, all[to - 1]));
    all[to] = moving;
    return at - to;
}

/// Makes a heap, the last element first, of the elements from `at` to `end`. They are one but for
/// the element at `at`. Most elements belong near the end: the element goes to a leaf, and rises
/// from there, which takes half as many comparisons as asking on each step whether it stays.
template<class Range, class Before>
constexpr void sink(Range& all, std::size_t at, std::size_t end, Before before) {
    auto const moving = all[at];
    std::size_t const top = at;
    for (std::size_t child = 2 * at + 1; child < end; child = 2 * at + 1) {
        if (child + 1 < end && before(all[child], all[child + 1])) ++child;
        all[at] = all[child];
        at = child;
    }
    for (std::size_t above = (at - 1) / 2; at > top && before(all[above], moving);
         above = (at - 1) / 2) {
        all[at] = all[above];
        at = above;
    }
    all[at] = moving;
}

/// Makes a heap, the last element first.
template<class Range, class Before>
constexpr void make_heap(Range& all, Before before) {
    for (std::size_t at = all.size() / 2; at-- > 0;)
        detail::sink(all, at, all.size(), before);
}

/// Not inline: it is for input that somebody has put in the worst order, and large. Each round
/// sinks one element: of the first half, until all are a heap, the last element first; then the one
/// that gave its place at the end to the heap's first.
template<class Range, class Before>
[[gnu::noinline]] constexpr void heap_sort(Range& all, Before before) {
    std::size_t at = all.size() / 2;
    for (std::size_t end = all.size(); end > 1;) {
        if (at > 0) {
            --at;
        } else {
            --end;
            auto const last = all[0];
            all[0] = all[end];
            all[end] = last;
        }
        detail::sink(all, at, end, before);
    }
}

/// Sorts a vector or span in place. Not stable; no allocation. By insertion, which looks at each
/// element about once where the input is nearly sorted. As a heap once insertion takes long:
/// processes choose the order of the input, and none may make it slow.
template<class Range, class Before>
constexpr void sort(Range&& all, Before before) {
    std::size_t patience = 4 * all.size(); // places to move by
    for (std::size_t at = 1; at < all.size(); ++at) {
        std::size_t const moved = detail::insert_sorted(all, at, before);
        if (moved > patience) return detail::heap_sort(all, before);
        patience -= moved;
    }
}

/// Sorts numbers in ascending order.
template<class Range>
constexpr void sort(Range& all) {
    detail::sort(all, [](auto a, auto b) { return a < b; });
}

/// Turns the order of the elements round.
template<class Range>
constexpr void reverse(Range& all) {
    std::size_t end = all.size();
    for (std::size_t at = 0; at + 1 < end; ++at)
        std::swap(all[at], all[--end]);
}

/// Moves each element to the place that `places` has for it. `places` is a permutation, and is used
/// up. Every exchange puts one element in its final place. No allocation.
template<class Range, class Places>
constexpr void move_to(Range& all, Places& places) {
    for (std::size_t at = 0; at < all.size(); ++at)
        while (places[at] != at) {
            auto const place = places[at];
            std::swap(all[at], all[place]);
            std::swap(places[at], places[place]);
        }
}

/// The place of `value`, or for it, in a range that is sorted by `before(element, value)`.
template<class Range, class Value, class Before>
constexpr std::size_t lower_bound(Range const& all, Value const& value, Before before) {
    std::size_t first = 0;
    for (std::size_t count = all.size(); count > 0;) {
        std::size_t const half = count / 2;
        bool const behind = before(all[first + half], value);
        first += behind ? half + 1 : 0;
        count = behind ? count - half - 1 : half;
    }
    return first;
}

/// Whether an ascending range of numbers holds `number`.
template<class Range, class Number>
constexpr bool contains_sorted(Range const& all, Number number) {
    auto const at = detail::lower_bound(all, number, [](Number a, Number b) { return a < b; });
    return at < all.size() && all[at] == number;
}

} // namespace detail
} // namespace v0
} // namespace dmabuf
