// SPDX-License-Identifier: MIT
//
// Sentences on stderr.
#pragma once

#include <string_view>

namespace files {

/// Writes "PROGRAM: WHAT" as a line to stderr, in one write. A failed write is ignored.
/// Returns the exit status 1.
int complain(std::string_view program, std::string_view what);

} // namespace files
