// SPDX-License-Identifier: MIT
//
// A sample beside an older one of another file: whether both are of one boot, and which parts of
// them can be compared.
#pragma once

#include "observation.hpp"

#include <string>

namespace dmabuf_ps {

/// Puts the sample of `older`, which `file` holds, before that of `seen`, which `newer` holds
/// (empty: it is this system's), and says in words on which ground both are compared. Processes and
/// buffers are the same only where both are of one boot: by the boot's id where both tell it; else
/// by processes of the same pid and start time, where kernels and times allow that.
void put_before(observation& seen, observation older, std::string const& file,
                std::string const& newer);

} // namespace dmabuf_ps
