// SPDX-License-Identifier: MIT
//
// Most of a recording would be the libraries that every process has mapped.
#pragma once

#include "recording.hpp"

namespace replay {

/// Leaves out lines of maps and answers to PROCMAP_QUERY about memory and ordinary files: the
/// library reads past them, and learns nothing. `entries` are all calls, repeated ones too. The
/// rest replays to the same snapshot:
///  * The first file of a map stays. It tells that the process has a memory map.
///  * Files on anonymous devices (tmpfs, overlay, btrfs) stay where the device differs from that of
///    the one before: the library may have asked for the kind of the device there.
///  * Mappings with the path of a DMA-BUF stay, and so do mappings whose path was asked for again,
///    lines that do not parse, and maps that were not read from their beginning to their end.
/// Returns how many were left out.
std::uint64_t leave_out_ordinary_mappings(std::vector<entry>& entries);

} // namespace replay
