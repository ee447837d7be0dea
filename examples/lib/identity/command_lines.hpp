// SPDX-License-Identifier: MIT
//
// Command lines of processes that a snapshot holds.
#pragma once

#include <dmabuf/kernel/cmdline.hpp>
#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/snapshot.hpp>

#include <array>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace identity {

struct command_line {
    std::string arguments; ///< raw bytes, a NUL between two arguments
    bool cut = false;      ///< there is more behind them
};

/// Those that were read, by process: a later process of the same number has another start time.
class command_lines {
public:
    void keep(dmabuf::holder const& who, command_line line) {
        lines_[{who.pid, who.start_ticks}] = std::move(line);
    }
    /// Null where it was not read: the process ended, or may not be looked at.
    [[nodiscard]] command_line const* of(dmabuf::holder const& who) const {
        auto const found = lines_.find({who.pid, who.start_ticks});
        return found == lines_.end() ? nullptr : &found->second;
    }

private:
    std::map<std::pair<std::int32_t, std::uint64_t>, command_line> lines_;
};

/// More is cut: a page tells ten processes of one name apart.
inline constexpr std::size_t longest_command_line = 4096;

/// The command lines of these processes, as they are now.
/// Cost: nine calls for each process.
template<dmabuf::system System>
command_lines read_command_lines(System system, std::span<dmabuf::holder const* const> processes) {
    command_lines lines;
    auto const proc = dmabuf::open_proc(system);
    if (!proc) return lines;
    std::array<char, longest_command_line> space;
    for (auto const* who : processes) {
        auto const process = dmabuf::open_process(*proc, who->pid);
        if (!process) continue;
        // The start time is asked first: from then on, the open directory is of this process alone.
        auto const stat = dmabuf::read_stat(*process);
        if (!stat || stat->start_ticks != who->start_ticks) continue;
        if (auto const line = dmabuf::read_command_line(*process, space))
            lines.keep(*who, {std::string(line->arguments), line->cut});
    }
    return lines;
}

/// The arguments one by one, raw. The last one is not empty.
inline std::vector<std::string_view> arguments_of(command_line const& line) {
    std::vector<std::string_view> all;
    for (std::string_view rest = line.arguments; !rest.empty();)
        all.push_back(dmabuf::detail::take_until(rest, '\0'));
    return all;
}

} // namespace identity
