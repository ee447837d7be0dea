// SPDX-License-Identifier: MIT
//
// A recording of this system as it is now.
#pragma once

#include <dmabuf/sampling/options.hpp>

#include "report/rights.hpp"

#include <cstdint>
#include <string>

namespace replaying {

/// Records the kernel's answers into `path`, as dmabuf_ps --record does, so that any option of
/// dmabuf_ps can be asked of the file later. `alone_pid` of 0: of all processes. Returns nothing,
/// or the reason why there is no recording. A file that is there must be a regular one.
std::string record_here(std::string const& path, dmabuf::sample_options const& wanted,
                        report::rights const& mine, std::int32_t alone_pid = 0);

} // namespace replaying
