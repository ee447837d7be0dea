// SPDX-License-Identifier: MIT
#include "memory.hpp"

#include "say.hpp"

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

namespace {

std::atomic<std::uint64_t> allocation_count;

} // namespace

// Counted, so that every capture can say that it needed none. The other forms end up here.
// Not inlined, or GCC takes the pair of malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    allocation_count.fetch_add(1, std::memory_order_relaxed);
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
    lowmem_capture::say("out of memory: cannot have {} bytes more", size);
    std::_Exit(1);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace lowmem_capture {

namespace {

/// The deepest call needs some 50 KiB.
[[gnu::noinline]] void touch_stack() {
    char volatile space[256 * 1024];
    for (std::size_t at = 0; at < sizeof space; at += 4096)
        space[at] = 0;
}

} // namespace

int lock_memory() {
    touch_stack();
    return ::mlockall(MCL_CURRENT | MCL_FUTURE) == 0 ? 0 : errno;
}

int set_oom_score_adj(int score) {
    int const fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    bool const written = files::write_all(fd, fmt::format("{}", score));
    int const error = errno;
    ::close(fd);
    return written ? 0 : error;
}

int be_realtime() {
    sched_param lowest{};
    lowest.sched_priority = ::sched_get_priority_min(SCHED_FIFO);
    return ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) == 0 ? 0 : errno;
}

std::uint64_t allocations() {
    return allocation_count.load(std::memory_order_relaxed);
}

faults page_faults() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return {static_cast<std::uint64_t>(used.ru_minflt), static_cast<std::uint64_t>(used.ru_majflt)};
}

} // namespace lowmem_capture
