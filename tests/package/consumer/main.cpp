// SPDX-License-Identifier: MIT
#include <dmabuf/dmabuf.hpp>

#include <cstdio>

int main() {
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    if (auto done = sampler.sample(now); !done) return 1;
    std::printf("consumed: %u processes\n", now.coverage.processes);
}
