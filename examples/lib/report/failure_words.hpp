// SPDX-License-Identifier: MIT
//
// A failure in words, with the path that was looked at in place of the usual one.
#pragma once

#include <dmabuf/fmt.hpp>

#include <string>

namespace report {

inline std::string words_of(dmabuf::failure const& why, dmabuf::roots const& where) {
    auto words = fmt::format("{}", why);
    auto const usual = path_of(why.where);
    if (auto const at = words.find(usual.view()); at != words.npos)
        words.replace(at, usual.size(), path_of(why.where, where).view());
    return words;
}

} // namespace report
