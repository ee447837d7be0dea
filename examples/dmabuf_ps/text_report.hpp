// SPDX-License-Identifier: MIT
//
// The tables and sentences of one observation.
#pragma once

#include "observation.hpp"
#include "options.hpp"
#include "selection.hpp"

#include <string>

namespace dmabuf_ps {

std::string text_report(observation const& seen, selection const& shown, options const& chosen);

} // namespace dmabuf_ps
