// SPDX-License-Identifier: MIT
//
// The kernel's measure of how long tasks wait for memory (PSI), and its event when that is too
// long. Kernel: Documentation/accounting/psi.rst, kernel/sched/psi.c; triggers since 5.2.
#pragma once

#include <dmabuf/kernel/files.hpp>

#include "options.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace lowmem_capture {

/// Why there is no trigger. `unsupported`: this kernel has none for anybody.
struct no_trigger {
    std::string why;
    bool unsupported = false;
};

/// Armed for as long as it lives. The kernel signals POLLPRI on `fd()` at most once in a window,
/// and POLLERR when the cgroup was removed.
class trigger {
public:
    static std::variant<trigger, no_trigger> arm(options const& chosen);

    [[nodiscard]] int fd() const { return file_.get(); }
    /// The kernel's file.
    [[nodiscard]] std::string const& path() const { return path_; }
    /// As it was armed: "some 150000 1000000", microseconds.
    [[nodiscard]] std::string const& text() const { return text_; }

private:
    dmabuf::unique_fd<> file_;
    std::string path_;
    std::string text_;
};

} // namespace lowmem_capture
