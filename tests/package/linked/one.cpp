// SPDX-License-Identifier: MIT
//
// One of two translation units that include everything and are linked together.
#include <dmabuf/dmabuf.hpp>

#include <cstdio>

dmabuf::failure other_unit(dmabuf::snapshot& now, dmabuf::sampler& sampler);
int headers_included();

int main() {
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    dmabuf::snapshot there;
    auto const here = sampler.sample(now);
    auto const why = other_unit(there, sampler);
    if (!here || why.error != 0) return 1;
    if (there.coverage.processes == 0 || now.coverage.found_by != there.coverage.found_by) return 2;
    std::printf("%d headers, each alone, in one program; %u processes\n", headers_included(),
                now.coverage.processes);
    return headers_included() >= 15 ? 0 : 3;
}
