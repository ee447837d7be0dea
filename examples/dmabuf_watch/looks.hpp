// SPDX-License-Identifier: MIT
//
// The options of a look.
#pragma once

#include <dmabuf/sampling/options.hpp>

#include "options.hpp"
#include "report/rights.hpp"

namespace dmabuf_watch {

/// All that can grow is asked for: counts and cgroups, too.
dmabuf::sample_options sampling(options const& chosen, report::rights const& mine);

} // namespace dmabuf_watch
