// SPDX-License-Identifier: MIT
//
// Refreshes a table of dmabuf_top, of 10,000 processes in 100 cgroups with 10,000 buffers, half of
// them held twice. tests/top/cost counts the instructions. Arguments: TIMES, the number of a view,
// and perhaps "makers", for a maker of each buffer.
#include <dmabuf/account.hpp>

#include "dmabuf_top/pictures.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr std::uint32_t processes = 10'000;
constexpr std::uint32_t cgroups = 100;
constexpr std::uint64_t second_ns = 1'000'000'000;

void add_process(dmabuf::snapshot& to, std::uint32_t at) {
    auto const name = std::to_string(at);
    dmabuf::buffer buffer;
    buffer.inode = 1000 + at;
    buffer.size_bytes = 4096 * (1 + at * 7919 % 1000);
    buffer.size_known = buffer.name_known = true;
    buffer.exporter = dmabuf::exporter_id{1 + at % 3};
    to.buffers.push_back(buffer);
    dmabuf::holder who;
    who.pid = static_cast<std::int32_t>(100 + at);
    who.uid = 1000 + at % 10;
    who.start_ticks = 5000 + at;
    who.comm = dmabuf::process_name("process " + name);
    who.cgroup = at * 31 % cgroups;
    who.first_reference = to.references.size();
    to.references.push_back({at, at / 2, 1, 0, 1, 4096});
    if (at != 0) to.references.push_back({at, at, 1, 0, 1, 4096});
    who.reference_count = to.references.size() - who.first_reference;
    to.holders.push_back(who);
    to.counts.push_back({buffer.inode, 3, 1, true, true});
    dmabuf::origin made;
    made.inode = buffer.inode;
    made.size_bytes = buffer.size_bytes;
    made.state = dmabuf::origin_state::made_by;
    made.made_ns = second_ns * at;
    made.maker.pid = static_cast<std::int32_t>(100 + at * 7919 % processes);
    made.maker.start_ns = 10'000'000 * (5000 + static_cast<std::uint64_t>(at) * 7919 % processes);
    made.maker.comm = dmabuf::task_name("process " + std::to_string(at * 7919 % processes));
    made.maker.now = dmabuf::process_state::runs;
    to.origins.push_back(made);
}

dmabuf::snapshot large_system() {
    dmabuf::snapshot all;
    for (auto const* name : {"system", "drm", "i915"})
        all.exporter_names.emplace_back(name);
    for (std::uint32_t at = 0; at < cgroups; ++at) {
        auto const path = "/user.slice/user-" + std::to_string(at) + ".slice/session.scope";
        all.cgroups.push_back({all.cgroup_text.size(), path.size()});
        all.cgroup_text.insert(all.cgroup_text.end(), path.begin(), path.end());
    }
    for (std::uint32_t at = 0; at < processes; ++at)
        add_process(all, at);
    auto& seen = all.coverage;
    seen.found_by = dmabuf::source::fd_walk;
    seen.listed_by = dmabuf::listing::bufinfo;
    seen.proc_shows = dmabuf::visibility::everything;
    seen.mappings_read = true;
    seen.processes = seen.processes_seen = processes;
    all.watch.origins_read = all.watch.attachments_read = true;
    all.watch.now_ns = second_ns * (processes + 1);
    dmabuf::account(all);
    return all;
}

} // namespace

int main(int count, char** arguments) {
    if (count < 3) return 2;
    auto now = large_system();
    if (count == 3) now.origins.clear(), now.watch = {};
    dmabuf_top::options const chosen;
    dmabuf_top::pictures pictures(chosen, true);
    identity::user_names const users;
    report::rights const mine{true, true, true, true, false};
    auto const first = static_cast<int>(dmabuf_top::action::view_1);
    pictures.take(now, users, mine);
    pictures.model().act(static_cast<dmabuf_top::action>(first + std::atoi(arguments[2]) - 1));
    for (int left = std::atoi(arguments[1]); left > 0; --left) {
        now.begin_ns += second_ns;
        now.end_ns += second_ns;
        pictures.take(now, users, mine);
        (void)pictures.draw({120, 40}, true);
    }
    std::printf("%zu rows\n", pictures.model().rows().size());
}
