// SPDX-License-Identifier: MIT
#include "standard_output.hpp"

#include "whole_file.hpp"

#include <fmt/format.h>

namespace files {

int print(std::string_view program, std::string_view text) {
    auto const wrong = write_whole("-", text);
    if (wrong.words.empty()) return 0;
    fmt::print(stderr, "{}: cannot write to standard output: {}\n", program, wrong.words);
    return 1;
}

} // namespace files
