// SPDX-License-Identifier: MIT
#include "calls.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <iterator>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <map>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace calls {

namespace {

std::map<std::string, long> const numbers = {
#include "numbers.inc"
};

constexpr auto list =
#include "list.inc"
    ;

// Values that SECCOMP_RET_TRACE hands to the tracer.
constexpr std::uint32_t is_listed = 1;
constexpr std::uint32_t is_not_listed = 2;

[[noreturn]] void fail(char const* call) {
    throw std::system_error(errno, std::generic_category(), call);
}

std::string name_of(std::uint64_t number) {
    for (auto const& [name, value] : numbers)
        if (static_cast<std::uint64_t>(value) == number) return name;
    return "call " + std::to_string(number);
}

std::vector<std::string> words_of(std::string const& component) {
    std::istringstream lines(list);
    for (std::string line; std::getline(lines, line);) {
        if (line.substr(0, component.size() + 1) != component + ":") continue;
        std::istringstream words(line.substr(component.size() + 1));
        return {std::istream_iterator<std::string>(words), {}};
    }
    throw std::runtime_error("system_calls.txt has no line of " + component);
}

std::string without_mark(std::string const& word) {
    return word.substr(0, word.find('?'));
}

/// The end of a process is always allowed, and not traced. `verdict` is that on the calls that are
/// allowed.
std::vector<sock_filter> filter_of(names const& allowed, std::uint32_t verdict) {
    std::vector<sock_filter> code{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    for (auto const& name : allowed) {
        auto const number = numbers.find(name);
        if (number == numbers.end()) continue; // other machines have it
        code.push_back(
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number->second), 0, 1));
        code.push_back(BPF_STMT(BPF_RET | BPF_K, verdict));
    }
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | is_not_listed));
    return code;
}

void install(std::vector<sock_filter>& code) {
    sock_fprog const program{static_cast<unsigned short>(code.size()), code.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("PR_SET_NO_NEW_PRIVS");
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) fail("PR_SET_SECCOMP");
}

/// Follows a process that stopped itself, and its threads and children, which are its group.
class tracer {
public:
    explicit tracer(pid_t first)
        : first_(first) {
        int status = 0;
        if (::waitpid(first_, &status, 0) != first_ || !WIFSTOPPED(status)) fail("waitpid");
        constexpr long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE |
                                 PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
        if (::ptrace(PTRACE_SETOPTIONS, first_, nullptr, options) != 0) fail("PTRACE_SETOPTIONS");
        resume(first_, 0);
    }

    trace follow() {
        int status = 0;
        for (;;) {
            pid_t const task = ::waitpid(-first_, &status, __WALL);
            if (task < 0 && errno == EINTR) continue;
            if (task < 0) return found_; // all have ended
            if (WIFSTOPPED(status))
                stopped(task, status);
            else if (task == first_)
                found_.status = status;
        }
    }

private:
    void stopped(pid_t task, int status) {
        int const event = status >> 16;
        if (event == PTRACE_EVENT_SECCOMP) return called(task);
        // A new task begins with SIGSTOP; other signals are its own.
        bool const own = event == 0 && WSTOPSIG(status) != SIGSTOP;
        resume(task, own ? WSTOPSIG(status) : 0);
    }

    void called(pid_t task) {
        unsigned long verdict = 0;
        __ptrace_syscall_info info{};
        if (::ptrace(PTRACE_GETEVENTMSG, task, nullptr, &verdict) != 0 ||
            ::ptrace(PTRACE_GET_SYSCALL_INFO, task, sizeof info, &info) <= 0)
            return; // it was killed meanwhile
        if (verdict == is_listed) {
            found_.made.insert(name_of(info.seccomp.nr));
            resume(task, 0);
        } else {
            found_.refused = name_of(info.seccomp.nr);
            ::kill(-first_, SIGKILL);
        }
    }

    static void resume(pid_t task, int signal) {
        ::ptrace(PTRACE_CONT, task, nullptr, static_cast<long>(signal));
    }

    pid_t first_;
    trace found_;
};

trace follow_behind(std::vector<sock_filter> code, filtered const& body) {
    pid_t const child = ::fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        ::setpgid(0, 0);
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        body([&] { install(code); });
        ::_exit(0);
    }
    ::setpgid(child, child);
    return tracer(child).follow();
}

} // namespace

names listed::all() const {
    names both = always;
    both.insert(sometimes.begin(), sometimes.end());
    return both;
}

listed of(std::vector<std::string> const& components, std::vector<std::string> const& others) {
    listed found;
    for (auto const& component : components)
        for (auto const& word : words_of(component)) {
            bool const always = word.back() != '?';
            (always ? found.always : found.sometimes).insert(without_mark(word));
        }
    for (auto const& component : others)
        for (auto const& word : words_of(component))
            found.sometimes.insert(without_mark(word));
    return found;
}

trace follow(names const& allowed, filtered const& body) {
    return follow_behind(filter_of(allowed, SECCOMP_RET_TRACE | is_listed), body);
}

trace follow_to_refusal(names const& allowed, filtered const& body) {
    return follow_behind(filter_of(allowed, SECCOMP_RET_ALLOW), body);
}

trace follow_program(names const& allowed, std::vector<std::string> const& words,
                     unsigned seconds) {
    std::vector<char*> arguments;
    for (auto const& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    auto with_exec = allowed;
    with_exec.insert("execve");
    return follow(with_exec, [&](auto const& filter) {
        int const nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(nowhere, STDOUT_FILENO);
        ::dup2(nowhere, STDERR_FILENO);
        ::alarm(seconds);
        filter();
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    });
}

std::string difference(listed const& expected, std::vector<trace> const& runs) {
    std::string wrong;
    names made;
    for (auto const& run : runs) {
        if (!run.refused.empty()) wrong += "not listed: " + run.refused + "\n";
        made.insert(run.made.begin(), run.made.end());
    }
    for (auto const& name : expected.always)
        if (made.count(name) == 0) wrong += "listed, and never made: " + name + "\n";
    return wrong;
}

} // namespace calls
