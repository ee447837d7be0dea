// SPDX-License-Identifier: MIT
#include "events.hpp"

#include "files/signals.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace dmabuf_top {

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

/// Half a key that was read is no end of file; this many wakes without any are.
constexpr unsigned most_empty_reads = 3;

::timespec time_of(std::uint64_t ns) {
    return {static_cast<std::time_t>(ns / second_ns), static_cast<long>(ns % second_ns)};
}

dmabuf::unique_fd<> own(int fd) {
    return {dmabuf::live_system{}, fd};
}

} // namespace

int events::start(std::uint64_t every_ns, bool keys) {
    keys_ = keys;
    signals_ =
        keys ? files::open_signals({SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT})
             : files::open_signals({SIGTERM, SIGINT, SIGHUP, SIGQUIT});
    if (!signals_.is_open()) return errno;
    timer_ = own(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    ::itimerspec const when{time_of(every_ns), time_of(every_ns)};
    if (!timer_.is_open() || ::timerfd_settime(timer_.get(), 0, &when, nullptr) != 0) return errno;
    return 0;
}

/// Keys come before looks, so that a slow look never keeps `q` waiting for another one.
wake events::wait() {
    for (;;) {
        std::array<pollfd, 3> waiting{{{signals_.get(), POLLIN, 0},
                                       {keys_ ? STDIN_FILENO : -1, POLLIN, 0},
                                       {timer_.get(), POLLIN, 0}}};
        int const found = ::poll(waiting.data(), waiting.size(), -1);
        if (found < 0 && errno != EINTR) return wake::failed;
        if (found < 0) continue;
        if (waiting[0].revents != 0) return take_signal();
        if ((waiting[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return wake::over;
        if (waiting[1].revents != 0)
            return empty_reads_ >= most_empty_reads ? wake::over : wake::key;
        std::uint64_t expired = 0;
        if (waiting[2].revents != 0 &&
            ::read(timer_.get(), &expired, sizeof expired) == sizeof expired)
            return wake::tick;
    }
}

wake events::take_signal() {
    ::signalfd_siginfo told{};
    if (::read(signals_.get(), &told, sizeof told) != sizeof told) return wake::failed;
    switch (told.ssi_signo) {
    case SIGWINCH:
        return wake::resized;
    case SIGTSTP:
        return wake::suspend;
    case SIGCONT:
        return wake::resumed;
    default:
        return wake::over;
    }
}

} // namespace dmabuf_top
