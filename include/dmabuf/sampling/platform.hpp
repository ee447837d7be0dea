// SPDX-License-Identifier: MIT
//
// The facts about this kernel and this caller's rights, asked once before the first sample.
#pragma once

#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/kernel/status.hpp>
#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

/// The answers of `probe()`. They stay true while the program runs and keeps its rights.
struct platform {
    std::uint32_t kernel_major = 0; ///< 0.0 where the release cannot be read
    std::uint32_t kernel_minor = 0;
    visibility proc_shows = visibility::unknown;
    bool shows_caller = true; ///< not in a procfs that pidns= mounts for another pid namespace
    /// /proc numbers processes as the caller does, so that kcmp can be used.
    bool own_pid_namespace = false;

    /// Whether the kernel is older than this version. False where its release is not known.
    [[nodiscard]] constexpr bool before(std::uint32_t major, std::uint32_t minor) const {
        return kernel_major != 0 &&
               (kernel_major != major ? kernel_major < major : kernel_minor < minor);
    }
    /// True where the inodes of DMA-BUFs come from a counter of their own that never wraps. Before
    /// 5.18 it had 32 bits and was shared with pipes and sockets. It still has 32 bits where long
    /// has.
    [[nodiscard]] constexpr bool inodes_are_unique() const {
        return sizeof(long) == 8 && kernel_major != 0 && !before(5, 18);
    }
};

/// Parses the beginning of /proc/sys/kernel/osrelease, "6.12.117+deb12-amd64"; false for any other
/// text. The final newline does not matter: `uname -r` has none.
constexpr bool parse_release(std::string_view text, std::uint32_t& major, std::uint32_t& minor) {
    auto const first = detail::take_until(text, '.');
    std::size_t digits = 0;
    while (digits < text.size() && detail::is_digit(text[digits]))
        ++digits;
    return detail::parse_number(first, major) &&
           detail::parse_number(text.substr(0, digits), minor);
}

namespace detail {

template<system System>
void probe_release(proc_directory<System> const& proc, platform& found) {
    file_space space;
    auto const text = read_file(proc.system, proc.directory.get(), "sys/kernel/osrelease", space,
                                {object::kernel_release});
    if (text && !parse_release(*text, found.kernel_major, found.kernel_minor))
        found.kernel_major = 0;
}

/// Whether a procfs is that of the initial pid namespace, where 2 is kthreadd (init/main.c,
/// rest_init()). No other namespace has a kernel thread: kthreadd makes them all.
/// Cost: five calls.
/// Errors: those of `open_process()` and `read_stat()`, where it cannot be told.
template<system System>
result<bool> has_kernel_threads(proc_directory<System> const& proc) {
    auto const second = open_process(proc, 2);
    auto const stat = second ? read_stat(*second) : result<task_stat>(second.error());
    if (!stat && !stat.error().gone()) return stat.error();
    return stat && stat->kernel_thread();
}

/// The same, asked of the namespace of a caller that this procfs numbers as the caller does.
/// Cost: one call, which everybody may make.
template<system System>
result<bool> is_in_initial_namespace(process<System> const& self) {
    constexpr std::uint64_t initial_pid_namespace =
        0xeffffffc; // PROC_PID_INIT_INO, include/linux/proc_ns.h
    file_status space;
    int const error = uninterrupted_status(self.system, self.directory.get(), "ns/pid", 0, space);
    if (error < 0) return failure{operation::status, -error, {object::pid_namespace}};
    return space.inode == initial_pid_namespace;
}

template<system System>
result<process<System>> open_self(proc_directory<System> const& proc) {
    auto const pid = proc.system.process_id();
    auto directory = open_at(proc.system, proc.directory.get(), "self", O_RDONLY | O_DIRECTORY,
                             {object::process, pid});
    if (!directory) return directory.error();
    return process<System>{proc.system, std::move(directory).value(), pid};
}

/// A procfs belongs to a pid namespace, whoever reads it. That may be another one than the
/// caller's, with other numbers for the same processes. The caller is `self` there; its own number
/// may be that of another process.
template<system System>
void probe_sight(proc_directory<System> const& proc, platform& found) {
    auto const self = open_self(proc);
    found.shows_caller = self || !self.error().gone();
    if (!self && found.shows_caller) return;
    auto const status = self ? read_process_status(*self) : result<process_status>(self.error());
    found.own_pid_namespace = status && status->pid_levels == 1;
    auto const initial =
        found.own_pid_namespace ? is_in_initial_namespace(*self) : has_kernel_threads(proc);
    if (!initial) return;
    if (!*initial && found.own_pid_namespace)
        return void(found.proc_shows = visibility::pid_namespace);
    // init always exists and holds every capability. Where hidepid hides any process from the
    // caller, it hides init, and kthreadd with it.
    file_status init;
    int const error = uninterrupted_status(proc.system, proc.directory.get(), "1", 0, init);
    if (error == 0)
        found.proc_shows = *initial ? visibility::everything : visibility::pid_namespace;
    if (error == -ENOENT) found.proc_shows = visibility::hidden;
}

} // namespace detail

/// Asks the kernel for its release, and for the part of the system that /proc shows.
/// Cost: about 12 system calls, 18 where this procfs numbers processes otherwise than the caller;
/// no allocation.
template<system System>
platform probe(proc_directory<System> const& proc) {
    platform found;
    detail::probe_release(proc, found);
    detail::probe_sight(proc, found);
    return found;
}

} // namespace v0
} // namespace dmabuf
