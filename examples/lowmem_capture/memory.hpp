// SPDX-License-Identifier: MIT
//
// The means to go on while memory is short: the program's own memory is there and stays, and it is
// the last program to be killed for more.
#pragma once

#include <cstdint>

namespace lowmem_capture {

/// Locks all pages, those of the program's text and those that are asked for later too, and touches
/// as much of the stack as is ever used. 0, or an errno: CAP_IPC_LOCK or RLIMIT_MEMLOCK is needed.
int lock_memory();

/// 0, or an errno: lowering it needs CAP_SYS_RESOURCE.
int set_oom_score_adj(int score);

/// SCHED_FIFO at its lowest: the program runs before all tasks that are not realtime. Where memory
/// is short, it gets a part of the kernel's reserve, and need not free some first. 0, or an errno:
/// CAP_SYS_NICE or RLIMIT_RTPRIO is needed. Kernel: gfp_to_alloc_flags() in mm/page_alloc.c, 6.12
/// (ALLOC_MIN_RESERVE), 6.1 (ALLOC_HARDER).
int be_realtime();

/// Calls of `operator new` since the program began.
std::uint64_t allocations();

/// Page faults since the program began; major ones had to read a file.
struct faults {
    std::uint64_t minor = 0;
    std::uint64_t major = 0;
};
faults page_faults();

} // namespace lowmem_capture
