// SPDX-License-Identifier: MIT
//
// Sentences on stderr.
#pragma once

#include <string_view>

namespace files {

/// Writes "program: what" as a line to stderr, in one write. A stderr that takes nothing changes
/// nothing. Returns the exit status 1.
int complain(std::string_view program, std::string_view what);

} // namespace files
