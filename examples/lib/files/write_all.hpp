// SPDX-License-Identifier: MIT
//
// Writing so that a failure is noticed.
#pragma once

#include <cerrno>
#include <string_view>
#include <unistd.h>

namespace files {

/// Writes all of `text`. False, with errno, where that did not work: a full disk, a closed pipe.
inline bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        auto const written = ::write(fd, text.data(), text.size());
        if (written > 0)
            text.remove_prefix(static_cast<std::size_t>(written));
        else if (written == 0 || errno != EINTR)
            return false;
    }
    return true;
}

} // namespace files
