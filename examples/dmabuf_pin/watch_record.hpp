// SPDX-License-Identifier: MIT
//
// The state of the watch itself, by the file of an iterator over makers.
#pragma once

#include <cstdint>
#include <optional>
#include <records.h>
#include <string>

namespace dmabuf_pin {

struct watch_summary {
    dmabuf_bpf_watch watch; ///< as after the walk
    std::uint64_t records;  ///< that the walk handed out
};

/// Reads `origins` or `attachments` to its end. Nothing where it cannot be read as a whole.
std::optional<watch_summary> summarize(std::string const& path);

} // namespace dmabuf_pin
