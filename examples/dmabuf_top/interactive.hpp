// SPDX-License-Identifier: MIT
//
// Screens in a terminal, driven by keys.
#pragma once

#include "options.hpp"

namespace dmabuf_top {

/// Returns the exit status.
int show_screens(options const& chosen);

} // namespace dmabuf_top
