// SPDX-License-Identifier: MIT
//
// When to look. Pure: no system call.
#pragma once

#include <cstdint>
#include <random>

namespace dmabuf_watch {

/// One look in each interval, at a random point of it. The interval of a look begins half of its
/// length before the look's regular time.
/// Regular looks at a cycle of buffers that lasts nearly as long as an interval would meet its
/// points one after the other. The number of buffers then seems to rise for a minute, or its rise
/// hides a leak.
class look_times {
public:
    look_times(std::uint64_t begin_ns, std::uint64_t every_ns, std::uint64_t seed)
        : begin_ns_(begin_ns)
        , every_ns_(every_ns)
        , random_(seed) {}

    /// The time of the look in the next interval.
    std::uint64_t next() {
        ++interval_;
        return begin_ns_ + interval_ * every_ns_ - every_ns_ / 2 + random_() % every_ns_;
    }

    /// Leaves out the intervals that are over, after the one of the last look. Returns their
    /// number.
    std::uint64_t leave_out(std::uint64_t now_ns) {
        auto const now = (now_ns - begin_ns_ + every_ns_ / 2) / every_ns_;
        auto const over = now > interval_ ? now - interval_ : 0;
        interval_ += over;
        return over;
    }

private:
    std::uint64_t begin_ns_;
    std::uint64_t every_ns_;
    std::uint64_t interval_ = 0; ///< of the last look; 0: of the first, at the begin
    std::mt19937_64 random_;
};

} // namespace dmabuf_watch
