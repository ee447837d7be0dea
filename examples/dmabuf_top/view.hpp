// SPDX-License-Identifier: MIT
//
// The tables that can be on the screen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dmabuf_top {

enum class view : std::uint8_t {
    processes,
    buffers,
    exporters,
    makers,
    cgroups,
    held,    ///< the buffers of one process
    holders, ///< the processes of one buffer
};

/// Those that stand in the line of views; the others are entered from a row.
inline constexpr std::size_t main_views = 5;
inline constexpr std::size_t all_views = 7;

constexpr std::string_view name_of(view which) {
    constexpr std::string_view names[] = {"processes", "buffers", "exporters", "makers",
                                          "cgroups",   "held",    "holders"};
    return names[static_cast<std::size_t>(which)];
}

} // namespace dmabuf_top
