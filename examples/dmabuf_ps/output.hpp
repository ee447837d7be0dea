// SPDX-License-Identifier: MIT
//
// Standard output: how wide it is.
#pragma once

#include <cstddef>
#include <optional>

namespace dmabuf_ps {

/// None where standard output is not a terminal.
std::optional<std::size_t> terminal_width();

} // namespace dmabuf_ps
