// SPDX-License-Identifier: MIT
//
// A recording of this system as it is now.
#pragma once

#include <dmabuf/sampling/options.hpp>

#include "report/rights.hpp"

#include <cstdint>
#include <string>

namespace replaying {

/// Writes what the kernel tells now, as dmabuf_ps --record does, with all that dmabuf_ps may be
/// asked for later. `alone_pid` of 0: of all processes. Empty, or why that was not done. A file
/// that is there must be a regular one.
std::string record_here(std::string const& path, dmabuf::sample_options const& wanted,
                        report::rights const& mine, std::int32_t alone_pid = 0);

} // namespace replaying
