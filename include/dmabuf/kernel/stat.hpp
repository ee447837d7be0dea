// SPDX-License-Identifier: MIT
//
// /proc/P/stat: name, state and start of a process or a task.
#pragma once

#include <dmabuf/kernel/process.hpp>
#include <dmabuf/names.hpp>

namespace dmabuf {
inline namespace v0 {

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
            at += *at == ' ' ? 1 : 0;
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

} // namespace v0
} // namespace dmabuf
