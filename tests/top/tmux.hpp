// SPDX-License-Identifier: MIT
//
// dmabuf_top in a terminal of tmux: keys are typed, and screens are read.
#pragma once

#include "scratch.hpp"

#include <string>
#include <vector>

namespace top {

/// Whether tmux is there. Tests without it are left out.
bool has_tmux();

/// A tmux server of its own, with one window in which a shell runs.
class tmux {
public:
    explicit tmux(std::size_t width = 80, std::size_t height = 24,
                  std::vector<std::string> const& environment = {});
    tmux(tmux const&) = delete;
    tmux& operator=(tmux const&) = delete;
    ~tmux();

    /// Types a command line into the shell.
    void run(std::string const& command);
    /// Types keys, by tmux's names: "Down", "F6", "C-z", "q".
    void press(std::vector<std::string> keys);
    void resize(std::size_t width, std::size_t height);

    /// The screen, without blanks at the ends of lines and without empty lines at its end.
    [[nodiscard]] std::string text() const;
    /// Waits for a screen that has this text. Fails after some seconds.
    std::string await(std::string const& part) const;
    /// Waits for a screen that lacks it.
    std::string await_gone(std::string const& part) const;

    [[nodiscard]] std::string path(std::string const& name) const {
        return there_.path() + "/" + name;
    }

private:
    std::string call(std::vector<std::string> words) const;
    std::string await(std::string const& part, bool there) const;

    programs::scratch there_;
};

} // namespace top
