// SPDX-License-Identifier: MIT
//
// LD_PRELOAD of it suspends the machine for an hour, as far as a program's clocks tell: after a few
// readings CLOCK_BOOTTIME is ahead. With SLOW_CLOCK in the environment it instead takes its time,
// as a busy machine does.
#include <cstdlib>
#include <ctime>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    constexpr int readings_before = 8; // three at the start of dmabuf_watch, three each look
    static int readings = 0;
    auto const result = static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
    if (result != 0 || clock != CLOCK_BOOTTIME) return result;
    if (std::getenv("SLOW_CLOCK"))
        ::usleep(15'000);
    else if (++readings > readings_before)
        now->tv_sec += 3600;
    return result;
}
