// SPDX-License-Identifier: MIT
#include "ticks.hpp"

#include "files/signals.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

namespace dmabuf_watch {

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

std::uint64_t now_ns(clockid_t clock) {
    ::timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * second_ns +
           static_cast<std::uint64_t>(now.tv_nsec);
}

::timespec time_of(std::uint64_t ns) {
    return {static_cast<std::time_t>(ns / second_ns), static_cast<long>(ns % second_ns)};
}

/// CLOCK_BOOTTIME goes on meanwhile. The smallest of a few differences has the least of the time
/// between its two readings in it.
std::uint64_t suspended_since_boot() {
    auto least = ~std::uint64_t{0};
    for (int i = 0; i < 3; ++i) {
        auto const running = now_ns(CLOCK_MONOTONIC);
        least = std::min(least, now_ns(CLOCK_BOOTTIME) - running);
    }
    return least;
}

dmabuf::unique_fd<> own(int fd) {
    return {dmabuf::live_system{}, fd};
}

} // namespace

int ticks::start(std::uint64_t every_ns, std::uint64_t for_ns) {
    signals_ = files::open_signals({SIGTERM, SIGINT, SIGHUP, SIGCHLD});
    if (!signals_.is_open()) return errno;
    timer_ = own(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    auto const begin_ns = now_ns(CLOCK_MONOTONIC);
    times_ = {begin_ns, every_ns, begin_ns};
    if (!timer_.is_open() || !set_timer()) return errno;
    if (for_ns != 0) end_ns_ = begin_ns + for_ns;
    suspended_ns_ = suspended_since_boot();
    return 0;
}

bool ticks::set_timer() {
    ::itimerspec const when{{}, time_of(times_.next())};
    return ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0;
}

/// For poll(2), which wakes up no earlier; -1: for ever.
int ticks::milliseconds_left() const {
    if (end_ns_ == 0) return -1;
    auto const now = now_ns(CLOCK_MONOTONIC);
    auto const left = end_ns_ > now ? (end_ns_ - now + 999'999) / 1'000'000 : 0;
    return static_cast<int>(std::min<std::uint64_t>(left, INT_MAX));
}

wake ticks::wait() {
    // Looks that take longer than the time between two always find the next tick there already.
    if (milliseconds_left() == 0) return wake::over;
    for (;;) {
        std::array<pollfd, 2> waiting{{{timer_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
        int const found = ::poll(waiting.data(), waiting.size(), milliseconds_left());
        if (found < 0 && errno != EINTR) return wake::failed;
        if (found < 0) continue;
        if (waiting[1].revents != 0) return take_signal();
        std::uint64_t expired = 0;
        if (waiting[0].revents != 0 &&
            ::read(timer_.get(), &expired, sizeof expired) == sizeof expired) {
            missed_ += times_.leave_out(now_ns(CLOCK_MONOTONIC));
            return set_timer() ? wake::tick : wake::failed;
        }
        if (found == 0 && milliseconds_left() == 0) return wake::over;
    }
}

wake ticks::take_signal() {
    ::signalfd_siginfo told{};
    if (::read(signals_.get(), &told, sizeof told) != sizeof told) return wake::child;
    if (told.ssi_signo == SIGHUP) return wake::reopen;
    return told.ssi_signo == SIGCHLD ? wake::child : wake::over;
}

std::uint64_t ticks::take_missed() {
    return std::exchange(missed_, 0);
}

std::uint64_t ticks::take_suspended_ns() {
    auto const now = suspended_since_boot();
    auto const before = std::exchange(suspended_ns_, now);
    return now > before ? now - before : 0;
}

} // namespace dmabuf_watch
