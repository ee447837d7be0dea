// SPDX-License-Identifier: MIT
//
// A system of one's own: the running kernel, with each opened file counted.
#include <dmabuf/dmabuf.hpp>

#include <cstdio>

struct counting_system : dmabuf::live_system {
    unsigned* opened = nullptr; // a system is a handle: its copies share the count

    int open(int directory, char const* path, int flags) const {
        ++*opened;
        return live_system::open(directory, path, flags);
    }
};
static_assert(dmabuf::system<counting_system>);

int main(int count, char** arguments) {
    unsigned opened = 0;
    counting_system system;
    system.opened = &opened;
    dmabuf::basic_sampler<counting_system> sampler({.proc = count > 1 ? arguments[1] : "/proc"},
                                                   system);
    dmabuf::snapshot now;
    if (auto done = sampler.sample(now); !done) {
        std::fprintf(stderr, "%s\n", describe(done.error()).c_str());
        return 1;
    }
    std::printf("%u files opened for %u processes\n", opened, now.coverage.processes);
}
