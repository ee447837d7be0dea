// SPDX-License-Identifier: MIT
//
// What lets this program go on while memory is short: its own is there and stays, and it is the
// last to be killed for more.
#pragma once

#include <cstdint>

namespace lowmem_capture {

/// Locks all pages, those of the program's text and those that are asked for later too, and touches
/// as much of the stack as is ever used. 0, or an errno: CAP_IPC_LOCK or RLIMIT_MEMLOCK is needed.
int lock_memory();

/// 0, or an errno: lowering it needs CAP_SYS_RESOURCE.
int set_oom_score_adj(int score);

/// Calls of `operator new` since the program began.
std::uint64_t allocations();

/// Page faults since the program began; major ones had to read a file.
struct faults {
    std::uint64_t minor = 0;
    std::uint64_t major = 0;
};
faults page_faults();

} // namespace lowmem_capture
