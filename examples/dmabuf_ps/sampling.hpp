// SPDX-License-Identifier: MIT
//
// A view asks the system for the columns that it prints, and for no more. Names cost a
// walk over descriptors where the kernel lists buffers, O_PATH marks a call for each descriptor.
#pragma once

#include <dmabuf/sampler.hpp>

#include "options.hpp"
#include "report/rights.hpp"

namespace dmabuf_ps {

/// The options of a sample for this command line. JSON tells everything, and a recording must serve
/// any view that is asked of it later.
dmabuf::sample_options sampling(options const& chosen, report::rights const& mine);

} // namespace dmabuf_ps
