// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

/// Of all code that was compiled with -fsanitize-coverage=trace-pc, since the program began.
std::uint64_t counted_steps();
