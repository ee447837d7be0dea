// SPDX-License-Identifier: MIT
//
// The command line.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "options/last_words.hpp"

#include <string>
#include <vector>

namespace dmabuf_report {

struct options {
    std::string output;              ///< file; `-`: standard output
    std::vector<std::string> replay; ///< files and directories in place of this system
    bool anonymise = false;
    dmabuf::source source = dmabuf::source::none;
    dmabuf::roots roots;
    bool no_debugfs = false;
};

command_line::parsed<options> parse_options(int count, char const* const* arguments);

} // namespace dmabuf_report
