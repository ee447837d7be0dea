// SPDX-License-Identifier: MIT
//
// The terminal, by ncurses. Nothing else includes curses.h.
#pragma once

#include "grid.hpp"
#include "keys.hpp"
#include "screen.hpp"

#include <optional>
#include <string>
#include <termios.h>

namespace dmabuf_top {

/// Standard input and output as a terminal that shows one screen. However this goes, the terminal
/// is left as it was.
class terminal {
public:
    terminal() = default;
    terminal(terminal const&) = delete;
    terminal& operator=(terminal const&) = delete;
    ~terminal() { stop(); }

    /// Empty, or why there is none. `utf8`: text is UTF-8, else ASCII.
    std::string start(bool utf8, bool colours);
    void stop();

    [[nodiscard]] extent size() const;
    /// The window has another size.
    void resize();

    /// Cost: the cells that differ from those before.
    void draw(grid const& cells);
    /// Draws everything anew next time, whatever other programs wrote meanwhile.
    void forget();

    /// Stops this process, with the terminal as it was. Returns when it is continued.
    void suspend();
    /// After another program had the terminal.
    void resume();

    /// A key that was pressed. Nothing: none is left.
    std::optional<key_code> read();

private:
    void* screen_ = nullptr; ///< ncurses' SCREEN
    ::termios before_{};
};

} // namespace dmabuf_top
