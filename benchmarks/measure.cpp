// SPDX-License-Identifier: MIT
#include "measure.hpp"

#include "buffers.hpp"
#include "system_calls.hpp"

#include <algorithm>
#include <sys/resource.h>
#include <time.h>
#include <vector>

extern "C" std::uint64_t allocation_count;

namespace {

constexpr unsigned settling_seconds = 3;
/// Of the lab's kernels, which are built with CONFIG_HZ=250.
constexpr double tick_ms = 4;
constexpr std::size_t looks_between_ticks = 9;

double now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

std::uint64_t peak_kib() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<std::uint64_t>(used.ru_maxrss);
}

struct task {
    row const& what;
    std::int32_t holder;
    std::optional<std::uint64_t> expected;

    void check(std::uint64_t found) const {
        if (expected && found != *expected)
            throw std::runtime_error(std::string(what.name) + ": " + std::to_string(found) +
                                     " references found, not " + std::to_string(*expected));
    }
};

figures look_again(look const& once, task const& it) {
    auto const begin = now_ms();
    auto const count = allocation_count;
    auto const found = once();
    figures const cost{now_ms() - begin, 0, allocation_count - count};
    it.check(found);
    return cost;
}

/// One look that lasts longer than a tick of the kernel. A shorter one may meet a tick or not,
/// which changes its time by a tenth, so there the median of several is told, and the most
/// allocations.
figures repeated(look const& once, task const& it) {
    std::vector<figures> all{look_again(once, it)};
    if (all.front().ms >= tick_ms) return all.front();
    while (all.size() < looks_between_ticks)
        all.push_back(look_again(once, it));
    auto const most = std::ranges::max(all, {}, &figures::allocations).allocations;
    auto const middle = all.begin() + looks_between_ticks / 2;
    std::ranges::nth_element(all, middle, {}, &figures::ms);
    return {middle->ms, 0, most};
}

measured timed(task const& it) {
    measured result;
    // The work of the kernel after boot, and after others exited, would show in short looks.
    // Waiting takes no time where the clock counts instructions.
    ::sleep(settling_seconds);
    auto const before = peak_kib();
    auto const begin = now_ms();
    auto const count = allocation_count;
    look const once = it.what.begin(it.holder);
    auto const found = once();
    result.first = {now_ms() - begin, 0, allocation_count - count};
    it.check(found);
    result.repeated = it.what.remembers ? repeated(once, it) : result.first;
    result.peak_kib = peak_kib() - before;
    return result;
}

measured counted(task const& it) {
    measured result;
    begin_counting_calls();
    look const once = it.what.begin(it.holder);
    once();
    result.repeated.calls = result.first.calls = end_counting_calls();
    if (it.what.remembers) {
        begin_counting_calls();
        once();
        result.repeated.calls = end_counting_calls();
    }
    return result;
}

measured in_child(measured (*work)(task const&), task const& it) {
    int ends[2];
    lab::check(::pipe2(ends, O_CLOEXEC), "pipe2");
    pid_t const pid = lab::check(::fork(), "fork");
    if (pid == 0) {
        try {
            auto const result = work(it);
            lab::check(::write(ends[1], &result, sizeof result), "write");
        } catch (std::exception const& error) {
            std::fprintf(stderr, "measure: %s\n", error.what());
        }
        ::_exit(0);
    }
    ::close(ends[1]);
    measured result;
    bool const whole = ::read(ends[0], &result, sizeof result) == sizeof result;
    ::close(ends[0]);
    ::waitpid(pid, nullptr, 0);
    if (!whole) throw std::runtime_error(std::string(it.what.name) + " cannot be measured");
    return result;
}

} // namespace

measured measure(row const& what, std::int32_t holder, std::optional<std::uint64_t> expected,
                 bool count_calls) {
    task const it{what, holder, expected};
    auto const calls = in_child(count_calls && !what.program ? counted : timed, it);
    auto result = in_child(timed, it);
    if (what.program) {
        figures const took{result.first.ms, 0, 0};
        return {took, took, 0};
    }
    result.first.calls = calls.first.calls;
    result.repeated.calls = calls.repeated.calls;
    return result;
}
