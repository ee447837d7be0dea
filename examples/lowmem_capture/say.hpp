// SPDX-License-Identifier: MIT
//
// Lines on stderr, put together in place: also when memory is short.
#pragma once

#include <dmabuf/fmt.hpp>

#include "files/write_all.hpp"

#include <array>
#include <cstring>

namespace lowmem_capture {

/// A line longer than a page is cut.
template<class... Values>
void say(fmt::format_string<Values...> text, Values&&... values) {
    constexpr std::string_view prefix = "lowmem_capture: ";
    std::array<char, 4096> line;
    prefix.copy(line.data(), prefix.size());
    auto const room = line.size() - prefix.size() - 1;
    auto const written =
        fmt::format_to_n(line.data() + prefix.size(), room, text, std::forward<Values>(values)...);
    *written.out = '\n';
    auto const size = static_cast<std::size_t>(written.out + 1 - line.data());
    files::write_all(STDERR_FILENO, {line.data(), size}); // nobody reads a stderr that is gone
}

/// The meaning of an errno. strerror() may allocate for numbers that it does not know, and for
/// others where messages are translated: this program never calls setlocale().
inline char const* words(int error) {
    return std::strerror(error);
}

} // namespace lowmem_capture
