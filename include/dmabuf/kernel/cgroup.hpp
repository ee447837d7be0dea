// SPDX-License-Identifier: MIT
//
// /proc/P/cgroup: the cgroup that the memory of a process is charged to.
#pragma once

#include <dmabuf/kernel/process.hpp>

namespace dmabuf {
inline namespace v0 {

namespace detail {

/// The rank of a line of /proc/P/cgroup, the best being 0; see `parse_cgroup()`.
constexpr std::size_t cgroup_rank(std::string_view hierarchy, std::string_view controllers) {
    constexpr std::string_view ranked[] = {"memory", "",    "name=systemd", "pids",
                                           "cpuset", "cpu", "freezer"};
    if (controllers.empty()) return hierarchy == "0" ? 1 : std::size(ranked);
    auto best = std::size(ranked);
    while (!controllers.empty()) {
        auto const one = take_until(controllers, ',');
        for (std::size_t rank = 0; rank < best; ++rank)
            if (rank != 1 && ranked[rank] == one) best = rank;
    }
    return best;
}

} // namespace detail

/// Parses the text of /proc/P/cgroup: the path in one hierarchy, the first in this order that is
/// there and in which the process is not at the root; if it is at the root of all, "/".
///  1. memory (v1), since the memory is charged there
///  2. the unified hierarchy (v2)
///  3. name=systemd, pids, cpuset, cpu, freezer, any other (v1). The controllers then stand before
///     the path, so that nobody takes it for one of the former: "cpuset:/foreground"
/// The path is relative to the root of the reader's cgroup namespace. The path of a removed group
/// ends in " (deleted)". The name of a group cannot hold a newline.
/// Kernel: kernel/cgroup/cgroup.c, proc_cgroup_show().
/// Errors: ENODATA for an empty text: no hierarchy is mounted. EBADMSG for a line of another form,
/// and for a last line without a newline, whose path may be cut off.
/// Lifetime: the path lies in `text`.
constexpr result<std::string_view> parse_cgroup(std::string_view text,
                                                place where = {object::cgroup}) {
    if (text.empty()) return failure{operation::identify, ENODATA, where};
    std::string_view best;
    auto best_rank = static_cast<std::size_t>(-1);
    auto rest = text;
    while (!rest.empty()) {
        auto const offset = static_cast<std::uint32_t>(rest.data() - text.data());
        if (rest.find('\n') == rest.npos) return failure{operation::parse, EBADMSG, where, offset};
        auto path = detail::take_until(rest, '\n');
        auto const hierarchy = detail::take_until(path, ':');
        auto const named = path;
        auto const controllers = detail::take_until(path, ':');
        if (!path.starts_with('/')) return failure{operation::parse, EBADMSG, where, offset};
        auto const rank = detail::cgroup_rank(hierarchy, controllers);
        if (best.empty()) best = path;
        if (path == "/" || rank >= best_rank) continue;
        best = rank <= 1 ? path : named;
        best_rank = rank;
    }
    return best;
}

namespace detail {
/// Whether the text ends with the line of the unified hierarchy. It is the kernel's last: each new
/// hierarchy goes to the front, and that one is there from boot on (kernel/cgroup/cgroup.c,
/// cgroup_setup_root()).
constexpr bool cgroup_is_whole(std::string_view text) {
    if (!text.ends_with('\n')) return false;
    text.remove_suffix(1);
    return text.substr(text.rfind('\n') + 1).starts_with("0::");
}
} // namespace detail

/// Reads /proc/P/cgroup into `space`; see `parse_cgroup()` for the path. World-readable.
/// Cost: three system calls, a fourth where no unified hierarchy is listed; no allocation.
/// Errors: ENOENT or ESRCH where the process is gone; EOVERFLOW where `space` is too small; those
/// of `parse_cgroup()`.
/// Lifetime: the path lies in `space`.
template<system System>
result<std::string_view> read_cgroup(process<System> const& process, std::span<char> space) {
    auto const where = process.at(object::cgroup);
    auto const text = read_file(process.system, process.directory.get(), "cgroup", space, where,
                                detail::cgroup_is_whole);
    if (!text) return text.error();
    return parse_cgroup(*text, where);
}

} // namespace v0
} // namespace dmabuf
