// SPDX-License-Identifier: MIT
//
// Screens as text, without a terminal.
#pragma once

#include "options.hpp"

namespace dmabuf_top {

/// Returns the exit status.
int print_screens(options const& chosen);

} // namespace dmabuf_top
