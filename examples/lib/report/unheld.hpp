// SPDX-License-Identifier: MIT
//
// Whether a snapshot tells the buffers that no process holds. Where it does not, none is no fact.
#pragma once

#include <dmabuf/snapshot.hpp>

namespace report {

/// Of all buffers, or, by the watch over makers, of those made since it began.
inline bool tells_unheld(dmabuf::snapshot const& now) {
    return now.coverage.buffers_compared() || now.watch.tells_unheld;
}

/// Of the buffers in this state. Without a list of all buffers the watch tells those alone whose
/// maker it knows.
inline bool tells_unheld(dmabuf::snapshot const& now, dmabuf::origin_state state) {
    return now.coverage.buffers_compared() ||
           (now.watch.tells_unheld && state == dmabuf::origin_state::made_by);
}

} // namespace report
