// SPDX-License-Identifier: MIT
#include "system_calls.hpp"

#include "buffers.hpp"

#include <sys/syscall.h>
#include <ucontext.h>

// include/uapi/linux/prctl.h, which older C libraries do not have all of
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#define SYSCALL_DISPATCH_FILTER_ALLOW 0
#define SYSCALL_DISPATCH_FILTER_BLOCK 1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

namespace {

char volatile selector = SYSCALL_DISPATCH_FILTER_ALLOW;
std::uint64_t calls = 0;

void count_and_make(int, siginfo_t*, void* interrupted) {
    selector = SYSCALL_DISPATCH_FILTER_ALLOW;
    ++calls;
    auto* const registers = static_cast<ucontext_t*>(interrupted)->uc_mcontext.gregs;
    auto const returned =
        ::syscall(registers[REG_RAX], registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                  registers[REG_R10], registers[REG_R8], registers[REG_R9]);
    registers[REG_RAX] = returned == -1 ? -errno : returned;
    selector = SYSCALL_DISPATCH_FILTER_BLOCK;
}

/// The C library's way back from a handler, which must stay a call of its own.
std::uintptr_t way_back() {
    struct {
        std::uintptr_t handler, flags, restorer, mask;
    } installed{};
    lab::check(::syscall(SYS_rt_sigaction, SIGSYS, nullptr, &installed, 8L), "rt_sigaction");
    return installed.restorer;
}

} // namespace

void begin_counting_calls() {
    struct sigaction action{};
    action.sa_sigaction = count_and_make;
    action.sa_flags = SA_SIGINFO;
    lab::check(::sigaction(SIGSYS, &action, nullptr), "sigaction");
    constexpr long way_back_bytes = 16;
    lab::check(::prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, way_back(), way_back_bytes,
                       &selector),
               "PR_SET_SYSCALL_USER_DISPATCH");
    calls = 0;
    selector = SYSCALL_DISPATCH_FILTER_BLOCK;
}

std::uint64_t end_counting_calls() {
    selector = SYSCALL_DISPATCH_FILTER_ALLOW;
    return calls;
}
