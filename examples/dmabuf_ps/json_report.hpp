// SPDX-License-Identifier: MIT
//
// The JSON output, as SCHEMA.md describes it.
#pragma once

#include "observation.hpp"
#include "options.hpp"
#include "selection.hpp"

#include <string>

namespace dmabuf_ps {

std::string json_report(observation const& seen, selection const& shown, options const& chosen);

} // namespace dmabuf_ps
