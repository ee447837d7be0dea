// SPDX-License-Identifier: MIT
//
// When one number grows. The expected rates and times are those by which each test makes the
// number.
#include <dmabuf/trend.hpp>

#include "catch.hpp"
#include "recorded/growth/world.hpp"

#include <cmath>
#include <random>

namespace {

using dmabuf::trend_change;
using growth_tests::second;

struct change {
    trend_change what;
    int look; ///< counted from 1
    double rate;
    double error;
    double since; ///< in seconds after the first look
};

/// The changes that looks once a second tell of `number(t)`, t in seconds. Each look is up to 30 ms
/// late.
/// Afterwards `missing()` tells the part that the look missed.
template<class Number, class Missing = int (*)()>
std::vector<change> changes_of(
    int looks, Number number, dmabuf::trend_rules const& rules = {}, double interval = 1,
    Missing missing = [] { return 0; }) {
    std::mt19937 random(1);
    std::vector<change> all;
    dmabuf::trend so_far;
    for (int look = 0; look < looks; ++look) {
        double const late = 0.03 * static_cast<double>(random()) / 4294967296.0;
        double const t = interval * look + late;
        auto const value = static_cast<std::uint64_t>(number(t));
        auto const what = so_far.add(value, 1000 * second + static_cast<std::uint64_t>(t * 1e9),
                                     rules, static_cast<std::uint64_t>(missing()));
        if (what != trend_change::none)
            all.push_back({what, look + 1, so_far.rate_per_second(), so_far.rate_error_per_second(),
                           static_cast<double>(so_far.since_ns()) / 1e9 - 1000});
    }
    return all;
}

/// Growth alone is told, within 60 looks of its begin, and the rate is right to a tenth.
void check_grows(std::vector<change> const& all, double rate, double begin = 0,
                 double seconds = 60) {
    REQUIRE(all.size() == 1);
    CHECK(all[0].what == trend_change::grows);
    CHECK(all[0].look <= begin + seconds);
    CHECK(std::abs(all[0].rate - rate) <= 0.1 * rate);
    CHECK(std::abs(all[0].rate - rate) <= all[0].error);
    CHECK(std::abs(all[0].since - begin) <= std::max(2.0, 1 / rate));
}

/// A number between 0 and 1.
double part(std::mt19937& random) {
    return static_cast<double>(random()) / 4294967296.0;
}

} // namespace

TEST_CASE("trend: one more each second, from the first look on, and after five minutes of peace") {
    check_grows(changes_of(600, [](double t) { return 5 + std::floor(t); }), 1);
    for (double const begin : {300.0, 301.3, 302.6, 303.1, 304.5, 305.9}) {
        CAPTURE(begin);
        auto const number = [&](double t) { return 50 + std::floor(std::max(0.0, t - begin)); };
        check_grows(changes_of(600, number), 1, begin);
    }
}

TEST_CASE("trend: large numbers and small ones: 16 KiB a second on 3 TiB, a hundred a second") {
    check_grows(changes_of(100, [](double t) { return 3e12 + 16384 * std::floor(t); }), 16384);
    check_grows(changes_of(100, [](double t) { return std::floor(100 * t); }), 100);
}

TEST_CASE("trend: slow leaks, by longer windows") {
    check_grows(changes_of(700, [](double t) { return 7 + std::floor(t / 20); }), 0.05, 0, 320);
    check_grows(changes_of(4000, [](double t) { return 7 + std::floor(t / 180); }), 1.0 / 180, 0,
                2000);
}

TEST_CASE("trend: leaks of one in each cycle of a ring of twenty") {
    // Looks see a cycle of half a second at any point: up to four of the twenty are alive.
    std::mt19937 random(2);
    check_grows(
        changes_of(
            100, [&](double t) { return 3 + std::floor(2 * t) + static_cast<int>(random() % 5); }),
        2);
}

TEST_CASE("trend: a leak of one in each cycle of twenty that live at once, met at random") {
    // The twenty are made one after the other, and freed together.
    int told = 0;
    int in_two_minutes = 0;
    int wrong = 0;
    constexpr int runs = 500;
    for (unsigned seed = 0; seed < runs; ++seed) {
        std::mt19937 random(seed);
        auto const leak = [&](double t) {
            return 5 + std::floor(t) + std::floor(21 * part(random));
        };
        auto const all = changes_of(120, leak);
        in_two_minutes += all.empty() ? 0 : 1;
        if (all.empty() || all[0].look > 60) continue;
        ++told;
        wrong += std::abs(all[0].rate - 1) > 0.1 ? 1 : 0;
    }
    CHECK(told >= runs * 75 / 100);
    CHECK(in_two_minutes >= runs * 97 / 100);
    CHECK(wrong <= told * 12 / 100);
}

TEST_CASE("trend: looks at other intervals") {
    auto const leak = [](double t) { return std::floor(t); };
    for (double const interval : {0.1, 0.5, 2.0, 10.0, 60.0}) {
        CAPTURE(interval);
        auto const rules = dmabuf::trend_rules::for_looks_every(
            static_cast<std::uint64_t>(interval * static_cast<double>(second)));
        auto const all = changes_of(600, leak, rules, interval);
        REQUIRE(all.size() == 1);
        CHECK(std::abs(all[0].rate - 1) <= 0.1);
        CHECK(all[0].look * interval <= std::max(60.0, 60 * interval));
    }
}

