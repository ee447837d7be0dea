// SPDX-License-Identifier: MIT
#include "status.hpp"

#include "pins.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <sys/stat.h>

namespace dmabuf_pin {

namespace {

std::string readers(struct ::stat const& status) {
    if ((status.st_mode & 0004U) != 0) return "everybody";
    if ((status.st_mode & 0040U) != 0 && status.st_gid != 0)
        return fmt::format("root and group {}", status.st_gid);
    return "root";
}

/// The directories on the way that let nobody but root pass.
std::string closed_doors(std::string const& path) {
    std::string text;
    for (std::size_t at = 1; at != path.npos && at <= path.size();) {
        at = path.find('/', at);
        auto const part = path.substr(0, at);
        struct ::stat status{};
        if (::stat(part.c_str(), &status) == 0 && (status.st_mode & 0011U) == 0)
            text += fmt::format("  but {0} lets nobody but root pass: chmod 711 {0}\n", part);
        if (at != path.npos) ++at;
    }
    return text;
}

} // namespace

std::string status_words(std::string const& path) {
    std::string text;
    bool shared = false;
    for (auto const name : pin_names) {
        auto const file = fmt::format("{}/{}", path, name);
        struct ::stat status{};
        if (::stat(file.c_str(), &status) != 0) {
            text += fmt::format("{}: {}\n", file,
                                errno == ENOENT ? "not pinned" : std::strerror(errno));
            continue;
        }
        shared = shared || (status.st_mode & 0044U) != 0;
        text += fmt::format("{}: read by {} (mode {:04o})\n", file, readers(status),
                            status.st_mode & 07777U);
    }
    if (!shared) return text;
    return text + closed_doors(path) +
           "BPF bypasses ptrace checks: whoever may read these sees every process's buffers.\n";
}

} // namespace dmabuf_pin
