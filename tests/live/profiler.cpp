// SPDX-License-Identifier: MIT
//
// examples/profiler.cpp allocates nothing from its third look on. In a program of its own, because
// it replaces operator new.
#define main profile
#pragma GCC diagnostic ignored "-Wreturn-type" // main() may end without a return, profile() may not
#include "examples/profiler.cpp"
#undef main

#include <new>

namespace {
std::atomic<unsigned long> allocations = 0;
}

int profile(int, char**);

[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
    std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

int main() {
    std::atomic<bool> stop = false;
    std::thread profiler([&] { watch_this_process(stop); });
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    auto const before = allocations.load();
    std::this_thread::sleep_for(std::chrono::milliseconds(2000));
    auto const after = allocations.load();
    stop = true;
    profiler.join();
    std::printf("%lu allocations in the first looks, %lu in later ones\n", before, after - before);
    return before != 0 && after == before ? 0 : 1;
}
