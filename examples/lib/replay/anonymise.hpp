// SPDX-License-Identifier: MIT
//
// Takes the names that people and programs have chosen out of a recording.
#pragma once

#include "recording.hpp"

namespace replay {

/// The same recording with other names: of processes ("process-1"), buffers ("buffer-1"), cgroups
/// ("/cgroup-1"), mapped files ("/path-1") and arguments of processes ("argument-1"), equal names
/// staying equal. Names of users, and all text that the library does not need, are left out.
/// Numbers stay, and so do the names of drivers and devices.
recording anonymised(recording original);

} // namespace replay
