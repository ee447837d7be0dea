// SPDX-License-Identifier: MIT
#include "changes.hpp"

#include <algorithm>
#include <set>

namespace dmabuf_ps {

namespace {

using dmabuf::boots;
using dmabuf::snapshot;

/// Names a buffer, or a process, of one boot.
using key = std::pair<std::uint64_t, std::uint64_t>;
using keys = std::set<key>;

key key_of(dmabuf::buffer const& one) {
    return {one.inode, one.size_bytes};
}

key key_of(dmabuf::holder const& who) {
    return {static_cast<std::uint64_t>(who.pid), who.start_ticks};
}

struct both_samples {
    snapshot before;
    snapshot now;
};

/// A process or buffer that fits in one sample is chosen in both: it may have got its name, user or
/// cgroup between them. Of two boots nothing is the same, and each sample chooses for itself.
void choose_in_both(keys& before, keys& now, boots of) {
    if (of == boots::different) return;
    before.insert(now.begin(), now.end());
    now = before;
}

keys fitting_buffers(snapshot const& sample, ::selection::criteria const& wanted) {
    keys found;
    for (auto const* all : {&sample.buffers, &sample.unheld})
        for (auto const& one : *all)
            if (chooses(wanted, sample, one)) found.insert(key_of(one));
    return found;
}

void choose_buffers(both_samples& both, options const& chosen, boots of) {
    auto before = fitting_buffers(both.before, chosen.wanted);
    auto now = fitting_buffers(both.now, chosen.wanted);
    choose_in_both(before, now, of);
    auto const only = [](snapshot& sample, keys const& fitting) {
        sample = ::selection::of_buffers(
            sample, [&](dmabuf::buffer const& one) { return fitting.contains(key_of(one)); });
    };
    only(both.before, before);
    only(both.now, now);
}

keys fitting_processes(snapshot const& sample, options const& chosen,
                       identity::user_names const& users) {
    keys found;
    for (auto const& who : sample.holders)
        if ((chosen.pids.empty() || std::ranges::count(chosen.pids, who.pid) != 0) &&
            chooses(chosen.wanted, sample, who, users))
            found.insert(key_of(who));
    return found;
}

/// Leaves out the processes that were not asked for. Buffers still know all their holders.
void choose_processes(both_samples& both, options const& chosen, observation const& seen,
                      boots of) {
    auto before = fitting_processes(both.before, chosen, seen.users);
    auto now = fitting_processes(both.now, chosen, seen.users);
    choose_in_both(before, now, of);
    auto const only = [](snapshot& sample, keys const& fitting) {
        std::erase_if(sample.holders,
                      [&](auto const& who) { return !fitting.contains(key_of(who)); });
    };
    only(both.before, before);
    only(both.now, now);
}

std::set<std::uint64_t> held_inodes(snapshot const& sample) {
    std::set<std::uint64_t> inodes;
    for (auto const& who : sample.holders)
        for (auto const& reference : sample.references_of(who))
            inodes.insert(sample.buffers[reference.buffer].inode);
    return inodes;
}

/// Leaves out the changes of other processes. Exporters and makers are those of all processes, and
/// so unknown.
void leave_out_others(dmabuf::snapshot_diff& changed, both_samples const& both) {
    auto inodes = held_inodes(both.before);
    inodes.merge(held_inodes(both.now));
    std::erase_if(changed.buffers, [&](auto const& one) { return !inodes.contains(one.inode); });
    changed.exporters.clear();
    changed.exporters_known = false;
    changed.makers.clear();
    changed.makers_known = false;
}

} // namespace

dmabuf::snapshot_diff changes(observation const& seen, options const& chosen) {
    auto const of = seen.compared ? seen.compared->of : boots::same;
    both_samples both{seen.before, seen.now};
    if (chosen.wanted.of_buffers()) choose_buffers(both, chosen, of);
    if (chosen.of_some_processes()) choose_processes(both, chosen, seen, of);
    auto changed = dmabuf::diff(both.before, both.now, of);
    if (chosen.of_some_processes()) leave_out_others(changed, both);
    if (seen.compared && !seen.compared->cgroups) {
        changed.cgroups.clear();
        changed.cgroups_known = false;
    }
    return changed;
}

} // namespace dmabuf_ps
