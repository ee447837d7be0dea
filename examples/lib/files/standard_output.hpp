// SPDX-License-Identifier: MIT
//
// Standard output, where a full disk is a failure.
#pragma once

#include <string_view>

namespace files {

/// Writes `text` to standard output, or says on stderr, as `program`, why it cannot. Returns the
/// exit status: 0, or 1. A reader that closed the pipe has seen enough.
int print(std::string_view program, std::string_view text);

/// As `print()`, for a text that was written already. `error`: the errno of the first write that
/// failed; 0: none failed.
int printed(std::string_view program, int error);

} // namespace files
