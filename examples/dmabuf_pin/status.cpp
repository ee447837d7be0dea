// SPDX-License-Identifier: MIT
#include "status.hpp"

#include "pins.hpp"
#include "watch_record.hpp"

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

/// Names the readers of a file. `shared` becomes true where there are others than root.
std::string line_of(std::string const& file, bool& shared) {
    struct ::stat status{};
    if (::stat(file.c_str(), &status) != 0)
        return fmt::format("{}: {}\n", file, errno == ENOENT ? "not pinned" : std::strerror(errno));
    shared = shared || (status.st_mode & 0044U) != 0;
    return fmt::format("{}: read by {} (mode {:04o})\n", file, readers(status),
                       status.st_mode & 07777U);
}

std::string missed_words(std::uint64_t begins, std::uint64_t ends) {
    if (begins == DMABUF_BPF_UNKNOWN || ends == DMABUF_BPF_UNKNOWN)
        return "this kernel does not tell how many events were missed";
    return fmt::format("{} missed when they began, {} when they ended", begins, ends);
}

/// A sentence on the gaps of a file of the watch. Empty where the caller may not read the file.
std::string watch_words(std::string const& file) {
    auto const found = summarize(file);
    if (!found) return {};
    auto const& watch = found->watch;
    std::string const entries = watch.failed_entries == 0
                                    ? ""
                                    : fmt::format(", {} for other reasons", watch.failed_entries);
    std::string const left =
        watch.failed_removals == 0 ? "" : fmt::format(", {} left over", watch.failed_removals);
    return fmt::format("  since {:.0f} s after boot, {} of {} records; not entered: {} for want "
                       "of room{}; {}{}\n",
                       static_cast<double>(watch.since_ns) / 1e9, found->records, watch.room,
                       watch.no_room, entries, missed_words(watch.missed_begins, watch.missed_ends),
                       left);
}

} // namespace

std::string status_words(std::string const& path) {
    std::string text;
    bool shared = false;
    for (auto const name : pin_names)
        text += line_of(fmt::format("{}/{}", path, name), shared);
    for (auto const name : origin_names) {
        auto const file = fmt::format("{}/{}", path, name);
        text += line_of(file, shared) + watch_words(file);
    }
    if (!shared) return text;
    return text + closed_doors(path) +
           "BPF bypasses ptrace checks: whoever may read these sees every process's buffers.\n";
}

} // namespace dmabuf_pin
