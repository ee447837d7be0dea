// SPDX-License-Identifier: MIT
//
// Processes and their tasks: the listings of /proc and /proc/P/task, and the facts about a process
// (stat, status, cgroup, cmdline).
#pragma once

#include <dmabuf/kernel/readers.hpp>
#include <dmabuf/names.hpp>

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
};

/// A process as the open directory /proc/P. The directory stays that of the process when the number
/// is used again: every path relative to it then answers ESRCH or ENOENT.
template<system System = live_system>
struct process {
    [[no_unique_address]] System system;
    unique_fd<System> directory;
    std::int32_t pid = 0;

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

/// The fields of /proc/P/stat that the library uses.
/// Kernel: fs/proc/array.c, do_task_stat().
struct task_stat {
    std::int32_t pid = 0;
    process_name comm; ///< raw bytes that the process chose
    char state = '?';
    std::int32_t parent = 0;
    std::uint32_t flags = 0; ///< PF_*
    std::int32_t threads = 0;
    std::uint64_t start_ticks = 0; ///< since boot, in units of 1/sysconf(_SC_CLK_TCK) s

    /// PF_KTHREAD.
    [[nodiscard]] constexpr bool kernel_thread() const { return (flags & 0x00200000U) != 0; }
    /// The descriptor table may be gone already: PF_EXITING is set before exit_files().
    [[nodiscard]] constexpr bool exiting() const {
        return (flags & 0x4U) != 0 || state == 'Z' || state == 'X' || state == 'x';
    }
};

namespace detail {
/// An offset behind the end of comm, which follows a number and has at most 64 bytes, a kernel
/// worker's (fs/proc/array.c, proc_task_name()).
inline constexpr std::size_t stat_name_ends = 80;
} // namespace detail

/// Parses the text of /proc/P/stat. `comm` may hold anything: blanks, parentheses, newlines. It
/// ends at the last parenthesis, since only numbers follow.
/// Errors: EBADMSG with the offset of the field that does not fit. Also for a text without the
/// final newline, whose last number may be cut off.
constexpr result<task_stat> parse_stat(std::string_view text, place where = {object::stat}) {
    auto const bad = [&](std::string_view from) {
        return failure{operation::parse, EBADMSG, where,
                       static_cast<std::uint32_t>(from.data() - text.data())};
    };
    auto const head = text.substr(0, detail::stat_name_ends);
    auto const open = head.find(' ');
    auto close = head.npos;
    for (auto next = head.find(')'); next != head.npos; next = head.find(')', next + 1))
        close = next;
    if (open == head.npos || close == head.npos || close < open + 2 || head[open + 1] != '(' ||
        !text.substr(close + 1).starts_with(' '))
        return bad(text);

    task_stat stat;
    if (!detail::parse_number(text.substr(0, open), stat.pid)) return bad(text);
    stat.comm.append(text.substr(open + 2, close - open - 2));
    if (!text.ends_with('\n')) return bad(text.substr(text.size()));

    // proc(5) numbers the fields. The first two are behind. All end at the newline.
    char const* at = text.data() + close + 1;
    auto const next = [&](int skipped) -> std::string_view {
        for (;; --skipped) {
            if (*at == ' ') ++at;
            char const* const begin = at;
            while (*at > ' ')
                ++at;
            if (skipped == 0 || at == begin) return {begin, static_cast<std::size_t>(at - begin)};
        }
    };
    auto field = next(0);
    if (field.size() != 1) return bad(field);
    stat.state = field[0];
    if (field = next(0); !detail::parse_number(field, stat.parent)) return bad(field);
    if (field = next(4); !detail::parse_number(field, stat.flags)) return bad(field);
    if (field = next(10); !detail::parse_number(field, stat.threads)) return bad(field);
    if (field = next(1); !detail::parse_number(field, stat.start_ticks)) return bad(field);
    return stat;
}

namespace detail {
/// A newline before `stat_name_ends` may belong to comm.
constexpr bool stat_is_whole(std::string_view text) {
    return text.ends_with('\n') && text.size() > stat_name_ends;
}

template<system System>
result<task_stat> read_stat_at(System const& system, int directory, char const* path,
                               place const& where) {
    file_space space;
    auto const text = read_file(system, directory, path, space, where, stat_is_whole);
    if (!text) return text.error();
    return parse_stat(*text, where);
}
} // namespace detail

/// Reads /proc/P/stat, or with a `tid` that of one task. World-readable except under hidepid.
/// Cost: three system calls, no allocation.
/// Errors: ENOENT or ESRCH where the process or task is gone; those of `parse_stat()`.
template<system System>
result<task_stat> read_stat(process<System> const& process, std::int32_t tid = 0) {
    auto const where = process.at(object::stat, tid);
    int const directory = process.directory.get();
    if (tid == 0) return detail::read_stat_at(process.system, directory, "stat", where);
    return detail::read_stat_at(process.system, directory,
                                detail::path("task/", tid, "/stat").c_str(), where);
}

/// Reads the stat of one task of any process. Where the number is another task's by now, it is that
/// one's stat.
/// Cost: three system calls, no allocation.
/// Errors: those of `read_stat()`.
template<system System>
result<task_stat> read_task_stat(proc_directory<System> const& proc, std::int32_t tid) {
    return detail::read_stat_at(proc.system, proc.directory.get(),
                                detail::path(tid, "/task/", tid, "/stat").c_str(),
                                {object::stat, tid, tid});
}

/// The fields of /proc/P/status that the account needs.
/// Kernel: fs/proc/array.c, proc_pid_status().
struct process_status {
    std::uint32_t uid = 0; ///< effective, as ps shows it
    /// Numbers in `NSpid:`. 1: the process is in the pid namespace of this procfs. 0: unknown.
    std::uint32_t pid_levels = 0;
};

/// Takes the text of /proc/P/status in pieces of any size. `NSpid:` comes behind `Groups:`, which
/// can be long (up to 65,536 numbers). `Name:` cannot imitate a line, since the kernel escapes
/// newlines there.
template<class = detail::if_called>
class basic_process_status_parser {
public:
    constexpr explicit basic_process_status_parser(place where = {object::process_status})
        : where_(where) {}

