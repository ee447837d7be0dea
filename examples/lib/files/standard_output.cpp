// SPDX-License-Identifier: MIT
#include "standard_output.hpp"

#include "complain.hpp"
#include "write_all.hpp"

#include <fmt/format.h>

#include <cstring>

namespace files {

int printed(std::string_view program, int error) {
    if (error == 0 || error == EPIPE) return 0;
    return complain(program,
                    fmt::format("cannot write to standard output: {}", std::strerror(error)));
}

int print(std::string_view program, std::string_view text) {
    return printed(program, write_all(STDOUT_FILENO, text) ? 0 : errno);
}

} // namespace files
