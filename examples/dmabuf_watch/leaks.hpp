// SPDX-License-Identifier: MIT
//
// Groups the events of one look that are one leak, seen from several sides: a process grows, and
// with it its cgroup and the exporter of its buffers.
#pragma once

#include "event.hpp"

#include <cstdint>
#include <vector>

namespace dmabuf_watch {

/// Numbers the leaks of a look. Growth of a subject is the leak of an earlier event where each of
/// its amounts grows there, too, at the same rate within the uncertainties, and both subjects have
/// a buffer in common. `last` is the number of the last leak so far.
void number_leaks(dmabuf::snapshot const& now, std::vector<event>& events, std::uint64_t& last);

/// Makes `one`, of the leak of `first`, a part of what `first` tells people.
void join(event& first, event& one);

} // namespace dmabuf_watch
