// SPDX-License-Identifier: MIT
#include "record_here.hpp"

#include <dmabuf/sampler.hpp>

#include "files/whole_file.hpp"
#include "identity/users.hpp"
#include "replay/each_sample.hpp"
#include "replay/machine.hpp"

#include <cerrno>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace replaying {

namespace {

bool is_file_or_none(std::string const& path) {
    struct ::stat found{};
    if (::lstat(path.c_str(), &found) != 0) return errno == ENOENT;
    return S_ISREG(found.st_mode);
}

/// The circumstances of a sample of everything that a recording can keep, which BPF is not part of.
replay::circumstances everything(dmabuf::sample_options const& wanted, report::rights const& mine,
                                 std::int32_t alone_pid) {
    replay::circumstances made;
    made.kernel = replay::kernel_release();
    made.uid = ::geteuid();
    made.rights = report::words_of(mine);
    made.alone_pid = alone_pid;
    made.options = wanted;
    made.options.names = true;
    made.options.bpf = false;
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

std::string record_here(std::string const& path, dmabuf::sample_options const& wanted,
                        report::rights const& mine, std::int32_t alone_pid) {
    if (!is_file_or_none(path)) return "it is no regular file";
    replay::recording kept{everything(wanted, mine, alone_pid), {}};
    replay::recording_system<> const system;
    dmabuf::basic_sampler<replay::recording_system<>> sampler(kept.made.options, system);
    dmabuf::snapshot now;
    (void)replay::take_sample(sampler, alone_pid, now); // where it fails, the recording tells why
    kept.entries =
        replay::below_usual_roots(system.needed_entries(kept.made.left_out), wanted.roots());
    if (auto const id = replay::boot_id_here(); !id.empty())
        kept.entries.push_back(replay::boot_id_entry(id));
    kept.made.users = names_of_users(now);
    return files::write_whole(path, replay::write(kept)).words;
}

} // namespace replaying
