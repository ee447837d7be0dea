// SPDX-License-Identifier: MIT
//
// /proc/P/status: the effective user of a process, and how many pid namespaces deep it is.
#pragma once

#include <dmabuf/kernel/process.hpp>

namespace dmabuf {
inline namespace v0 {

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

} // namespace v0
} // namespace dmabuf
