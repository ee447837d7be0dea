// SPDX-License-Identifier: MIT
//
// The place that a command line chooses, for a sampler.
#pragma once

#include <dmabuf/sampling/options.hpp>

namespace command_line {

/// The options of a sampler that looks there, and all else as usual.
inline dmabuf::sample_options sampling_at(dmabuf::roots const& where, dmabuf::source how) {
    dmabuf::sample_options wanted;
    wanted.proc = where.proc;
    wanted.sys = where.sys;
    wanted.bpffs = where.bpffs;
    wanted.force = how;
    return wanted;
}

} // namespace command_line
