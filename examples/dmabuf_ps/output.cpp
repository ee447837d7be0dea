// SPDX-License-Identifier: MIT
#include "output.hpp"

#include <cerrno>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dmabuf_ps {

std::optional<std::size_t> terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
    return size.ws_col;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        auto const written = ::write(fd, text.data(), text.size());
        if (written > 0)
            text.remove_prefix(static_cast<std::size_t>(written));
        else if (written == 0 || errno != EINTR)
            return false;
    }
    return true;
}

} // namespace dmabuf_ps
