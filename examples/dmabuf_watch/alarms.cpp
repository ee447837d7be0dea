// SPDX-License-Identifier: MIT
#include "alarms.hpp"

#include "lines.hpp"
#include "looks.hpp"
#include "replaying/record_here.hpp"
#include "say.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dmabuf_watch {

namespace {

constexpr std::string_view prefix = "DMABUF_";

std::string fraction(double number) {
    return fmt::format("{:.6g}", number);
}

/// The facts of an alarm; its first amount stands for all.
std::vector<std::string> facts_of(event const& what) {
    auto const& of = what.of;
    auto const& first = what.amounts.front();
    auto const for_seconds = static_cast<double>(what.time_ns - first.since_ns) / 1e9;
    std::vector<std::string> facts;
    auto const add = [&](std::string_view key, auto const& value) {
        facts.push_back(fmt::format("{}{}={}", prefix, key, value));
    };
    add("EVENT", name_of(what.what));
    add("SUBJECT", name_of(of.kind));
    if (of.pid != 0) add("PID", of.pid);
    if (!of.name.empty()) add("NAME", shown(of.name));
    if (of.inode != 0) add("INODE", of.inode);
    add("MEASURE", name_of(first.what));
    add("VALUE", first.value);
    add("RATE_PER_SECOND", fraction(first.rate_per_second));
    add("RATE_ERROR_PER_SECOND", fraction(first.rate_error_per_second));
    add("FOR_SECONDS", fraction(for_seconds));
    return facts;
}

/// This program's own, without facts of another watch.
std::vector<std::string> with_environment(std::vector<std::string> facts) {
    for (char** one = environ; *one; ++one)
        if (!std::string_view(*one).starts_with(prefix)) facts.emplace_back(*one);
    return facts;
}

/// For exec(2); points into `words`.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (auto& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// Nothing to read, what it writes on stderr, and no signal blocked or ignored.
class start_conditions {
public:
    start_conditions() {
        ::posix_spawn_file_actions_init(&files_);
        ::posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&files_, STDERR_FILENO, STDOUT_FILENO);
        ::posix_spawnattr_init(&how_);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&how_, &none);
        ::posix_spawnattr_setsigdefault(&how_, &all);
        ::posix_spawnattr_setflags(&how_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    start_conditions(start_conditions const&) = delete;
    start_conditions& operator=(start_conditions const&) = delete;
    ~start_conditions() {
        ::posix_spawn_file_actions_destroy(&files_);
        ::posix_spawnattr_destroy(&how_);
    }

    /// Returns 0, or an errno. A file that the kernel cannot execute is ENOEXEC: since glibc 2.15
    /// no shell is tried.
    int start(std::vector<std::string> words, std::vector<std::string> environment,
              pid_t& pid) const {
        auto const arguments = pointers_to(words);
        auto const variables = pointers_to(environment);
        return ::posix_spawnp(&pid, arguments[0], &files_, &how_, arguments.data(),
                              variables.data());
    }

private:
    posix_spawn_file_actions_t files_;
    posix_spawnattr_t how_;
};

} // namespace

void alarms::raise(std::vector<event> const& events) {
    if (chosen_.command.empty() && chosen_.record.empty()) return;
    for (auto const& one : events)
        if (one.what == event_kind::grows && !one.told_before) raise(one);
}

bool alarms::is_due(std::uint64_t time_ns) const {
    if (running_ != 0) return false;
    // A series of recordings may go back.
    return !last_ns_ || time_ns < *last_ns_ || time_ns - *last_ns_ >= chosen_.alarm_every_ns;
}

void alarms::raise(event const& what) {
    reap(false);
    if (!is_due(what.time_ns)) return (void)++skipped_;
    last_ns_ = what.time_ns;
    bool const recorded = record();
    start(what, recorded);
    skipped_ = 0;
    if (!chosen_.replay.empty()) reap(true); // time goes faster there
}

/// Whether there is a recording of this alarm.
bool alarms::record() {
    if (chosen_.record.empty()) return false;
    auto const wrong = replaying::record_here(chosen_.record, sampling(chosen_, mine_), mine_,
                                              chosen_.alone ? chosen_.pids[0] : 0);
    if (!wrong.empty()) say("cannot write {}: {}", chosen_.record, wrong);
    return wrong.empty();
}

void alarms::start(event const& what, bool recorded) {
    if (chosen_.command.empty()) return;
    auto facts = facts_of(what);
    facts.push_back(fmt::format("{}SKIPPED={}", prefix, skipped_));
    if (recorded) facts.push_back(fmt::format("{}RECORDING={}", prefix, chosen_.record));
    pid_t pid = 0;
    int const error =
        start_conditions().start(chosen_.command, with_environment(std::move(facts)), pid);
    if (error != 0) return say("cannot start {}: {}", chosen_.command[0], std::strerror(error));
    running_ = pid;
}

void alarms::reap(bool wait) {
    int status = 0;
    if (running_ == 0 || ::waitpid(running_, &status, wait ? 0 : WNOHANG) != running_) return;
    running_ = 0;
    say_end(status);
}

void alarms::say_end(int status) const {
    if (WIFSIGNALED(status))
        say("{} was ended by signal {}", chosen_.command[0], WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        say("{} ended with status {}", chosen_.command[0], WEXITSTATUS(status));
}

} // namespace dmabuf_watch