TEST_CASE("trend: growth that stops is told once, and so is growth that begins again") {
    auto const all = changes_of(600, [](double t) {
        return 5 + std::min(100.0, std::floor(t)) + std::max(0.0, std::floor(t - 300));
    });
    REQUIRE(all.size() == 3);
    CHECK(all[1].what == trend_change::stopped);
    CHECK(all[1].look > 100);
    CHECK(all[1].look <= 140);
    CHECK(all[2].what == trend_change::grows);
    CHECK(std::abs(all[2].since - 300) <= 2);
    CHECK(all[2].look <= 360);
}

TEST_CASE("trend: rings, start-ups, and numbers that swell and shrink are none") {
    std::mt19937 random(3);
    CHECK(changes_of(1800, [](double) { return 100; }).empty());
    CHECK(changes_of(1800, [&](double) { return static_cast<int>(random() % 1000); }).empty());
    for (double const size : {2.0, 8.0, 64.0})
        CHECK(changes_of(1800, [&](double t) { return std::fmod(60 * t, size); }).empty());
    for (double const slow : {1.0, 5.0, 10.0, 20.0, 30.0})
        CHECK(changes_of(1800, [&](double t) { return 300 * (1 - std::exp(-t / slow)); }).empty());
    // Nearly even for 49 s, and yet slower in the later half.
    CHECK(changes_of(100, [](double t) { return 300 * (1 - std::exp(-t / 42)); }).empty());
    for (double const length : {1.0, 10.0, 30.0})
        CHECK(changes_of(1800, [&](double t) { return std::min(length, t) * 10; }).empty());
    for (double const period : {3.0, 7.0, 10.0, 20.0, 60.0, 80.0, 120.0, 600.0}) {
        CAPTURE(period);
        auto const square = [&](double t) { return std::fmod(t, period) < period / 2 ? 100 : 200; };
        CHECK(changes_of(1800, square).empty());
        auto const ramps = [&](double t) {
            double const at = std::fmod(t, period) / period;
            return 100 * std::exp2(at < 0.5 ? 2 * at : 2 - 2 * at);
        };
        if (period <= 80) CHECK(changes_of(1800, ramps).empty());
        // Who rises for longer than eight windows grows. It is told once, since the number returns.
        if (period > 80) CHECK(changes_of(1800, ramps).size() == 2);
    }
}

TEST_CASE("trend: random births and deaths with lifetimes of 1 to 30 s, half an hour each") {
    for (double const life : {1.0, 3.0, 10.0, 30.0})
        for (unsigned seed = 0; seed < 20; ++seed) {
            CAPTURE(life, seed);
            std::mt19937 random(seed);
            int alive = 50;
            auto const step = [&](double) {
                int dead = 0;
                for (int one = 0; one < alive; ++one)
                    dead += part(random) < 1 - std::exp(-1 / life) ? 1 : 0;
                int born = 0; // Poisson's, by Knuth
                for (double left = part(random); left > std::exp(-50 / life); left *= part(random))
                    ++born;
                return alive += born - dead;
            };
            CHECK(changes_of(1800, step).empty());
        }
}

TEST_CASE("trend: a gap, or a clock that jumps back, begins anew, and what grew still does") {
    dmabuf::trend_rules const rules;
    dmabuf::trend so_far;
    std::uint64_t time = 1000 * second;
    std::uint64_t value = 10;
    auto const look = [&](int times, std::uint64_t more) {
        int changes = 0;
        for (int i = 0; i < times; ++i, time += second, value += more)
            changes += so_far.add(value, time, rules) != trend_change::none ? 1 : 0;
        return changes;
    };
    SECTION("no slope across a suspended machine") {
        // Forty looks that rise, hours of sleep, and nine more looks.
        CHECK(look(40, 1) == 0);
        time += 3600 * second;
        CHECK(look(40, 1) == 0);
        CHECK_FALSE(so_far.grows());
        CHECK(look(20, 1) == 1);
        CHECK(std::abs(so_far.rate_per_second() - 1) < 0.01);
        CHECK(so_far.since_ns() >= 1000 * second + 3600 * second);
    }
    SECTION("nor across a clock that is set back") {
        CHECK(look(40, 1) == 0);
        time -= 500 * second;
        CHECK(look(40, 1) == 0);
        CHECK(look(20, 1) == 1);
        CHECK(std::abs(so_far.rate_per_second() - 1) < 0.01);
        CHECK(so_far.since_ns() < 600 * second);
        CHECK(so_far.first_ns() < 600 * second);
        CHECK(so_far.highest_ns() <= time);
    }
    SECTION("nor across one that is set back again and again, or looks that all are too rare") {
        bool const rare = GENERATE(false, true);
        for (int i = 0; i < 40; ++i) {
            CHECK(look(rare ? 1 : 12, 1) == 0);
            time = rare ? time + 100 * second : time - 2 * second;
        }
    }
    SECTION("a short gap is a pause of looking only") {
        CHECK(look(20, 1) == 0);
        time += 10 * second;
        value += 10;
        CHECK(look(30, 1) == 1);
        CHECK(std::abs(so_far.rate_per_second() - 1) < 0.05);
    }
    SECTION("what grew before still grows after") {
        CHECK(look(60, 1) == 1);
        time += 3600 * second;
        CHECK(look(60, 1) == 0);
        CHECK(so_far.grows());
        CHECK(so_far.since_ns() == 1000 * second);
    }
    SECTION("and stops where it does not") {
        CHECK(look(60, 1) == 1);
        time += 3600 * second;
        CHECK(look(60, 0) == 1);
        CHECK_FALSE(so_far.grows());
    }
}

