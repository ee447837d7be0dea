// SPDX-License-Identifier: MIT
//
// Runs another program and makes chosen calls of its bpf(2) fail.
// Kernel: SECCOMP_RET_USER_NOTIF, since 5.5 with SECCOMP_USER_NOTIF_FLAG_CONTINUE.
#pragma once

#include "scene.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace scene {

/// What became of a program, and the commands that it gave to bpf(2), in order.
struct bpf_run {
    int status = -1;
    std::vector<int> commands;
};

/// Runs `words`, with both outputs in the file `output`; the call `which` (from 0) fails with
/// `error`.
inline bpf_run run_failing_bpf(std::vector<std::string> const& words, char const* output,
                               std::size_t which, int error) {
    auto sockets = lab::make_socket_pair();
    pid_t const pid = lab::check(::fork(), "fork");
    if (pid == 0) {
        int const file = ::open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ::dup2(file, STDOUT_FILENO);
        ::dup2(file, STDERR_FILENO);
        sock_filter steps[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        sock_fprog const filter{std::size(steps), steps};
        lab::descriptor const listener(
            static_cast<int>(lab::check(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                                  SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter),
                                        "seccomp")));
        lab::send_fd(sockets.there.get(), listener.get());
        std::vector<char*> arguments;
        for (auto const& word : words)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    auto const listener = lab::recv_fd(sockets.here.get());
    bpf_run done;
    pollfd waiting{listener.get(), POLLIN, 0};
    while (::poll(&waiting, 1, -1) == 1 && (waiting.revents & POLLIN) != 0) {
        seccomp_notif call{};
        lab::check(::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &call), "NOTIF_RECV");
        seccomp_notif_resp answer{};
        answer.id = call.id;
        if (done.commands.size() == which)
            answer.error = -error;
        else
            answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        done.commands.push_back(static_cast<int>(call.data.args[0]));
        lab::check(::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer), "NOTIF_SEND");
    }
    int status = 0;
    lab::check(::waitpid(pid, &status, 0), "waitpid");
    done.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return done;
}

} // namespace scene
