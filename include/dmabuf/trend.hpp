// SPDX-License-Identifier: MIT
//
// Whether one number grows, told by looks at it, one after the other. Pure: no system call, no
// allocation. dmabuf/growth.hpp keeps one trend for each amount of a snapshot.
#pragma once

#include <dmabuf/version.hpp>

#include <cstddef>
#include <cstdint>

namespace dmabuf {
inline namespace v0 {

/// The thresholds of a trend. The defaults are for one look a second; `for_looks_every()` has them
/// for other intervals. One set serves all: tests/recorded/growth holds it against leaks and
/// against loads that are none.
struct trend_rules {
    /// The length of the shortest windows: six looks, less half a look for those that come early. A
    /// window must outlast the cycle of a ring of buffers, so that the lowest point of each cycle
    /// is seen, and ten windows must fit a minute.
    std::uint64_t window_ns = 5'500'000'000;
    /// Each further length of windows is this many times the one before: 5.5, 33 and 198 s. Longer
    /// windows find slower leaks, down to one item in 198 s, after eight windows.
    std::uint32_t longer = 6;
    /// A window has this many looks at least, or goes on: one look alone may be at any point of a
    /// cycle.
    std::uint32_t looks = 3;
    /// The number of windows that must rise, 4 to `trend::most_windows`. Random lows rise through
    /// eight windows once in 40,000 times. A rise that goes on from the first to the last of them,
    /// for 36 s, is growth, even if the number falls afterwards. Two windows more are kept for the
    /// line: the longer it is, the surer its rate.
    std::uint32_t windows = 8;
    /// Steps from window to window that may rise nothing: a leak of one item in 8 s leaves one of
    /// seven out.
    std::uint32_t flat_steps = 1;
    /// The rise of the later half, as a part of that of the earlier half, at least. A start-up
    /// slows down, a leak does not.
    double slowing = 0.6;
    /// The rate, as a multiple of its uncertainty, at least: it is told when it is known to within
    /// an eighth. Half of it named 1 in 14 half hours of random churn with lifetimes of 30 s; this,
    /// 1 in 50.
    double certainty = 8;
    /// The later half must be above the lowest points of this many earlier windows: where the
    /// number has been before, it returns to. A process that swells and shrinks slowly is told
    /// once.
    std::uint32_t remembered = 100;
    /// After a longer time without a look all windows begin anew: nobody saw the lowest point. A
    /// clock that goes on while the machine is suspended jumps so.
    std::uint64_t longest_gap_ns = 60'000'000'000;

    /// The rules for looks at another interval than a second: as many looks a window, ten looks to
    /// a gap, and a minute at least.
    static constexpr trend_rules for_looks_every(std::uint64_t interval_ns) {
        trend_rules rules;
        auto const window_ns = 5 * interval_ns + interval_ns / 2;
        if (window_ns > rules.window_ns) rules.window_ns = window_ns;
        if (10 * interval_ns > rules.longest_gap_ns) rules.longest_gap_ns = 10 * interval_ns;
        return rules;
    }
};

/// The change that a look made.
enum class trend_change : std::uint8_t { none, grows, stopped };

namespace detail {

/// The square root, by Newton's method. <cmath> has none that the compiler can work out.
constexpr double square_root(double of) {
    if (!(of > 0)) return 0;
    double root = of < 1 ? 1 : of;
    for (double next = (root + of / root) / 2; next < root; next = (root + of / root) / 2)
        root = next;
    return root;
}

constexpr double seconds(std::uint64_t ns) {
    return static_cast<double>(ns) / 1e9;
}

/// The lowest value of a window, and the last look that saw it.
struct low {
    std::uint64_t value = 0;
    std::uint64_t time_ns = 0;
    std::uint64_t at_most = 0; ///< the lowest number that there may have been in the window
};

/// A straight line through lows.
struct slope {
    double per_second = 0;
    double error_per_second = 0; ///< two standard errors, and one look's time at least
    low from;                    ///< the last point before the rise

    [[nodiscard]] constexpr bool is_surer_than(slope const& other) const {
        return error_per_second * other.per_second < other.error_per_second * per_second;
    }
};

/// The highest of the last 100 to 200 lows, or as many as are remembered.
class remembered_lows {
public:
    constexpr void add(std::uint64_t value, std::uint32_t remembered) {
        if (count_++ >= remembered) {
            before_ = now_;
            now_ = 0;
            count_ = 1;
        }
        if (value > now_) now_ = value;
    }
    [[nodiscard]] constexpr std::uint64_t highest() const {
        return now_ > before_ ? now_ : before_;
    }

private:
    std::uint64_t now_ = 0;
    std::uint64_t before_ = 0;
    std::uint32_t count_ = 0;
};

/// The lows of the latest windows of one length.
class windows_of_one_length {
public:
    static constexpr std::size_t most = 8;

    /// Takes a look. Tells whether it closes a window: the next look would come too late for it.
    constexpr bool add(low const& look, std::uint64_t window_ns, trend_rules const& rules) {
        if (looks_ == 0) begin_ns_ = look.time_ns;
        auto const at_most =
            looks_ == 0 || look.at_most < open_.at_most ? look.at_most : open_.at_most;
        if (looks_ == 0 || look.value <= open_.value) open_ = look;
        open_.at_most = at_most;
        ++looks_;
        auto const lasts_ns = look.time_ns - begin_ns_;
        auto const between_ns = looks_ > 1 ? lasts_ns / (looks_ - 1) : 0;
        bool const closes = looks_ >= rules.looks && lasts_ns + between_ns >= window_ns;
        if (closes) close(between_ns, rules);
        return closes;
    }

    /// Forgets the windows; what they were is remembered.
    constexpr void start_over(trend_rules const& rules) {
        for (std::size_t at = 0; at < count_; ++at)
            past_.add(lows_[at].value, rules.remembered);
        count_ = 0;
        looks_ = 0;
    }

    /// Whether the latest lows rise, by all rules.
    [[nodiscard]] constexpr bool rises(trend_rules const& rules) const {
        if (count_ < windows(rules)) return false;
        std::size_t const first = count_ - windows(rules);
        std::size_t const half = first + windows(rules) / 2;
        if (rising_steps(first) + rules.flat_steps < windows(rules) - 1) return false;
        if (floor_of(half) <= highest_before(first)) return false;
        if (rise(half, count_ - 1) < rules.slowing * rise(first, half - 1)) return false;
        auto const line = fitted();
        return line.per_second > 0 && line.per_second >= rules.certainty * line.error_per_second;
    }

    /// Whether nothing rose in the later half: neither the numbers seen nor their upper bounds.
    [[nodiscard]] constexpr bool stalls(trend_rules const& rules) const {
        std::size_t const half = windows(rules) / 2;
        if (count_ <= half) return false;
        auto const& now = lows_[count_ - 1];
        auto const& before = lows_[count_ - 1 - half];
        return now.value <= before.value && now.at_most <= before.at_most;
    }

    /// Steps from window to window, from the one at `first` on, to a level that the number never
    /// fell below again. A step within the bounds of the number is none.
    [[nodiscard]] constexpr std::uint32_t rising_steps(std::size_t first) const {
        std::uint32_t steps = 0;
        std::uint64_t floor = count_ == 0 ? 0 : lows_[count_ - 1].value;
        for (std::size_t at = count_; at-- > first + 1;) {
            steps += lows_[at - 1].at_most < floor ? 1U : 0U;
            if (lows_[at - 1].value < floor) floor = lows_[at - 1].value;
        }
        return steps;
    }

    /// The line of least squares through the lows, from the last one before the rise on.
    [[nodiscard]] constexpr slope fitted() const {
        std::size_t first = 0;
        for (std::size_t at = 1; at < count_; ++at)
            if (lows_[at].value <= lows_[first].value) first = at;
        slope line;
        line.from = lows_[first];
        std::size_t const points = count_ - first;
        if (points < 3) return line;
        double x_mean = 0;
        double y_mean = 0;
        for (std::size_t at = first; at < count_; ++at) {
            x_mean += x(at, first) / static_cast<double>(points);
            y_mean += rise(first, at) / static_cast<double>(points);
        }
        double xx = 0;
        double xy = 0;
        double yy = 0;
        for (std::size_t at = first; at < count_; ++at) {
            double const dx = x(at, first) - x_mean;
            double const dy = rise(first, at) - y_mean;
            xx += dx * dx;
            xy += dx * dy;
            yy += dy * dy;
        }
        line.per_second = xy / xx;
        double const residual = yy - line.per_second * xy;
        line.error_per_second =
            2 * detail::square_root(residual / static_cast<double>(points - 2) / xx);
        double const one_look = line.per_second * look_seconds_ / x(count_ - 1, first);
        if (line.error_per_second < one_look) line.error_per_second = one_look;
        return line;
    }

private:
    /// Windows that are kept for the line alone.
    static constexpr std::size_t more = 2;

    static constexpr std::size_t windows(trend_rules const& rules) {
        return rules.windows < 4 ? 4 : rules.windows > most ? most : rules.windows;
    }

    constexpr void close(std::uint64_t between_ns, trend_rules const& rules) {
        look_seconds_ = detail::seconds(between_ns);
        if (count_ == windows(rules) + more) {
            past_.add(lows_[0].value, rules.remembered);
            --count_;
            for (std::size_t at = 0; at < count_; ++at)
                lows_[at] = lows_[at + 1];
        }
        lows_[count_++] = open_;
        looks_ = 0;
    }

    /// The highest low before the one at `first`.
    [[nodiscard]] constexpr std::uint64_t highest_before(std::size_t first) const {
        auto highest = past_.highest();
        for (std::size_t at = 0; at < first; ++at)
            if (lows_[at].value > highest) highest = lows_[at].value;
        return highest;
    }

    /// The level that the number did not fall below from the window at `at` on.
    [[nodiscard]] constexpr std::uint64_t floor_of(std::size_t at) const {
        std::uint64_t floor = lows_[at].value;
        for (; at < count_; ++at)
            if (lows_[at].value < floor) floor = lows_[at].value;
        return floor;
    }

    [[nodiscard]] constexpr double rise(std::size_t from, std::size_t to) const {
        return static_cast<double>(static_cast<std::int64_t>(lows_[to].value - lows_[from].value));
    }
    [[nodiscard]] constexpr double x(std::size_t at, std::size_t first) const {
        return detail::seconds(lows_[at].time_ns - lows_[first].time_ns);
    }

    low lows_[most + more];
    std::uint32_t count_ = 0;
    std::uint32_t looks_ = 0; ///< in the open window
    low open_;                ///< of the open window
    std::uint64_t begin_ns_ = 0;
    double look_seconds_ = 0; ///< between two looks of the window that closed last
    remembered_lows past_;
};

} // namespace detail

/// One number over time, and whether it grows. It grows where the lowest value of a window rises
/// from window to window: memory that is leaked is never given back, so that the lowest point rises
/// too, while that of a ring of short-lived buffers stays. The windows have three lengths, for
/// fast leaks and slow ones.
/// Noise delays the answer. Where looks meet a cycle of twenty buffers at random, and one of them
/// leaks, 78 of 100 leaks are told within a minute, and 99 within two: a line through all of 49
/// such looks has the rate to a tenth in nine of ten cases only, and one through 60 in 98 of 100.
/// Looks at regular times meet a cycle that lasts nearly as long as their interval at one point
/// after the other, and take that for growth. Looks at a random point of each interval do not.
/// A trend has about 1,100 bytes, and allocates nothing.
class trend {
public:
    static constexpr std::size_t most_windows = detail::windows_of_one_length::most;

    /// Takes a look: the number at a time of a clock that does not jump back. A look at another
    /// time than after the one before, or after a longer gap than the rules allow, begins all
    /// windows anew. The look may have missed a part of the number, up to `missing`: a rise that
    /// such parts could explain is none.
    /// Cost: some additions; once a window a line is drawn through eight points.
    constexpr trend_change add(std::uint64_t value, std::uint64_t time_ns, trend_rules const& rules,
                               std::uint64_t missing = 0) {
        auto const at_most = value + missing < value ? ~std::uint64_t{0} : value + missing;
        note({value, time_ns, at_most}, rules);
        if (!add_to_windows(rules)) return trend_change::none;
        bool const grew = grows_;
        judge(rules);
        if (grows_ && !grew) return trend_change::grows;
        if (!grows_ || !windows_[named_by_].stalls(rules)) return trend_change::none;
        grows_ = false;
        start_over(rules);
        return trend_change::stopped;
    }

    /// Whether it grows, as the last look saw it.
    [[nodiscard]] constexpr bool grows() const { return grows_; }
    /// While it grows, and after: the rate in units of the number, by the longest windows that
    /// rose.
    [[nodiscard]] constexpr double rate_per_second() const { return line_.per_second; }
    /// The uncertainty of the rate: two standard errors of the lowest points about their line, and
    /// one look in the time that the line spans at least.
    [[nodiscard]] constexpr double rate_error_per_second() const { return line_.error_per_second; }
    /// The last look before the rise that was seen to go on ever since, and the value that it saw.
    [[nodiscard]] constexpr std::uint64_t since_ns() const { return since_.time_ns; }
    [[nodiscard]] constexpr std::uint64_t since_value() const { return since_.value; }

    /// Of the last look.
    [[nodiscard]] constexpr std::uint64_t value() const { return last_.value; }
    [[nodiscard]] constexpr std::uint64_t last_ns() const { return last_.time_ns; }
    [[nodiscard]] constexpr std::uint64_t first_ns() const { return first_ns_; }
    /// The high-water mark, and the first look that saw it.
    [[nodiscard]] constexpr std::uint64_t highest() const { return highest_.value; }
    [[nodiscard]] constexpr std::uint64_t highest_ns() const { return highest_.time_ns; }
    /// The windows, 0 to `trend_rules::windows + 1`, through which it has risen by now.
    [[nodiscard]] constexpr std::uint32_t rising_steps() const {
        return windows_[0].rising_steps(0);
    }

private:
    static constexpr std::size_t lengths = 3;

    constexpr void note(detail::low const& look, trend_rules const& rules) {
        bool const first = first_ns_ == 0 && last_.time_ns == 0;
        bool const back = !first && look.time_ns <= last_.time_ns;
        if (back || look.time_ns - last_.time_ns > rules.longest_gap_ns) start_over(rules);
        if (first || back) first_ns_ = look.time_ns;
        if (back && since_.time_ns > look.time_ns) since_ = look;
        if (first || back || look.value > highest_.value) highest_ = look;
        last_ = look;
    }

    constexpr void start_over(trend_rules const& rules) {
        for (auto& one : windows_)
            one.start_over(rules);
    }

    /// Takes the last look. Tells whether it closed a window of any length.
    constexpr bool add_to_windows(trend_rules const& rules) {
        bool closed = false;
        std::uint64_t window_ns = rules.window_ns;
        for (auto& one : windows_) {
            if (one.add(last_, window_ns, rules)) closed = true;
            window_ns *= rules.longer;
        }
        return closed;
    }

    /// Of the windows that rise, the shortest tell when it stops.
    constexpr void judge(trend_rules const& rules) {
        bool told = false;
        for (std::size_t at = lengths; at-- > 0;) {
            if (!windows_[at].rises(rules)) continue;
            auto const line = windows_[at].fitted();
            if (!told || line.is_surer_than(line_)) line_ = line;
            if (!grows_ || line.from.time_ns < since_.time_ns) since_ = line.from;
            if (!grows_ || at < named_by_) named_by_ = at;
            told = grows_ = true;
        }
    }

    detail::windows_of_one_length windows_[lengths];
    detail::slope line_;
    detail::low since_;
    detail::low last_;
    detail::low highest_;
    std::uint64_t first_ns_ = 0;
    std::size_t named_by_ = 0; ///< the shortest windows that rose
    bool grows_ = false;
};

} // namespace v0
} // namespace dmabuf
