// SPDX-License-Identifier: MIT
//
// What the command line asks for.
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
    ::mode_t mode = 0400;         ///< of the files
    std::optional<::gid_t> group; ///< else root's
};

command_line::parsed<options> parse_options(int count, char const* const* arguments);

} // namespace dmabuf_pin
