// SPDX-License-Identifier: MIT
//
// The command line.
#pragma once

#include "options/last_words.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace dmabuf_pin {

enum class action : std::uint8_t { pin, unpin, status };

struct options {
    action what = action::pin;
    std::string path = "/sys/fs/bpf/dmabuf";
    ::mode_t mode = 0400;              ///< of the files
    std::optional<::gid_t> group;      ///< else root's
    bool origins = false;              ///< watch the makers of buffers
    std::optional<std::uint32_t> room; ///< of the watch, in records
};

/// The room of the watch for buffers, and for attachments. More than twice the largest number that
/// reports of leaks speak of. Without preallocation only the table of buckets is paid for
/// at once, 512 KiB for each of the two, and 192 or 256 bytes for each record that there is.
inline constexpr std::uint32_t default_room = 32768;

command_line::parsed<options> parse_options(int count, char const* const* arguments);

} // namespace dmabuf_pin
