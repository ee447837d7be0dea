// SPDX-License-Identifier: MIT
//
// The machine and its boot, which a recording tells beside the library's calls.
#pragma once

#include "recording.hpp"

#include <string>

namespace replay {

/// The release of this kernel, as `uname -r` has it.
std::string kernel_release();

/// The id of this boot. Empty where it cannot be read.
std::string boot_id_here();

/// The id as an entry of a recording: a read that the library did not make.
entry boot_id_entry(std::string const& id);

/// The id of the boot in which a recording was made. Empty where the recording has none.
std::string boot_id_of(recording const& recorded);

} // namespace replay
