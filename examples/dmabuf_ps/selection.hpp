// SPDX-License-Identifier: MIT
//
// The part of a snapshot that is shown, in the order in which it is shown.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "options.hpp"

#include <cstdint>
#include <vector>

namespace dmabuf_ps {

/// `processes` and `buffers` point into the snapshot, which must outlive it. Shares and counts stay
/// those of the whole system: choosing a process does not make it the only holder.
struct selection {
    std::vector<dmabuf::holder const*> processes;  ///< in the order asked for
    std::vector<dmabuf::buffer const*> buffers;    ///< that these hold, by inode
    std::vector<dmabuf::exporter_total> exporters; ///< of these buffers
    std::uint64_t total_bytes = 0;                 ///< of these buffers, as far as known
    bool whole = true;                             ///< no process was left out
};

selection select(dmabuf::snapshot const& now, options const& chosen);

} // namespace dmabuf_ps
