// SPDX-License-Identifier: MIT
//
// Runs another program and makes a chosen call of its bpf(2) fail.
#pragma once

#include "../systems/followed_calls.hpp"
#include "scene.hpp"

#include <fcntl.h>
#include <sys/wait.h>

namespace scene {

/// The status of a program, and the commands that it gave to bpf(2), in order.
struct bpf_run {
    int status = -1;
    std::vector<int> commands;
};

/// Runs `words`, with both outputs in the file `output`; the call `which` (from 0) fails with
/// `error`.
inline bpf_run run_failing_bpf(std::vector<std::string> const& words, char const* output,
                               std::size_t which, int error) {
    followed_calls calls({SYS_bpf});
    pid_t const pid = lab::check(::fork(), "fork");
    if (pid == 0) {
        int const file = ::open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ::dup2(file, STDOUT_FILENO);
        ::dup2(file, STDERR_FILENO);
        calls.hand_over();
        std::vector<char*> arguments;
        for (auto const& word : words)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    bpf_run done;
    calls.follow(pid, [&](seccomp_notif const& call) {
        bool const fails = done.commands.size() == which;
        done.commands.push_back(static_cast<int>(call.data.args[0]));
        return fails ? error : 0;
    });
    int status = 0;
    lab::check(::waitpid(pid, &status, 0), "waitpid");
    done.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return done;
}

} // namespace scene
