// SPDX-License-Identifier: MIT
#include "looks.hpp"

#include <dmabuf/sampler.hpp>

#include "files/whole_file.hpp"
#include "replay/each_sample.hpp"
#include "replay/machine.hpp"
#include "replay/recording_system.hpp"

#include <cerrno>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace dmabuf_watch {

namespace {

bool is_file_or_none(std::string const& path) {
    struct ::stat found{};
    if (::lstat(path.c_str(), &found) != 0) return errno == ENOENT;
    return S_ISREG(found.st_mode);
}

/// All that dmabuf_ps may be asked for later. BPF is no call that a recording keeps.
replay::circumstances everything(options const& chosen, report::rights const& mine) {
    replay::circumstances made;
    made.kernel = replay::kernel_release();
    made.uid = ::geteuid();
    made.rights = report::words_of(mine);
    if (chosen.alone) made.alone_pid = chosen.pids[0];
    made.options = sampling(chosen, mine);
    made.options.names = true;
    made.options.bpf = made.options.origins = false;
    if (made.options.force == dmabuf::source::bpf_iterator)
        made.options.force = dmabuf::source::none;
    return made;
}

std::map<std::uint32_t, std::string> names_of_users(dmabuf::snapshot const& now) {
    std::set<std::uint32_t> uids;
    for (auto const& who : now.holders)
        uids.insert(who.uid);
    auto const names = identity::names_of(uids);
    std::map<std::uint32_t, std::string> users;
    for (auto const uid : uids)
        if (auto const* const name = names.raw(uid)) users[uid] = *name;
    return users;
}

} // namespace

dmabuf::sample_options sampling(options const& chosen, report::rights const& mine) {
    dmabuf::sample_options wanted;
    wanted.proc = chosen.roots.proc;
    wanted.sys = chosen.roots.sys;
    wanted.bpffs = chosen.roots.bpffs;
    wanted.force = chosen.source;
    wanted.names = !chosen.wanted.names.empty();
    wanted.counts = true;
    wanted.path_descriptors = true; // they are no references to the buffer's file
    wanted.cgroups = true;
    wanted.origins = !chosen.alone || chosen.wanted.of_origins(); // where dmabuf_pin watches
    wanted.unheld = !chosen.alone;
    wanted.bufinfo = !chosen.no_debugfs && mine.root;
    return wanted;
}

std::string record_now(options const& chosen, report::rights const& mine) {
    if (!is_file_or_none(chosen.record)) return "it is no regular file";
    replay::recording kept{everything(chosen, mine), {}};
    replay::recording_system<> const system;
    dmabuf::basic_sampler<replay::recording_system<>> sampler(kept.made.options, system);
    dmabuf::snapshot now;
    (void)replay::take_sample(sampler, kept.made.alone_pid,
                              now); // where it fails, the recording tells why
    kept.entries =
        replay::below_usual_roots(system.needed_entries(kept.made.left_out), chosen.roots);
    if (auto const id = replay::boot_id_here(); !id.empty())
        kept.entries.push_back(replay::boot_id_entry(id));
    kept.made.users = names_of_users(now);
    return files::write_whole(chosen.record, replay::write(kept)).words;
}

} // namespace dmabuf_watch
