// SPDX-License-Identifier: MIT
//
// Sees in which order another program has its files written to the disk, named and deleted, and
// makes such a call fail where a test asks for that. Kernel: SECCOMP_RET_USER_NOTIF, since 5.5 with
// SECCOMP_USER_NOTIF_FLAG_CONTINUE.
#pragma once

#include "pressure.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/syscall.h>

namespace scene {

/// "fsync NAME", "renameat NAME NAME", "unlinkat NAME", names without their directories.
class disk_calls {
public:
    /// What becomes of a call: an errno, or 0: the kernel does it.
    using judge = std::function<int(std::string const& call)>;

    /// For the program itself, before it executes.
    void hand_over() {
        sock_filter steps[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsync, 3, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat, 2, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unlinkat, 1, 0),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        };
        sock_fprog const filter{std::size(steps), steps};
        lab::descriptor const listener(
            static_cast<int>(lab::check(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                                  SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter),
                                        "seccomp")));
        lab::send_fd(sockets_.there.get(), listener.get());
    }

    /// For us: until the program has ended. Returns its calls.
    std::vector<std::string> follow(judge const& decide) {
        auto const listener = lab::recv_fd(sockets_.here.get());
        std::vector<std::string> calls;
        pollfd waiting{listener.get(), POLLIN, 0};
        while (::poll(&waiting, 1, -1) == 1 && (waiting.revents & POLLIN) != 0) {
            seccomp_notif call{};
            lab::check(::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &call), "NOTIF_RECV");
            calls.push_back(describe(call));
            seccomp_notif_resp answer{};
            answer.id = call.id;
            answer.error = -decide(calls.back());
            if (answer.error == 0) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
            lab::check(::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer), "NOTIF_SEND");
        }
        return calls;
    }

private:
    static std::string describe(seccomp_notif const& call) {
        auto const process = "/proc/" + std::to_string(call.pid);
        auto const name = [&](int which) { return text_at(process, call.data.args[which]); };
        switch (call.data.nr) {
        case SYS_fsync:
            return "fsync " + last_part(link(process + "/fd/" + std::to_string(call.data.args[0])));
        case SYS_renameat:
            return "renameat " + name(1) + " " + name(3);
        default:
            return "unlinkat " + name(1);
        }
    }

    static std::string link(std::string const& path) {
        char target[4096];
        auto const size = lab::check(::readlink(path.c_str(), target, sizeof target), "readlink");
        return {target, static_cast<std::size_t>(size)};
    }

    static std::string last_part(std::string const& path) {
        return path.substr(path.rfind('/') + 1);
    }

    static std::string text_at(std::string const& process, std::uint64_t address) {
        lab::descriptor const memory(
            lab::check(::open((process + "/mem").c_str(), O_RDONLY | O_CLOEXEC), "mem"));
        char text[256] = {};
        lab::check(::pread(memory.get(), text, sizeof text - 1, static_cast<off_t>(address)),
                   "mem");
        return text;
    }

    lab::socket_pair sockets_ = lab::make_socket_pair();
};

} // namespace scene