TEST_CASE("trend: a number of which looks miss a part") {
    std::mt19937 random(4);
    SECTION("grows where it does so whatever the looks miss") {
        auto const leak = [&](double t) {
            return 5 + std::floor(t) - static_cast<int>(random() % 4);
        };
        check_grows(changes_of(100, leak, {}, 1, [] { return 3; }), 1);
    }
    SECTION("grows by longer windows where looks miss more than it rises in a short one") {
        auto const leak = [&](double t) {
            return 20 + std::floor(t) - static_cast<int>(random() % 13);
        };
        auto const all = changes_of(400, leak, {}, 1, [] { return 12; });
        REQUIRE(all.size() == 1);
        CHECK(all[0].look <= 8 * 33 + 6);
        CHECK(std::abs(all[0].rate - 1) <= 0.1);
    }
    SECTION("does not where the looks miss ever less of it") {
        double missing = 0;
        auto const even = [&](double t) { return 300 - (missing = std::max(0.0, 200 - t)); };
        CHECK(changes_of(400, even).size() == 2); // were it exact, it would grow, and stop
        CHECK(changes_of(400, even, {}, 1, [&] { return missing; }).empty());
    }
    SECTION("goes on while looks miss more of it, and stops once it is seen to") {
        double missing = 0;
        auto const number = [&](double t) {
            missing = t > 60 && t < 120 ? 100 : 0;
            return std::max(0.0, 100 + std::floor(std::min(t, 120.0)) - missing);
        };
        auto const all = changes_of(300, number, {}, 1, [&] { return missing; });
        REQUIRE(all.size() == 2);
        CHECK(all[1].what == trend_change::stopped);
        CHECK(all[1].look > 120);
    }
    SECTION("may be as large as there are numbers") {
        dmabuf::trend so_far;
        for (std::uint64_t look = 0; look < 200; ++look)
            so_far.add(look, look * second + 1, {}, ~std::uint64_t{0});
        CHECK_FALSE(so_far.grows());
    }
}

TEST_CASE("trend: the high-water mark is the highest of all looks, and the first that saw it") {
    dmabuf::trend so_far;
    for (std::uint64_t const value : {5U, 9U, 7U, 9U, 3U})
        so_far.add(value, so_far.last_ns() + second, {});
    CHECK(so_far.highest() == 9);
    CHECK(so_far.highest_ns() == 2 * second);
    CHECK(so_far.value() == 3);
    CHECK(so_far.first_ns() == second);
}

TEST_CASE("trend: a number that has been higher is no news until it is higher again") {
    // A peak of 200, and a slope that reaches it after 150 s.
    auto const all =
        changes_of(400, [](double t) { return t < 20 ? 200 : 50 + std::floor(t - 20); });
    REQUIRE(all.size() == 1);
    CHECK(all[0].look > 170);
    CHECK(all[0].look < 220);
}

TEST_CASE("trend: thresholds are parameters, and odd ones do no harm") {
    auto const leak = [](double t) { return std::floor(t); };
    dmabuf::trend_rules rules;
    rules.windows = 4;
    CHECK(changes_of(60, leak, rules).at(0).look < 30);
    rules.windows = 1000; // as many as there are
    CHECK(changes_of(60, leak, rules).size() == 1);
    rules.windows = 0;
    CHECK(changes_of(60, leak, rules).size() == 1);
    rules.looks = rules.longer = rules.remembered = 0;
    rules.window_ns = 0;
    CHECK(changes_of(600, leak, rules).size() <= 1);
    rules = {};
    rules.window_ns = ~std::uint64_t{0};
    CHECK(changes_of(600, leak, rules).empty());
    rules = dmabuf::trend_rules::for_looks_every(~std::uint64_t{0});
    CHECK(changes_of(600, leak, rules).size() <= 1);
}

TEST_CASE("trend: the largest numbers there are") {
    dmabuf::trend so_far;
    for (std::uint64_t look = 0; look < 200; ++look) {
        auto const value = ~std::uint64_t{0} - 200 + look;
        so_far.add(value, look * second + 1, {});
    }
    CHECK(so_far.grows());
    CHECK(std::abs(so_far.rate_per_second() - 1) < 0.01);
    so_far.add(0, 300 * second, {});
    CHECK(so_far.value() == 0);
}