    /// Takes the next bytes of the file, wherever a read has cut them.
    constexpr void feed(std::string_view piece) {
        while (!piece.empty() && !bad_) {
            auto const newline = piece.find('\n');
            bool const ends = newline != piece.npos;
            auto const part = piece.substr(0, newline);
            line_.append(part);
            for (char const c : part)
                tabs_ += c == '\t';
            if (ends) end_line();
            auto const taken = part.size() + (ends ? 1 : 0);
            offset_ += static_cast<std::uint32_t>(taken);
            piece.remove_prefix(taken);
        }
    }

    /// True once all fields are read, or the text is bad. The rest need not be fed.
    [[nodiscard]] constexpr bool done() const { return bad_ || status_.pid_levels != 0; }

    /// The fields that were read. The end of the text may be missing.
    /// Errors: EBADMSG where there is no complete `Uid:` line.
    constexpr result<process_status> finish() const {
        if (found_ && !bad_) return status_;
        return failure{operation::parse, EBADMSG, where_, offset_};
    }

private:
    constexpr void end_line() {
        auto line = line_.view();
        auto const key = detail::take_until(line, '\t');
        if (key == "Uid:" && !found_) {
            (void)detail::take_until(line, '\t'); // the real uid
            found_ = detail::parse_number(detail::take_until(line, '\t'), status_.uid);
            bad_ = !found_;
        }
        if (key == "NSpid:") status_.pid_levels = tabs_;
        line_ = {};
        tabs_ = 0;
    }

