// SPDX-License-Identifier: MIT
//
// Standard output: how wide it is, and writing to it so that a failure is noticed.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace dmabuf_ps {

/// None where standard output is not a terminal.
std::optional<std::size_t> terminal_width();

/// Writes all of `text`. False, with errno, where that did not work: a full disk, a closed pipe.
bool write_all(int fd, std::string_view text);

} // namespace dmabuf_ps
