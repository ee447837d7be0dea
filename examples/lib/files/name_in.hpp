// SPDX-License-Identifier: MIT
//
// The name of a file, without the directories before it.
#pragma once

#include <dmabuf/text.hpp>

#include <iterator>
#include <string>
#include <string_view>

namespace files {

/// Escaped.
inline std::string name_in(std::string_view path) {
    std::string name;
    dmabuf::escape(path.substr(path.rfind('/') + 1), std::back_inserter(name));
    return name;
}

} // namespace files
