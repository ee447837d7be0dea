// SPDX-License-Identifier: MIT
//
// Sees chosen system calls of another program before the kernel makes them, and refuses some.
// Kernel: SECCOMP_RET_USER_NOTIF, since 5.5 with SECCOMP_USER_NOTIF_FLAG_CONTINUE.
#pragma once

#include "buffers.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/syscall.h>

namespace scene {

class followed_calls {
public:
    /// The numbers of the calls, at most a few dozen.
    explicit followed_calls(std::vector<unsigned> numbers)
        : numbers_(std::move(numbers)) {}

    /// For the program itself, before it executes.
    void hand_over() {
        std::vector<sock_filter> steps{
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
        auto left = static_cast<std::uint8_t>(numbers_.size());
        for (auto const number : numbers_)
            steps.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, left--, 0));
        steps.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
        steps.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
        sock_fprog const filter{static_cast<unsigned short>(steps.size()), steps.data()};
        lab::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
        lab::descriptor const listener(
            static_cast<int>(lab::check(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                                  SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter),
                                        "seccomp")));
        lab::send_fd(sockets_.there.get(), listener.get());
    }

    /// For us: until the program has ended. `decide(seccomp_notif const&)` answers with an errno,
    /// or 0: the kernel makes the call. Before Linux 6.11 the listener hears of the end only when
    /// the program is reaped, so that end is asked of the program itself.
    template<class Decide>
    void follow(pid_t program, Decide decide) {
        auto const listener = lab::recv_fd(sockets_.here.get());
        lab::descriptor const end(static_cast<int>(::syscall(SYS_pidfd_open, program, 0)));
        if (end.get() < 0 && errno != ESRCH) // which is its end, reaped already
            throw std::system_error(errno, std::generic_category(), "pidfd_open");
        pollfd waiting[] = {{listener.get(), POLLIN, 0}, {end.get(), POLLIN, 0}};
        while (::poll(waiting, 2, -1) > 0 && (waiting[0].revents & POLLIN) != 0) {
            seccomp_notif call{};
            // ENOENT: whoever made the call was killed meanwhile.
            if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0 && errno == ENOENT)
                continue;
            seccomp_notif_resp answer{};
            answer.id = call.id;
            answer.error = -decide(std::as_const(call));
            if (answer.error == 0) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
            if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0 && errno != ENOENT)
                throw std::system_error(errno, std::generic_category(), "NOTIF_SEND");
        }
    }

    /// The text that an argument of a call points to, up to 255 bytes.
    static std::string text_of(seccomp_notif const& call, int argument) {
        auto const path = "/proc/" + std::to_string(call.pid) + "/mem";
        lab::descriptor const memory(
            lab::check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path.c_str()));
        char text[256] = {};
        lab::check(::pread(memory.get(), text, sizeof text - 1,
                           static_cast<off_t>(call.data.args[argument])),
                   path.c_str());
        return text;
    }

private:
    std::vector<unsigned> numbers_;
    lab::socket_pair sockets_ = lab::make_socket_pair();
};

} // namespace scene
