// SPDX-License-Identifier: MIT
//
// The command line.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "options/last_words.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dmabuf_exporter {

struct options {
    std::vector<std::string> listen;               ///< ADDRESS:PORT; empty: loopback
    std::string textfile;                          ///< file in place of HTTP; empty: none
    bool once = false;                             ///< one file, and the end
    std::uint64_t every_ns = 10'000'000'000;       ///< looks for growth, and files
    std::uint64_t min_interval_ns = 1'000'000'000; ///< a younger sample serves a scrape again
    std::uint64_t time_limit_ns = 5'000'000'000;   ///< for the sample of a scrape
    std::uint32_t top_processes = 0;
    std::uint32_t top_cgroups = 60;
    std::vector<std::string> replay; ///< recordings in place of this system, in their order
    dmabuf::source source = dmabuf::source::none;
    dmabuf::roots roots;
    bool no_debugfs = false;
};

command_line::parsed<options> parse_options(int count, char const* const* arguments);

} // namespace dmabuf_exporter
