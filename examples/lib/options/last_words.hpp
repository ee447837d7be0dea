// SPDX-License-Identifier: MIT
//
// What a command line comes to, without CLI11.
#pragma once

#include <string>
#include <variant>

namespace command_line {

/// Nothing more is to be done than to print `text`, on stderr where `status` is not 0.
struct last_words {
    int status = 0;
    std::string text;
};

/// A program's options, or its last words.
template<class Options>
using parsed = std::variant<Options, last_words>;

} // namespace command_line
