// SPDX-License-Identifier: MIT
//
// Events that wake the program: the time for a look, keys, signals.
#pragma once

#include <dmabuf/kernel/files.hpp>

#include <cstdint>

namespace dmabuf_top {

enum class wake : std::uint8_t {
    tick,    ///< it is time for a look
    key,     ///< keys can be read
    resized, ///< SIGWINCH
    suspend, ///< SIGTSTP: Ctrl-Z
    resumed, ///< SIGCONT
    over,    ///< SIGTERM, SIGINT, SIGHUP, SIGQUIT, or the terminal is gone
    failed,  ///< waiting itself, with errno
};

class events {
public:
    /// Returns 0, or an errno. `keys`: standard input is a terminal, and Ctrl-Z is told.
    int start(std::uint64_t every_ns, bool keys);

    wake wait();

    /// After keys were to be read: whether there were any. Ends of file are told apart by it.
    void note_keys(bool any) { empty_reads_ = any ? 0 : empty_reads_ + 1; }

private:
    wake take_signal();

    dmabuf::unique_fd<> timer_, signals_;
    bool keys_ = false;
    unsigned empty_reads_ = 0; ///< in a row
};

} // namespace dmabuf_top
