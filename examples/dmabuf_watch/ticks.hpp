// SPDX-License-Identifier: MIT
//
// When to look, and the signals that come meanwhile.
#pragma once

#include <dmabuf/kernel/files.hpp>

#include "look_times.hpp"

#include <cstdint>
#include <string>

namespace dmabuf_watch {

enum class wake : std::uint8_t {
    tick,   ///< it is time for a look
    over,   ///< the time of the watch is over, or SIGTERM or SIGINT came
    reopen, ///< SIGHUP
    child,  ///< a program that was started has ended
    failed, ///< waiting itself, with errno
};

/// Ticks of CLOCK_MONOTONIC, which setting the clock does not move, and which stands still while
/// the machine is suspended. There is one in each interval, at a random point of it.
class ticks {
public:
    /// Returns 0, or an errno. `for_ns` of 0: without an end.
    int start(std::uint64_t every_ns, std::uint64_t for_ns);

    wake wait();

    /// Intervals since the last call that were over before their tick could be taken: a look took
    /// longer than an interval.
    std::uint64_t take_missed();

    /// For how long the machine was suspended since the last call.
    std::uint64_t take_suspended_ns();

private:
    [[nodiscard]] int milliseconds_left() const;
    wake take_signal();
    [[nodiscard]] bool set_timer();

    dmabuf::unique_fd<> timer_, signals_;
    look_times times_{0, 1, 0};
    std::uint64_t end_ns_ = 0;
    std::uint64_t missed_ = 0;
    std::uint64_t suspended_ns_ = 0; ///< since the machine started
};

} // namespace dmabuf_watch
