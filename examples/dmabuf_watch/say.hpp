// SPDX-License-Identifier: MIT
//
// Sentences on stderr: beside the lines of the watch, and never a reason to end it.
#pragma once

#include <dmabuf/fmt.hpp>

#include "files/write_all.hpp"

#include <utility>

namespace dmabuf_watch {

template<class... Values>
void say(fmt::format_string<Values...> text, Values&&... values) {
    auto const words = fmt::format(text, std::forward<Values>(values)...);
    files::write_all(STDERR_FILENO, fmt::format("dmabuf_watch: {}\n", words));
}

} // namespace dmabuf_watch
