// SPDX-License-Identifier: MIT
//
// Runs a program and keeps what it says.
#pragma once

#include "replay/support.hpp"

#include <functional>
#include <string>
#include <vector>

namespace programs {

struct answer {
    int status = -1; ///< or minus the signal that ended it
    std::string out, err;
};

/// `prepare` is called in the program's process before it executes.
answer run(std::vector<std::string> words, std::function<void()> const& prepare = {});

/// dmabuf_ps, replaying.
answer replayed(replay::recording const& recording, std::vector<std::string> const& options,
                std::function<void()> const& prepare = {});

/// dmabuf_ps, comparing two files of these texts.
answer compared(std::string const& older, std::string const& newer,
                std::vector<std::string> const& options);

} // namespace programs
