// SPDX-License-Identifier: MIT
//
// lowmem_capture in a system that refuses what it asks for just when memory is short: its first
// look, before it waits, is left alone, and calls of the second fail.
#pragma once

#include "followed_calls.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <dirent.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace scene {

/// Which of the calls of the second look fail, counted from 1, and how.
struct refusal {
    unsigned first = 0;
    bool all_later = false;
    int error = 0;

    [[nodiscard]] bool hits(unsigned number) const {
        return number == first || (all_later && number > first);
    }
};

/// `--test` in a directory that keeps one capture and has one.
class failing_look {
public:
    /// `enter` is called in the program's process before it executes.
    failing_look(
        std::string const& program, std::string const& directory, refusal const& what,
        std::function<void()> const& enter = [] {}) {
        namespace fs = std::filesystem;
        fs::remove_all(directory);
        fs::create_directory(directory);
        std::ofstream(directory + "/" + good) << "good";
        int ends[2];
        lab::check(::pipe2(ends, O_CLOEXEC), "pipe2");
        lab::descriptor reader(ends[0]), writer(ends[1]);
        followed_calls followed({SYS_openat, SYS_getdents64, SYS_statx, SYS_read, SYS_pread64,
                                 SYS_readlinkat, SYS_fstatfs, SYS_ioctl, SYS_kcmp});
        pid_t const pid = lab::check(::fork(), "fork");
        if (pid == 0) run(program, directory, writer.get(), [&] { enter(), followed.hand_over(); });
        writer.reset();
        followed.follow(pid, [&](seccomp_notif const& call) { return judge(call, what); });
        int ended = 0;
        lab::check(::waitpid(pid, &ended, 0), "waitpid");
        status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -WTERMSIG(ended);
        char piece[4096];
        for (long got = 0; (got = ::read(reader.get(), piece, sizeof piece)) > 0;)
            said.append(piece, static_cast<std::size_t>(got));
        for (auto const& one : fs::directory_iterator(directory))
            names.push_back(one.path().filename());
        std::sort(names.begin(), names.end());
        for (auto const& name : names)
            if (name != good) written = directory + "/" + name;
    }

    /// The fault of the file that it left behind; empty: none.
    [[nodiscard]] std::string fault() const {
        if (said.find("18446744") != said.npos) return "a figure out of nothing: " + said;
        if (written.empty() || names.size() > 2) return "no file, or too many: " + said;
        std::ifstream file(written);
        auto const capture = nlohmann::json::parse(file, nullptr, false);
        if (capture.is_discarded()) return written + " is no JSON";
        auto const& snapshot = capture["snapshot"];
        bool const captured = names.front() != good && names.size() == 1;
        if (captured != (status == 0)) return "exit status " + std::to_string(status) + ": " + said;
        if (captured != capture["failure"].is_null())
            return "failure: " + capture["failure"].dump();
        if (!captured && (status != 1 || !names.front().starts_with("failed-0000000001-")))
            return "no failure kept apart: " + names.front() + ", " + said;
        if (!captured) return {};
        if (snapshot.is_null()) return "a capture without a snapshot";
        auto const& seen = snapshot["coverage"];
        if (seen["processes_failed"] > seen["processes_seen"]) return "a capture of nothing";
        return {};
    }

    [[nodiscard]] bool captured() const { return status == 0; }

    int status = -1;
    unsigned calls = 0; ///< of the second look, and of those after it
    std::string said;
    std::string written; ///< the new file

private:
    static constexpr char const* good = "lowmem-0000000001-19990101T000000Z.json";

    [[noreturn]] static void run(std::string const& program, std::string const& directory, int said,
                                 std::function<void()> const& prepare) {
        ::dup2(said, STDERR_FILENO);
        prepare();
        ::execl(program.c_str(), program.c_str(), "--test", "-d", directory.c_str(), "-k", "1",
                "--window", "500", "--no-realtime", nullptr);
        ::_exit(127);
    }

    /// Between the looks the program writes its oom_score_adj; after them it makes its file.
    int judge(seccomp_notif const& call, refusal const& what) {
        if (call.data.nr == SYS_openat) {
            auto const path = followed_calls::text_of(call, 1);
            if (path == "/proc/self/oom_score_adj") return second_look_ = true, 0;
            if (path == ".lowmem.part") second_look_ = false;
        }
        return second_look_ && what.hits(++calls) ? what.error : 0;
    }

    bool second_look_ = false;
    std::vector<std::string> names;
};

} // namespace scene
