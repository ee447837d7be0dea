// SPDX-License-Identifier: MIT
//
// The lines go to standard output, or to a log that grows.
#pragma once

#include <dmabuf/kernel/files.hpp>

#include "options.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace dmabuf_watch {

/// A line that cannot be written is lost, is said to be so once, and ends nothing.
class output {
public:
    explicit output(options const& chosen);

    /// Empty, or why there is no such log. Only a regular file of the caller's is one.
    std::string open();

    /// Whole lines. Before the log grows beyond its limit, it is renamed and begun anew.
    void write(std::string_view lines);

    /// Closes the log, and opens the file that has its name now.
    void reopen();

    /// Whether the reader of standard output has closed it.
    bool has_no_reader();

private:
    [[nodiscard]] bool is_log() const { return !path_.empty(); }
    [[nodiscard]] int fd() const;
    void rotate();
    bool try_write(std::string_view lines);
    void lose(int error);

    std::string path_; ///< empty: standard output
    std::string header_;
    std::uint64_t most_bytes_;
    dmabuf::unique_fd<> file_;
    bool header_due_ = true;
    bool no_reader_ = false;
    std::uint64_t lost_ = 0; ///< writes in a row that failed
};

} // namespace dmabuf_watch
