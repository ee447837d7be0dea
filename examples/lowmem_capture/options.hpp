// SPDX-License-Identifier: MIT
//
// The command line.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "options/last_words.hpp"

#include <cstdint>
#include <string>

namespace lowmem_capture {

struct options {
    std::string directory; ///< of the captures
    std::size_t keep = 8;
    std::string cgroup;             ///< directory; empty: the whole system
    std::string level = "some";     ///< or "full"
    std::uint64_t stall_ms = 70;    ///< in a window
    std::uint64_t window_ms = 1000; ///< kernel: 500 to 10,000
    double cooldown_seconds = 10;   ///< after a capture
    bool once = false;
    bool test = false;             ///< capture now, and wait for nothing
    bool require_complete = false; ///< else a capture with gaps is a success
    bool no_mappings = false;
    bool names = false;
    std::size_t buffers = 8192; ///< to have room for
    int oom_score_adj = -1000;
    bool no_realtime = false;
    dmabuf::source source = dmabuf::source::none; ///< `none`: the best
    dmabuf::roots roots;
};

command_line::parsed<options> parse_options(int count, char const* const* arguments);

} // namespace lowmem_capture
