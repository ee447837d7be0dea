// SPDX-License-Identifier: MIT
//
// Bars and sparklines, as text.
#pragma once

#include "history.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace dmabuf_top {

/// Appends a bar for `part` of `whole`, at most `width` columns long, in eighths of a column; in
/// ASCII in whole ones. Any part but 0 can be seen.
void append_bar(std::string& out, std::uint64_t part, std::uint64_t whole, std::size_t width,
                bool utf8);

/// Appends a column for each step, from 0 to the highest of them; a blank where nothing is known.
void append_sparkline(std::string& out, history::amounts const& values, bool utf8);

} // namespace dmabuf_top
