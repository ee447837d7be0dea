// SPDX-License-Identifier: MIT
//
// stat, status, cgroup and cmdline: the files that tell who a process is.
#include <dmabuf/kernel/cgroup.hpp>
#include <dmabuf/kernel/cmdline.hpp>
#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/kernel/status.hpp>
#include <dmabuf/sampling/platform.hpp>

#include "target.hpp"

#include <string>

void run_target(std::string_view input) {
    auto const within = [&](dmabuf::failure const& why) {
        require(why.error == EBADMSG && why.offset <= input.size(),
                "a failure is EBADMSG, within the text");
    };
    if (auto const stat = dmabuf::parse_stat(input)) {
        auto const begins = std::to_string(stat->pid) + " (";
        require(stat->comm.truncated() || input.find(stat->comm.view()) != input.npos,
                "no comm is made up");
        // Behind where comm can end are numbers, or text that no kernel writes.
        auto const end = input.substr(0, dmabuf::detail::stat_name_ends).rfind(')');
        require(input.find(" (") != input.npos && end != input.npos, "a comm has its parentheses");
        auto const after = input.substr(end + 2);
        require(after.front() == stat->state, "the state follows the last parenthesis");
        require(stat->pid < 0 || input.find(begins.substr(begins.size() - 2)) != input.npos,
                "the pid comes first");
    } else {
        within(stat.error());
    }
    if (auto const status = dmabuf::parse_process_status(input))
        require(input.find(std::to_string(status->uid)) != input.npos, "no uid is made up");
    else
        within(status.error());
    if (auto const cgroup = dmabuf::parse_cgroup(input)) {
        require(cgroup->find('/') != cgroup->npos, "a cgroup has a path");
        require(cgroup->data() >= input.data() &&
                    cgroup->data() + cgroup->size() <= input.data() + input.size(),
                "the path lies in the text");
        require(cgroup->find('\n') == cgroup->npos, "a path is one line");
    } else {
        require(input.empty() == (cgroup.error().error == ENODATA), "no hierarchy is mounted");
        if (!input.empty()) within(cgroup.error());
    }
    auto const arguments = dmabuf::parse_command_line(input);
    require(input.starts_with(arguments) && !arguments.ends_with('\0'),
            "arguments are all but NULs");
    require(input.find_first_not_of('\0', arguments.size()) == input.npos, "none is lost");
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    if (dmabuf::parse_release(input, major, minor))
        require(input.find(std::to_string(minor)) != input.npos, "no release is made up");
}