    place where_;
    process_status status_;
    inline_text<63> line_;   ///< the beginning of the line; it holds the four numbers of `Uid:`
    std::uint32_t tabs_ = 0; ///< in the whole line: one before each number of `NSpid:`
    std::uint32_t offset_ = 0;
    bool found_ = false;
    bool bad_ = false;
};

using process_status_parser = basic_process_status_parser<>;

/// Parses the text of /proc/P/status. The end may be missing: a last line without its newline is
/// ignored. Pure; no allocation.
/// Errors: EBADMSG where there is no complete `Uid:` line.
template<class = detail::if_called>
constexpr result<process_status> parse_process_status(std::string_view text,
                                                      place where = {object::process_status}) {
    process_status_parser parser(where);
    parser.feed(text);
    return parser.finish();
}

/// Reads /proc/P/status as far as `NSpid:`.
/// Cost: one open, one read per 4 KiB, one close; without `NSpid:` (CONFIG_PID_NS) one more read
/// that sees the end. No allocation.
/// Errors: ENOENT or ESRCH where the process is gone; EACCES or EPERM under hidepid; EBADMSG.
template<system System>
result<process_status> read_process_status(process<System> const& process) {
    auto const where = process.at(object::process_status);
    auto const file = open_at(process.system, process.directory.get(), "status", O_RDONLY, where);
    if (!file) return file.error();
    process_status_parser parser(where);
    for (std::array<char, 4096> space; !parser.done();) {
        long const got = detail::uninterrupted_read(process.system, file->get(), space);
        if (got < 0) return failure{operation::read, static_cast<int>(-got), where};
        if (got == 0) break;
        parser.feed(detail::text_at(space.data(), static_cast<std::size_t>(got)));
    }
    return parser.finish();
}

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

/// Reads /proc/P/cgroup into `space`; see `parse_cgroup()` for the path. World-readable.
/// Cost: four system calls, no allocation.
/// Errors: ENOENT or ESRCH where the process is gone; EOVERFLOW where `space` is too small; those
/// of `parse_cgroup()`.
/// Lifetime: the path lies in `space`.
template<system System>
result<std::string_view> read_cgroup(process<System> const& process, std::span<char> space) {
    auto const where = process.at(object::cgroup);
    auto const text = read_file(process.system, process.directory.get(), "cgroup", space, where);
    if (!text) return text.error();
    return parse_cgroup(*text, where);
}

/// The arguments of a process, as it shows them itself: it may write there whatever it likes.
struct command_line {
    std::string_view arguments; ///< raw bytes, a NUL between two arguments: print `escape()`d
    bool cut = false;           ///< there is more behind them
};

/// Takes the arguments out of the text of /proc/P/cmdline. NULs at the end are left out: one ends
/// the last argument, and a process that shortens its title leaves many. Pure; no allocation.
/// Errors: none. Any bytes may stand there.
/// Lifetime: the arguments lie in `text`.
constexpr std::string_view parse_command_line(std::string_view text) {
    return text.substr(0, text.find_last_not_of('\0') + 1); // npos + 1 is 0
}

/// Reads /proc/P/cmdline into `space`, and cuts a text that does not fit. A kernel thread and a
/// zombie have no arguments. World-readable except under hidepid.
/// Kernel: fs/proc/base.c, get_mm_cmdline(). Before 4.2 the kernel itself cuts at a page.
/// Cost: one open, a read or more, one that sees the end or a further byte, one close. No
/// allocation. It reads the memory of the process: it can wait for pages that were swapped out.
/// Errors: ENOENT or ESRCH where the process is gone; those of openat(2) and read(2).
/// Lifetime: the arguments lie in `space`.
template<system System>
result<command_line> read_command_line(process<System> const& process, std::span<char> space) {
    auto const where = process.at(object::command_line);
    auto const file = open_at(process.system, process.directory.get(), "cmdline", O_RDONLY, where);
    if (!file) return file.error();
    auto const text = read_some(process.system, file->get(), space, where);
    if (!text) return text.error();
    long more = 0;
    if (char next = 0; text->size() == space.size())
        more = detail::uninterrupted_read(process.system, file->get(), std::span(&next, 1));
    if (more < 0) return failure{operation::read, static_cast<int>(-more), where};
    return command_line{parse_command_line(*text), more != 0};
}

} // namespace v0
} // namespace dmabuf
