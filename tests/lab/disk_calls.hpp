// SPDX-License-Identifier: MIT
//
// Sees in which order another program has its files written to the disk, named and deleted, and
// makes such a call fail where a test asks for that.
#pragma once

#include "../systems/followed_calls.hpp"

#include <functional>

namespace scene {

/// "fsync NAME", "renameat NAME NAME", "unlinkat NAME", names without their directories.
class disk_calls {
public:
    /// The outcome of a call: an errno, or 0: the kernel does it.
    using judge = std::function<int(std::string const& call)>;

    /// For the program itself, before it executes.
    void hand_over() { all_.hand_over(); }

    /// For us: until the program has ended. Returns its calls.
    std::vector<std::string> follow(pid_t program, judge const& decide) {
        std::vector<std::string> calls;
        all_.follow(program, [&](seccomp_notif const& call) {
            calls.push_back(describe(call));
            return decide(calls.back());
        });
        return calls;
    }

private:
    static std::string describe(seccomp_notif const& call) {
        auto const name = [&](int which) { return followed_calls::text_of(call, which); };
        switch (call.data.nr) {
        case SYS_fsync:
            return "fsync " + last_part(link("/proc/" + std::to_string(call.pid) + "/fd/" +
                                             std::to_string(call.data.args[0])));
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

    followed_calls all_{{SYS_fsync, SYS_renameat, SYS_unlinkat}};
};

} // namespace scene
