// SPDX-License-Identifier: MIT
//
// Sentences on stderr.
#pragma once

#include "files/write_all.hpp"

#include <fmt/format.h>

#include <utility>

namespace dmabuf_exporter {

template<class... Values>
void say(fmt::format_string<Values...> text, Values&&... values) {
    auto const words = fmt::format(text, std::forward<Values>(values)...);
    files::write_all(STDERR_FILENO, fmt::format("dmabuf_exporter: {}\n", words));
}

} // namespace dmabuf_exporter
