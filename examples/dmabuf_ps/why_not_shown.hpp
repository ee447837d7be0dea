// SPDX-License-Identifier: MIT
//
// Why a process that was asked for is not among the holders.
#pragma once

#include <dmabuf/system.hpp>

#include "report/rights.hpp"

#include <cstdint>
#include <string>

namespace dmabuf_ps {

struct explanation {
    bool could_not_read = false; ///< no such process, or no right; else it holds nothing
    std::string sentence;
};

/// For the three systems that dmabuf_ps asks: this machine, recorded or not, and a recording.
template<dmabuf::system System>
explanation why_not_shown(System system, std::int32_t pid, report::rights const& mine);

} // namespace dmabuf_ps
