// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <dmabuf/system.hpp>

#include "report/write_all.hpp"

#include <array>
#include <cerrno>
#include <cstdio>

namespace dmabuf_ps {

std::optional<std::string> read_file(std::string const& path) {
    dmabuf::live_system const system;
    dmabuf::unique_fd<> const file(system, ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return std::nullopt;
    std::string text;
    std::array<char, 65536> piece;
    for (;;) {
        long const got =
            dmabuf::detail::uninterrupted([&] { return system.read(file.get(), piece); });
        if (got < 0) return errno = static_cast<int>(-got), std::nullopt;
        if (got == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
}

bool write_file(std::string const& path, std::string_view text) {
    auto const beside = path + ".part";
    int const fd =
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return false;
    bool const written = report::write_all(fd, text);
    int const error = errno;
    bool const closed = ::close(fd) == 0;
    if (written && closed) return std::rename(beside.c_str(), path.c_str()) == 0;
    if (!written) errno = error;
    int const kept = errno;
    ::unlink(beside.c_str());
    errno = kept;
    return false;
}

} // namespace dmabuf_ps
