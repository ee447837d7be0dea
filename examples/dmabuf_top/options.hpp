// SPDX-License-Identifier: MIT
//
// The command line.
#pragma once

#include <dmabuf/sampling/options.hpp>

#include "options/last_words.hpp"
#include "report/rights.hpp"
#include "selection/criteria.hpp"
#include "view.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dmabuf_top {

struct options {
    std::uint64_t every_ns = 1'000'000'000;
    bool paused = false;     ///< to begin with
    std::uint32_t batch = 0; ///< screens to print; 0: a terminal
    view first = view::processes;
    std::string sort;                ///< title of a column of that view; empty: the usual one
    std::string filter;              ///< of that view
    std::vector<std::string> replay; ///< recordings in place of this system, in their order
    std::string record = "dmabuf_top.recording"; ///< the beginning of the names of recordings
    std::vector<std::int32_t> pids;              ///< empty: all
    selection::criteria wanted;
    dmabuf::source source = dmabuf::source::none;
    dmabuf::roots roots;
    bool no_debugfs = false;
};

command_line::parsed<options> parse_options(int count, char const* const* arguments);

/// All that the tables show is asked for.
dmabuf::sample_options sampling(options const& chosen, report::rights const& mine);

} // namespace dmabuf_top
