// SPDX-License-Identifier: MIT
#include "sampling.hpp"

#include "fields.hpp"
#include "options/sampled_place.hpp"

namespace dmabuf_ps {

dmabuf::sample_options sampling(options const& chosen, report::rights const& mine) {
    bool const everything = chosen.json || !chosen.record.empty();
    bool const changes = chosen.compares();
    auto wanted = command_line::sampling_at(chosen.roots, chosen.source);
    wanted.bpf = chosen.record.empty(); // a recording has the answers of /proc and /sys alone
    bool const totals = !changes && !chosen.has_rows_alone(); // which are by exporter
    wanted.exporters =
        everything || totals || shows(chosen, "exporter") || !chosen.wanted.exporters.empty();
    wanted.names = everything || (chosen.buffers && !changes) || !chosen.wanted.names.empty();
    bool const maker_columns = shows(chosen, "origin") || shows(chosen, "maker_pid") ||
                               shows(chosen, "made_by") || shows(chosen, "age_seconds") ||
                               (chosen.buffers && shows(chosen, "devices"));
    bool const makers = chosen.by == grouping::maker || chosen.by == grouping::device;
    wanted.origins =
        everything || makers || (maker_columns && !changes) || chosen.wanted.of_origins();
    wanted.origins_of_unheld = totals && !chosen.alone; // where the report tells of these
    bool const references = chosen.buffers && !chosen.buffers_of_one();
    bool const sums_of_changes = changes && chosen.groups_buffers();
    wanted.counts = everything || chosen.hints || references || sums_of_changes;
    wanted.path_descriptors = wanted.counts; // they are no references to the buffer's file
    wanted.cgroups = everything || shows(chosen, "cgroup") || !chosen.wanted.cgroups.empty();
    wanted.unheld = !chosen.alone;
    wanted.bufinfo = !chosen.no_debugfs && mine.root;
    return wanted;
}

} // namespace dmabuf_ps
