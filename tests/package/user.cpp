// SPDX-License-Identifier: MIT
//
// What a user's file makes of the headers, for the warnings that it may be compiled with: sampler,
// comparison, groups, every reader. See tests/CMakeLists.txt.
#include <dmabuf/dmabuf.hpp>
#include <dmabuf/growth_rows.hpp>

namespace {

/// The number of items, and of failures among them.
struct counts {
    std::size_t items = 0;
    std::size_t failures = 0;
};

template<class Range>
void count(Range range, counts& all) {
    for (auto const& item : range) {
        ++all.items;
        if (!item) all.failures += item.error().error != 0;
    }
}

void read_process(dmabuf::process<> const& process, counts& all) {
    dmabuf::dmabuf_filesystem known;
    dmabuf::file_space space;
    count(dmabuf::read_tasks(process), all);
    count(dmabuf::read_fds(process, process.pid), all);
    count(dmabuf::read_fdinfos(process, process.pid), all);
    count(dmabuf::read_maps(process, process.pid), all);
    count(dmabuf::read_mapped_files(process, process.pid), all);
    count(dmabuf::read_dmabuf_fds(process, process.pid), all);
    count(dmabuf::walk_fds(process, process.pid, known), all);
    count(dmabuf::walk_fdinfos(process, process.pid, known), all);
    for (bool const failed :
         {!dmabuf::read_stat(process), !dmabuf::read_process_status(process),
          !dmabuf::read_cgroup(process, space), !dmabuf::read_command_line(process, space),
          !dmabuf::read_fdinfo(process, process.pid, 0)})
        all.failures += failed;
}

void read_system(counts& all) {
    if (auto const proc = dmabuf::open_proc(); proc) count(dmabuf::read_processes(*proc), all);
    if (auto const process = dmabuf::open_process(1); process) read_process(*process, all);
    if (auto const tree = dmabuf::open_sysfs_buffers(); tree)
        count(dmabuf::read_sysfs_buffers(*tree), all);
    count(dmabuf::read_bufinfo(), all);
    count(dmabuf::read_android_buffers(), all);
    count(dmabuf::read_bpf_origins(), all);
    count(dmabuf::read_bpf_attachments(), all);
    count(dmabuf::read_bpf_references(dmabuf::bpf_content::descriptors), all);
    auto const program = dmabuf::open_bpf_program(dmabuf::bpf_content::mappings);
    if (program)
        count(dmabuf::read_bpf_references_of(*program, dmabuf::bpf_content::mappings, 1), all);
}

std::size_t sums_of(dmabuf::snapshot const& now) {
    std::size_t bytes = 0;
    for (auto const& buffer : now.buffers)
        bytes += escaped(now.exporter_of(buffer)).size() + escaped(buffer.name).size();
    for (auto const& who : now.holders)
        bytes += now.references_of(who).size() + now.cgroup_name(who.cgroup).size();
    return bytes + by_process(now).size() + by_user(now).size() + by_cgroup(now).size() +
           name_of(now.coverage.found_by).size() + describe(now.coverage.first_failure).size();
}

} // namespace

std::size_t growing(dmabuf::snapshot const& now, dmabuf::capacity const& most);
std::size_t use_everything(dmabuf::sample_options options, dmabuf::capacity const& most);

std::size_t growing(dmabuf::snapshot const& now, dmabuf::capacity const& most) {
    dmabuf::growth_watch watch;
    dmabuf::growth_rows rows;
    watch.reserve(most);
    watch.feed(now);
    rows.keep(now);
    std::size_t count = 0;
    dmabuf::growth_row told[4];
    watch.for_each([&](auto const& one) { count += rows.explain(one, now, told).rows; });
    watch.for_each_event([&](auto what, auto const& one) {
        count += name_of(what).size() + name_of(one.of.kind).size() + name_of(one.what).size();
    });
    return count;
}

std::size_t use_everything(dmabuf::sample_options options, dmabuf::capacity const& most) {
    dmabuf::sampler sampler(options);
    dmabuf::snapshot before;
    dmabuf::snapshot after;
    sampler.reserve(most);
    before.reserve(most);
    if (!sampler.sample(before) || !sampler.sample(after)) return 0;
    account(after);
    auto const changed = diff(before, after);
    counts all;
    read_system(all);
    return all.items + all.failures + sums_of(after) + changed.buffers.size() +
           changed.holders.size() + growing(after, most);
}
