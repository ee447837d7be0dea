// SPDX-License-Identifier: MIT
//
// The pinned files. Each function gives what went wrong in words, or nothing.
#pragma once

#include "options.hpp"
#include "programs.hpp"

#include <array>
#include <string>
#include <string_view>

namespace dmabuf_pin {

/// The iterators over everything, and the programs to walk over one process with.
inline constexpr std::array<std::string_view, 5> pin_names = {"descriptors", "mappings", "buffers",
                                                              "descriptors_of", "mappings_of"};

/// Makes the directory where it is not there, and makes sure that only root can change it.
std::string prepare_directory(std::string const& path);

/// Pins beside the final name, sets the rights, and renames: readers never find a gap.
std::string pin_iterator(iterator const& one, options const& chosen);

std::string unpin(std::string const& path);

bool is_pinned(std::string const& path);

} // namespace dmabuf_pin
