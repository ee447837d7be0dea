// SPDX-License-Identifier: MIT
//
// The outcome of a command line, without CLI11: options, or words and an exit status.
#pragma once

#include "files/standard_output.hpp"
#include "files/write_all.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace command_line {

/// Nothing more is to be done than to print `text`, on stderr where `status` is not 0.
struct last_words {
    int status = 0;
    std::string text;
};

/// Prints them as `program`, and returns the exit status.
inline int print(std::string_view program, last_words const& words) {
    if (words.status == 0) return files::print(program, words.text);
    files::write_all(STDERR_FILENO, words.text);
    return words.status;
}

/// A program's options, or its last words.
template<class Options>
using parsed = std::variant<Options, last_words>;

} // namespace command_line
