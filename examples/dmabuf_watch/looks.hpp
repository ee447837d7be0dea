// SPDX-License-Identifier: MIT
//
// Looks at this system.
#pragma once

#include <dmabuf/sampling/options.hpp>

#include "options.hpp"
#include "report/rights.hpp"

#include <string>

namespace dmabuf_watch {

/// All that can grow is asked for: counts and cgroups, too.
dmabuf::sample_options sampling(options const& chosen, report::rights const& mine);

/// Writes what the kernel tells now, as dmabuf_ps --record does. Empty, or why that was not done.
/// A file that is there must be a regular one.
std::string record_now(options const& chosen, report::rights const& mine);

} // namespace dmabuf_watch
