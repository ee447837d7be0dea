// SPDX-License-Identifier: MIT
//
// Processes as open directories of /proc, and their listings: tasks, descriptors.
#pragma once

#include <dmabuf/kernel/number_directory.hpp>

#include <array>

namespace dmabuf {
inline namespace v0 {

/// Space for one /proc file that is read whole.
using file_space = std::array<char, 1024>;

/// An open procfs.
template<system System = live_system>
struct proc_directory {
    [[no_unique_address]] System system;
    unique_fd<System> directory;

    // Clang 16 writes beside an aggregate that begins with an empty member, where it is a member
    // itself and empty braces are its initializer: so this has constructors.
    proc_directory() = default;
    proc_directory(System its, unique_fd<System> opened)
        : system(its)
        , directory(std::move(opened)) {}
};

/// A process as the open directory /proc/P. The directory stays that of the process when the number
/// is used again: every path relative to it then answers ESRCH or ENOENT.
template<system System = live_system>
struct process {
    [[no_unique_address]] System system;
    unique_fd<System> directory;
    std::int32_t pid = 0;

    // Constructors for the reason of proc_directory.
    process() = default;
    process(System its, unique_fd<System> opened, std::int32_t number)
        : system(its)
        , directory(std::move(opened))
        , pid(number) {}

    /// A file of this process, of one of its tasks or descriptors, as failures name it.
    [[nodiscard]] place at(object what, std::int32_t tid = 0, std::int32_t fd = -1) const {
        return {what, pid, tid, fd, 0};
    }
};

/// Opens procfs.
/// Cost: two system calls.
/// Errors: ENOENT where there is no such directory, ENODEV where it is not a procfs.
template<system System = live_system>
result<proc_directory<System>> open_proc(System system = {}, char const* path = "/proc") {
    constexpr long proc_magic = 0x9fa0; // PROC_SUPER_MAGIC, include/uapi/linux/magic.h
    auto directory = open_at(system, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, {});
    if (!directory) return directory.error();
    long const magic = detail::uninterrupted_filesystem_type(system, directory->get());
    if (magic < 0) return failure{operation::statfs, static_cast<int>(-magic), {}};
    if (magic != proc_magic) return failure{operation::identify, ENODEV, {}};
    return proc_directory<System>{system, std::move(directory).value()};
}

/// Opens /proc/P.
/// Cost: one system call.
/// Errors: ENOENT where there is no such process, or where hidepid=2 hides it.
template<system System>
result<process<System>> open_process(proc_directory<System> const& proc, std::int32_t pid) {
    auto directory = open_at(proc.system, proc.directory.get(), detail::path(pid).c_str(),
                             O_RDONLY | O_DIRECTORY, {object::process, pid});
    if (!directory) return directory.error();
    return process<System>{proc.system, std::move(directory).value(), pid};
}

/// Opens P in the procfs at `path`.
/// Cost: four system calls.
/// Errors: those of `open_proc()`, and of `open_process()` with a procfs.
template<system System = live_system>
result<process<System>> open_process(std::int32_t pid, System system = {},
                                     char const* path = "/proc") {
    auto const proc = open_proc(system, path);
    if (!proc) return proc.error();
    return open_process(*proc, pid);
}

/// The pids that /proc shows to this caller, in ascending order: one for each thread group.
/// Cost: one open, one getdents64 per bufferful and one that sees the end, one close.
/// Errors: one item that ends the range.
/// Lifetime: `proc` must outlive the range.
template<system System>
number_directory<std::int32_t, System> read_processes(proc_directory<System> const& proc,
                                                      read_space space = {}) {
    return {proc.system, proc.directory.get(), {"."}, {object::proc}, std::move(space)};
}
template<system System>
void read_processes(proc_directory<System> const&& proc, read_space space = {}) = delete;

/// The tasks of a process, the leader first.
/// Kernel: /proc/P/task.
/// Cost: one open, one getdents64 per bufferful and one that sees the end, one close.
/// Errors: one item that ends the range.
/// Lifetime: `process` must outlive the range.
template<system System>
number_directory<std::int32_t, System> read_tasks(process<System> const& process,
                                                  read_space space = {}) {
    return {process.system,
            process.directory.get(),
            {"task"},
            process.at(object::task_directory),
            std::move(space)};
}
template<system System>
void read_tasks(process<System> const&& process, read_space space = {}) = delete;

/// The open descriptor numbers of a task's table.
/// Kernel: /proc/P/task/T/fd, mode 0500: for the owner, or with CAP_DAC_READ_SEARCH.
/// Cost: one open, one getdents64 per bufferful and one that sees the end, one close.
/// Errors: one item that ends the range.
/// Lifetime: `process` must outlive the range.
template<system System>
number_directory<std::int32_t, System> read_fds(process<System> const& process, std::int32_t tid,
                                                read_space space = {}) {
    return {process.system,
            process.directory.get(),
            {"task/", tid, "/fd"},
            process.at(object::fd_directory, tid),
            std::move(space)};
}
template<system System>
void read_fds(process<System> const&& process, std::int32_t tid, read_space space = {}) = delete;

/// The open descriptor numbers of a task's table, by way of fdinfo.
/// Kernel: /proc/P/task/T/fdinfo, which asks PTRACE_MODE_READ_FSCREDS since 5.14; before that it is
/// for the owner only.
/// Cost: one open, one getdents64 per bufferful and one that sees the end, one close.
/// Errors: one item that ends the range.
/// Lifetime: `process` must outlive the range.
template<system System>
number_directory<std::int32_t, System> read_fdinfos(process<System> const& process,
                                                    std::int32_t tid, read_space space = {}) {
    return {process.system,
            process.directory.get(),
            {"task/", tid, "/fdinfo"},
            process.at(object::fdinfo_directory, tid),
            std::move(space)};
}
template<system System>
void read_fdinfos(process<System> const&& process, std::int32_t tid,
                  read_space space = {}) = delete;

} // namespace v0
} // namespace dmabuf
