// SPDX-License-Identifier: MIT
//
// The pinned files. Each function returns a failure in words, or nothing.
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
/// The iterators over makers and importers.
inline constexpr std::array<std::string_view, 2> origin_names = {"origins", "attachments"};
/// Root's own: programs that stay attached and maps that outlive them.
inline constexpr std::array<std::string_view, 11> watch_names = {
    "watch_export", "watch_export_2", "watch_release", "watch_release_2",
    "watch_attach", "watch_attach_2", "watch_detach",  "watch_detach_2",
    "watch_made",   "watch_attached", "watch_state"};

/// Pins all of them or none: each beside its final name first, with its rights, and then they are
/// renamed, so that readers never find a gap. Where a step before the renaming fails, the pins of
/// an earlier run stay as they were. A watch over makers that this run does not replace goes on,
/// and is shown to the same readers as the rest.
std::string pin(programs const& all, options const& chosen);

/// Takes the pins of pin() away, and the directory where nothing else is in it. Where an entry of
/// one of the names is something else, all stays.
std::string unpin(std::string const& path);

bool is_pinned(std::string const& path);

} // namespace dmabuf_pin
