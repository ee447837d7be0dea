// SPDX-License-Identifier: MIT
#include "complain.hpp"

#include "write_all.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace files {

int complain(std::string_view program, std::string_view what) {
    write_all(STDERR_FILENO, fmt::format("{}: {}\n", program, what));
    return 1;
}

} // namespace files
