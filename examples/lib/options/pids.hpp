// SPDX-License-Identifier: MIT
//
// --pid: the processes that a program is to look at.
#pragma once

#include "options/number.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace command_line {

inline CLI::Option* add_pids(CLI::App& app, std::vector<std::int32_t>& pids,
                             std::string const& description) {
    constexpr range all{1, std::numeric_limits<std::int32_t>::max()};
    auto const take = [&pids, all](std::vector<std::string> const& words) {
        for (auto const& word : words)
            take_number("--pid", word, all, pids.emplace_back());
    };
    return app.add_option_function<std::vector<std::string>>("-p,--pid", take, description)
        ->delimiter(',')
        ->type_name("PID");
}

} // namespace command_line
