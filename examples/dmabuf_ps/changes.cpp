// SPDX-License-Identifier: MIT
#include "changes.hpp"

#include <algorithm>
#include <set>

namespace dmabuf_ps {

namespace {

std::set<std::uint64_t> held_inodes(dmabuf::snapshot const& sample) {
    std::set<std::uint64_t> inodes;
    for (auto const& who : sample.holders)
        for (auto const& reference : sample.references_of(who))
            inodes.insert(sample.buffers[reference.buffer].inode);
    return inodes;
}

/// Without the holders that are not asked for. Buffers still know all their holders.
dmabuf::snapshot only(dmabuf::snapshot sample, std::vector<std::int32_t> const& pids) {
    std::erase_if(sample.holders,
                  [&](auto const& who) { return std::ranges::count(pids, who.pid) == 0; });
    return sample;
}

dmabuf::boots boots_of(observation const& seen) {
    return seen.compared ? seen.compared->of : dmabuf::boots::same;
}

dmabuf::snapshot_diff changes_of(observation const& seen, std::vector<std::int32_t> const& pids) {
    auto const before = only(seen.before, pids);
    auto const now = only(seen.now, pids);
    auto changed = dmabuf::diff(before, now, boots_of(seen));
    auto inodes = held_inodes(before);
    inodes.merge(held_inodes(now));
    std::erase_if(changed.buffers, [&](auto const& one) { return !inodes.contains(one.inode); });
    changed.exporters.clear();
    changed.exporters_known = false;
    return changed;
}

} // namespace

dmabuf::snapshot_diff changes(observation const& seen, options const& chosen) {
    auto changed = chosen.pids.empty() ? dmabuf::diff(seen.before, seen.now, boots_of(seen))
                                       : changes_of(seen, chosen.pids);
    if (seen.compared && !seen.compared->cgroups) {
        changed.cgroups.clear();
        changed.cgroups_known = false;
    }
    return changed;
}

} // namespace dmabuf_ps
