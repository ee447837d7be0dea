// SPDX-License-Identifier: MIT
//
// What the command line asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <variant>

namespace dmabuf_pin {

enum class action : std::uint8_t { pin, unpin, status };

struct options {
    action what = action::pin;
    std::string path = "/sys/fs/bpf/dmabuf";
    ::mode_t mode = 0400;         ///< of the files
    std::optional<::gid_t> group; ///< else root's
};

/// Nothing more is to be done than to print `text`, on stderr where `status` is not 0.
struct last_words {
    int status = 0;
    std::string text;
};

std::variant<options, last_words> parse_options(int count, char const* const* arguments);

} // namespace dmabuf_pin
