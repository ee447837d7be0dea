// SPDX-License-Identifier: MIT
#include "measure.hpp"

#include "buffers.hpp"
#include "system_calls.hpp"

#include <sys/resource.h>
#include <time.h>

extern "C" std::uint64_t allocation_count;

namespace {

constexpr unsigned settling_seconds = 3;

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

measured timed(task const& it) {
    measured result;
    // The work of the kernel after boot, and after others exited, would show in short looks.
    // Waiting takes no time where the clock counts instructions.
    ::sleep(settling_seconds);
    auto const before = peak_kib();
    auto begin = now_ms();
    auto count = allocation_count;
    look const once = it.what.begin(it.holder);
    auto found = once();
    result.first = {now_ms() - begin, 0, allocation_count - count};
    it.check(found);
    result.repeated = result.first;
    if (it.what.remembers) {
        begin = now_ms();
        count = allocation_count;
        found = once();
        result.repeated = {now_ms() - begin, 0, allocation_count - count};
        it.check(found);
    }
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
