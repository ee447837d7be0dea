// SPDX-License-Identifier: MIT
//
// Why a process that was asked for is not among the holders.
#pragma once

#include "rights.hpp"

#include <cstdint>
#include <string>

namespace dmabuf_ps {

struct explanation {
    bool could_not_read = false; ///< no such process, or no right; else it holds nothing
    std::string sentence;
};

explanation why_not_shown(std::int32_t pid, rights const& mine);

} // namespace dmabuf_ps
