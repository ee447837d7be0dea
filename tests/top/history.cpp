// SPDX-License-Identifier: MIT
//
// The amounts of the last minutes, and their marks.
#include "dmabuf_top/history.hpp"

#include "catch.hpp"
#include "dmabuf_top/marks.hpp"
#include "printing/characters.hpp"

namespace {

using dmabuf_top::history;

constexpr std::uint64_t second = 1'000'000'000;

/// One look, that tells one amount.
void look(history& of, std::uint64_t seconds, std::uint64_t value, std::uint64_t key = 7) {
    of.begin(seconds * second);
    of.add(key, value);
    of.end();
}

std::string sparkline(history const& of, bool utf8 = true, std::uint64_t key = 7) {
    std::string text;
    dmabuf_top::append_sparkline(text, *of.of(key), utf8);
    return text;
}

std::string bar(std::uint64_t part, std::uint64_t whole, bool utf8 = true) {
    std::string text;
    dmabuf_top::append_bar(text, part, whole, 4, utf8);
    return text;
}

} // namespace

TEST_CASE("top: a step has the highest amount of its looks, and the latest is last") {
    history past(10 * second);
    for (std::uint64_t at = 0; at < 40; ++at)
        look(past, 100 + at, at == 15 ? 9 : at / 10);
    auto const& values = *past.of(7);
    CHECK(values[history::steps - 1] == 3);
    CHECK(values[history::steps - 2] == 2);
    CHECK(values[history::steps - 3] == 9);
    CHECK(values[history::steps - 4] == 0);
    CHECK(values[history::steps - 5] == history::unknown);
    CHECK(past.of(8) == nullptr);
}

TEST_CASE("top: steps without a look are not known, and after two minutes nothing is") {
    history past(10 * second);
    look(past, 100, 5);
    look(past, 130, 6);
    CHECK(sparkline(past) == "        ▇  █");
    look(past, 1000, 6);
    CHECK(sparkline(past) == "           █");
    look(past, 100, 6); // a clock that goes back
    CHECK(sparkline(past) == "           █");
}

TEST_CASE("top: a subject that was not told is forgotten, and amounts of one key add up") {
    history past(second);
    past.begin(second);
    past.add(3, 10);
    past.add(7, 1);
    past.add(3, 20);
    past.end();
    CHECK(past.of(3)->back() == 30);
    look(past, 2, 1);
    CHECK(past.of(3) == nullptr);
    CHECK(past.of(7) != nullptr);
}

TEST_CASE("top: sparklines go from nothing to the highest amount, in ASCII too") {
    history past(second);
    for (std::uint64_t at = 0; at < 8; ++at)
        look(past, at + 1, at);
    CHECK(sparkline(past) == "    ▁▂▃▄▅▆▇█");
    CHECK(sparkline(past, false) == "    _.,-=+*#");
    look(past, 30, 0);
    CHECK(sparkline(past) == "           ▁");
}

TEST_CASE("top: a bar shows any part but nothing, and never more than the whole") {
    CHECK(bar(0, 100).empty());
    CHECK(bar(1, 0).empty());
    CHECK(bar(1, 1'000'000) == "▏");
    CHECK(bar(50, 100) == "██");
    CHECK(bar(100, 100) == "████");
    CHECK(bar(300, 100) == "████");
    CHECK(bar(1, 1'000'000, false) == "#");
    CHECK(bar(50, 100, false) == "##");
    CHECK(printing::width_of(bar(99, 100)) == 4);
}
