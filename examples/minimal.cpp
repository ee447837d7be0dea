// SPDX-License-Identifier: MIT
//
// The twenty lines of the README.
#include <dmabuf/dmabuf.hpp>

#include <cstdint>
#include <cstdio>

int main() {
    dmabuf::sampler sampler; // probes the kernel once; one sampler per thread
    dmabuf::snapshot now;    // reused: a second sample() allocates nothing

    if (auto done = sampler.sample(now); !done) {
        std::fprintf(stderr, "%s\n", describe(done.error()).c_str());
        return 1;
    }
    for (auto const& p : by_process(now)) // sorted by pss
        std::printf("%6d %-16s %11ju bytes, buffers: %zu\n", p.pid, escaped(p.comm).c_str(),
                    std::uintmax_t{*p.pss_bytes}, p.reference_count);
    if (!now.coverage.complete())
        std::printf("not all was seen: %u of %u processes may not be read\n",
                    now.coverage.processes_denied, now.coverage.processes);
}
