// SPDX-License-Identifier: MIT
//
// A profiler's thread: it looks at its own process once a second, and tells the growing amounts.
#include <dmabuf/growth.hpp>
#include <dmabuf/sampler.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unistd.h>

static void report(dmabuf::growth_change what, dmabuf::growth_series const& one) {
    std::printf("%s %s %llu: %s, %.2f a second (give or take %.2f)\n", name_of(what).data(),
                name_of(one.of.kind).data(), static_cast<unsigned long long>(one.of.inode),
                name_of(one.what).data(), one.so_far.rate_per_second(),
                one.so_far.rate_error_per_second());
}

static void watch_this_process(std::atomic<bool> const& stop) {
    dmabuf::sampler sampler; // one sampler per thread
    dmabuf::snapshot now;    // reused, as the watch is: the third look allocates nothing
    dmabuf::growth_watch watch;
    for (; !stop; std::this_thread::sleep_for(std::chrono::seconds(1))) {
        if (auto done = sampler.sample_process(now, getpid()); !done) {
            std::fprintf(stderr, "%s\n", describe(done.error()).c_str());
            continue;
        }
        watch.feed(now);
        watch.for_each_event(report);
    }
}

int main(int count, char** arguments) {
    std::atomic<bool> stop = false;
    std::thread profiler([&] { watch_this_process(stop); });
    std::this_thread::sleep_for(std::chrono::seconds(count > 1 ? std::atoi(arguments[1]) : 60));
    stop = true;
    profiler.join();
}
