// SPDX-License-Identifier: MIT
#include "looks.hpp"

#include "options/sampled_place.hpp"

namespace dmabuf_watch {

dmabuf::sample_options sampling(options const& chosen, report::rights const& mine) {
    auto wanted = command_line::sampling_at(chosen.roots, chosen.source);
    wanted.names = !chosen.wanted.names.empty();
    wanted.counts = true;
    wanted.path_descriptors = true; // they are no references to the buffer's file
    wanted.cgroups = true;
    wanted.origins = !chosen.alone || chosen.wanted.of_origins(); // where dmabuf_pin watches
    wanted.unheld = !chosen.alone;
    wanted.bufinfo = !chosen.no_debugfs && mine.root;
    return wanted;
}

} // namespace dmabuf_watch
