// SPDX-License-Identifier: MIT
//
// A program from its options to its exit status.
#pragma once

#include "options/last_words.hpp"

#include <csignal>
#include <string_view>
#include <variant>

namespace command_line {

/// Calls `run` with the options, or prints the last words. A closed pipe is an error like any other
/// then, and so is a file that may not grow.
template<class Options, class Run>
int run_program(std::string_view name, parsed<Options> const& parsed, Run run) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    if (auto const* const words = std::get_if<last_words>(&parsed)) return print(name, *words);
    return run(std::get<Options>(parsed));
}

} // namespace command_line
