// SPDX-License-Identifier: MIT
//
// Processes of a snapshot, as subjects of growth name them.
#pragma once

#include <dmabuf/growth.hpp>

#include <algorithm>
#include <cstdint>

namespace dmabuf_watch {

inline bool is_process(dmabuf::growth_subject const& of, std::int32_t pid,
                       std::uint64_t start_ticks) {
    return of.pid == pid && of.start_ticks == start_ticks;
}

inline dmabuf::holder const* find_holder(dmabuf::snapshot const& now, std::int32_t pid) {
    auto const found = std::ranges::lower_bound(now.holders, pid, {}, &dmabuf::holder::pid);
    return found != now.holders.end() && found->pid == pid ? &*found : nullptr;
}

} // namespace dmabuf_watch
