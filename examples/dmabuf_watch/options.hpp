// SPDX-License-Identifier: MIT
//
// The command line.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "options/last_words.hpp"
#include "selection/criteria.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dmabuf_watch {

enum class output_format : std::uint8_t { text, ndjson, csv };

struct options {
    std::uint64_t every_ns = 1'000'000'000;
    std::uint64_t for_ns = 0;  ///< 0: until a signal
    bool leaks = false;        ///< tell of growth alone
    bool until_growth = false; ///< end there
    output_format format = output_format::text;
    std::string log;                  ///< file; empty: standard output
    std::uint64_t log_bytes = 0;      ///< 0: of any size
    std::string record;               ///< file for a recording at an alarm; empty: none
    std::vector<std::string> command; ///< program and arguments for an alarm; empty: none
    std::uint64_t alarm_every_ns = 60'000'000'000; ///< recordings and programs, at most
    std::vector<std::string> replay; ///< recordings in place of this system, in their order
    std::vector<std::int32_t> pids;  ///< empty: all
    bool alone = false;              ///< look at no other process than the one of `pids`
    selection::criteria wanted;
    dmabuf::source source = dmabuf::source::none;
    dmabuf::roots roots;
    bool no_debugfs = false;
};

command_line::parsed<options> parse_options(int count, char const* const* arguments);

} // namespace dmabuf_watch
