// SPDX-License-Identifier: MIT
//
// The library's own sort, against the standard's.
#include <dmabuf/detail/sort.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

using namespace dmabuf;

namespace {

constexpr auto lower = [](auto a, auto b) { return a < b; };
constexpr auto higher = [](auto a, auto b) { return a > b; };

constexpr bool sorts_when_compiled(int count) {
    std::vector<int> some;
    for (int i = 0; i < count; ++i)
        some.push_back(i * 7919 % 101);
    detail::sort(some, lower);
    return std::ranges::is_sorted(some);
}
static_assert(sorts_when_compiled(0) && sorts_when_compiled(1) && sorts_when_compiled(24) &&
              sorts_when_compiled(25) && sorts_when_compiled(100));

constexpr bool reverses_when_compiled(int count) {
    std::vector<int> some;
    for (int i = 0; i < count; ++i)
        some.push_back(i);
    detail::reverse(some);
    for (int i = 0; i < count; ++i)
        if (some[static_cast<std::size_t>(i)] != count - 1 - i) return false;
    return true;
}
static_assert(reverses_when_compiled(0) && reverses_when_compiled(1) && reverses_when_compiled(2) &&
              reverses_when_compiled(7) && reverses_when_compiled(8));

void check(std::vector<std::uint32_t> some) {
    auto expected = some;
    std::ranges::sort(expected);
    detail::sort(some, lower);
    REQUIRE(some == expected);
    std::ranges::reverse(expected);
    detail::sort(some, higher);
    REQUIRE(some == expected);
}

TEST_CASE("sort: every length around the short ones, in any order, with equal elements") {
    std::mt19937 random(1); // NOLINT: the same on every run
    for (std::size_t size = 0; size < 70; ++size)
        for (std::uint32_t different : {1U, 2U, 10U, 1000U}) {
            std::vector<std::uint32_t> some(size);
            for (auto& one : some)
                one = static_cast<std::uint32_t>(random()) % different;
            check(some);
            std::ranges::sort(some);
            check(some);
            if (size != 0) std::swap(some.front(), some.back());
            check(some);
        }
}

TEST_CASE("sort: no order of the input makes it slow") {
    constexpr std::size_t size = 10000;
    std::vector<std::vector<std::uint32_t>> orders(4, std::vector<std::uint32_t>(size));
    for (std::uint32_t i = 0; i < size; ++i) {
        orders[0][i] = size - i;
        orders[1][i] = i % 2 == 0 ? i : size - i;
        orders[2][i] = i < size / 2 ? i : size - i;
        orders[3][i] = i ^ 1U;
    }
    for (auto& some : orders) {
        std::size_t compared = 0;
        detail::sort(some, [&](auto a, auto b) { return ++compared, a < b; });
        CHECK(std::ranges::is_sorted(some));
        CHECK(compared < 2 * size * 15); // 2 n log2 n and a look at the order
    }
}

/// Counts how often elements are moved.
struct heavy {
    std::uint32_t value = 0;
    std::size_t* moved = nullptr;

    heavy(std::uint32_t its, std::size_t& count)
        : value(its)
        , moved(&count) {}
    heavy(heavy const& other)
        : value(other.value)
        , moved(other.moved) {
        ++*moved;
    }
    heavy& operator=(heavy const& other) {
        value = other.value;
        return ++*moved, *this;
    }
};

TEST_CASE("sort: each goes to its place with one exchange, whatever the order") {
    constexpr std::uint32_t size = 10000;
    std::vector<std::vector<std::uint32_t>> orders(4);
    std::mt19937 random(1); // NOLINT: the same on every run
    for (std::uint32_t i = 0; i < size; ++i) {
        orders[0].push_back(i);
        orders[1].push_back(size - 1 - i);
        orders[2].push_back((i + 1) % size); // the first was met last
        orders[3].push_back(i);
    }
    std::ranges::shuffle(orders[3], random);
    for (auto const& order : orders) {
        std::size_t moved = 0;
        std::vector<heavy> some;
        some.reserve(size);
        for (auto const place : order)
            some.emplace_back(place, moved);
        auto places = order;
        detail::move_to(some, places);
        CHECK(moved <= 3 * size); // an exchange is three
        for (std::uint32_t i = 0; i < size; ++i)
            REQUIRE(some[i].value == i);
    }
}

TEST_CASE("sort: a part of a vector, and nothing beside it") {
    std::vector<int> some{9, 8, 3, 1, 2, 0, 7};
    detail::sort(std::span(some).subspan(2, 3), lower);
    CHECK(some == std::vector{9, 8, 1, 2, 3, 0, 7});
}

TEST_CASE("sort: what is sorted is searched like the standard does") {
    std::vector<std::uint64_t> const some{2, 3, 3, 5, 9, ~std::uint64_t{0}};
    for (std::uint64_t value = 0; value < 12; ++value) {
        CHECK(detail::contains_sorted(some, value) == std::ranges::binary_search(some, value));
        auto const expected = std::ranges::lower_bound(some, value) - some.begin();
        CHECK(detail::lower_bound(some, value, lower) == static_cast<std::size_t>(expected));
    }
    CHECK(detail::contains_sorted(some, ~std::uint64_t{0}));
    CHECK_FALSE(detail::contains_sorted(std::vector<std::uint64_t>{}, std::uint64_t{0}));
}

} // namespace
