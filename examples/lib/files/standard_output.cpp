// SPDX-License-Identifier: MIT
#include "standard_output.hpp"

#include "write_all.hpp"

#include <fmt/format.h>

#include <cstring>

namespace files {

int printed(std::string_view program, int error) {
    if (error == 0 || error == EPIPE) return 0;
    fmt::print(stderr, "{}: cannot write to standard output: {}\n", program, std::strerror(error));
    return 1;
}

int print(std::string_view program, std::string_view text) {
    return printed(program, write_all(STDOUT_FILENO, text) ? 0 : errno);
}

} // namespace files
