// SPDX-License-Identifier: MIT
//
// Why a process that was asked for is not among the holders.
#pragma once

#include <dmabuf/kernel/system.hpp>

#include "replay/replayed_system.hpp"
#include "report/rights.hpp"

#include <cstdint>
#include <string>

namespace dmabuf_ps {

struct explanation {
    bool could_not_read = false; ///< no such process, or no right; else it holds nothing
    std::string sentence;
};

/// For this machine, recorded or not.
template<dmabuf::system System>
explanation why_not_shown(System system, std::int32_t pid, report::rights const& mine,
                          dmabuf::roots const& roots);

/// The same of a recording, which tells the reason only of processes that `--pid` named when it was
/// made.
explanation why_not_shown(replay::replayed_system const& system, std::int32_t pid,
                          report::rights const& mine, dmabuf::roots const& roots);

} // namespace dmabuf_ps
