// SPDX-License-Identifier: MIT
#include "sampling.hpp"

namespace dmabuf_ps {

dmabuf::sample_options sampling(options const& chosen, report::rights const& mine) {
    bool const everything = chosen.json || !chosen.record.empty();
    bool const changes = chosen.diff_seconds.has_value();
    dmabuf::sample_options wanted;
    wanted.proc = chosen.roots.proc;
    wanted.sys = chosen.roots.sys;
    wanted.bpffs = chosen.roots.bpffs;
    wanted.force = chosen.source;
    wanted.bpf = chosen.record.empty(); // a recording is of what /proc and /sys tell
    wanted.exporters = everything || chosen.buffers || !changes; // totals are by exporter
    wanted.names = everything || (chosen.buffers && !changes) || !chosen.wanted.names.empty();
    bool const references = chosen.buffers && !changes && !chosen.buffers_of_one();
    wanted.counts = everything || chosen.hints || references;
    wanted.path_descriptors = wanted.counts; // they are no references to the buffer's file
    wanted.cgroups =
        everything || (chosen.by == grouping::cgroup && !changes) || !chosen.wanted.cgroups.empty();
    wanted.unheld = !chosen.alone;
    wanted.bufinfo = !chosen.no_debugfs && mine.root;
    return wanted;
}

} // namespace dmabuf_ps
