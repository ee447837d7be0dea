// SPDX-License-Identifier: MIT
//
// When to look, and the signals that come meanwhile.
#pragma once

#include <dmabuf/kernel/files.hpp>

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
/// the machine is suspended.
class ticks {
public:
    /// Returns 0, or an errno. `for_ns` of 0: without an end.
    int start(std::uint64_t every_ns, std::uint64_t for_ns);

    wake wait();

    /// Ticks that came too early since the last call: a look took longer than the time between two.
    std::uint64_t take_missed();

    /// For how long the machine was suspended since the last call.
    std::uint64_t take_suspended_ns();

private:
    [[nodiscard]] int milliseconds_left() const;
    wake take_signal();

    dmabuf::unique_fd<> timer_, signals_;
    std::uint64_t end_ns_ = 0;
    std::uint64_t missed_ = 0;
    std::uint64_t suspended_ns_ = 0; ///< since the machine started
};

} // namespace dmabuf_watch
