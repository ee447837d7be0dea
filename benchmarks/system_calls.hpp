// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

/// From here on, how many system calls this thread makes, whoever makes them: the kernel turns each
/// into a signal, whose handler counts it and makes it. Kernel: 5.11, PR_SET_SYSCALL_USER_DISPATCH.
void begin_counting_calls();
std::uint64_t end_counting_calls();
