// SPDX-License-Identifier: MIT
//
// The machine and its boot, which a recording tells beside the library's calls.
#pragma once

#include "recording.hpp"

#include <string>

namespace replay {

/// As `uname -r` has it.
std::string kernel_release();

/// Empty where it cannot be read.
std::string boot_id_here();

/// As a call of the recording that the library did not make.
entry boot_id_entry(std::string const& id);

/// Empty where the recording has none.
std::string boot_id_of(recording const& recorded);

} // namespace replay
