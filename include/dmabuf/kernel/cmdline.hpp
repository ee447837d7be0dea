// SPDX-License-Identifier: MIT
//
// /proc/P/cmdline: the arguments of a process.
#pragma once

#include <dmabuf/kernel/process.hpp>

namespace dmabuf {
inline namespace v0 {

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
