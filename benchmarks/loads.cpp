// SPDX-License-Identifier: MIT
#include "loads.hpp"

#include "buffers.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace {

std::vector<load> const usual = {
    {"phone", 150, 60, 20, 6, 6, 1},     {"tablet", 100, 60, 20, 6, 6, 1},
    {"desktop", 300, 100, 20, 6, 4, 20}, {"server", 2000, 30, 0, 0, 1, 1},
    {"hoard", 1, 80000, 0, 20000, 1, 1}, {"threads", 10, 60, 20, 6, 500, 1},
};

void* sleep_for_ever(void*) {
    for (;;)
        ::pause();
}

void start_threads(unsigned count) {
    pthread_attr_t small;
    ::pthread_attr_init(&small);
    ::pthread_attr_setstacksize(&small, 65536);
    for (pthread_t thread; count > 0; --count)
        if (::pthread_create(&thread, &small, sleep_for_ever, nullptr) != 0) std::abort();
}

/// Files of the usual kinds, again and again, until `count` descriptors are open besides.
void open_ordinary(unsigned count) {
    std::array<int, 5> kinds{};
    auto const pair = lab::make_socket_pair();
    kinds[0] = lab::check(::open("/dev/null", O_RDWR), "open /dev/null");
    kinds[1] = lab::check(::open("/proc/self/exe", O_RDONLY), "open the program");
    kinds[2] = lab::check(::eventfd(0, 0), "eventfd");
    kinds[3] = lab::check(::dup(pair.here.get()), "dup");
    kinds[4] = lab::check(::dup(1), "dup"); // a pipe, in the guest
    for (std::size_t i = kinds.size(); i < count; ++i)
        lab::check(::dup(kinds[i % kinds.size()]), "dup");
}

/// A child has what its parent opened and adds its own.
[[noreturn]] void hold(load const& what, bool holder, std::vector<int> const& shared, int ready) {
    lab::check(::prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
    for (unsigned i = 0; holder && i < what.own; ++i)
        lab::alloc_heap(4096).release();
    if (!holder)
        for (int const buffer : shared)
            ::close(buffer);
    start_threads(what.threads - 1);
    lab::check(::write(ready, "", 1), "write");
    ::close(ready);
    sleep_for_ever(nullptr);
    std::abort();
}

unsigned open_descriptors() {
    int const next = lab::check(::dup(0), "dup");
    ::close(next);
    return static_cast<unsigned>(next);
}

} // namespace

load load_of(std::string const& text) {
    for (auto const& one : usual)
        if (one.name == text) return one;
    load made;
    made.name = text;
    if (std::sscanf(text.c_str(), "%u,%u,%u,%u,%u,%u", &made.processes, &made.ordinary,
                    &made.shared, &made.own, &made.threads, &made.one_in) != 6)
        throw std::runtime_error(
            "no load " + text +
            ": phone, tablet, desktop, server, hoard, threads, or six numbers with commas");
    return made;
}

load count_processes(std::string const& name) {
    namespace fs = std::filesystem;
    load here;
    here.name = name;
    std::uint64_t tasks = 0, descriptors = 0;
    auto const count = [](fs::path const& directory) {
        std::error_code error;
        auto const all = fs::directory_iterator(directory, error);
        return static_cast<std::uint64_t>(std::distance(begin(all), end(all)));
    };
    for (auto const& one : fs::directory_iterator("/proc")) {
        if (one.path().filename().string().find_first_not_of("0123456789") != std::string::npos)
            continue;
        ++here.processes;
        tasks += count(one.path() / "task");
        descriptors += count(one.path() / "fd");
    }
    here.threads = static_cast<unsigned>(tasks / here.processes);
    here.ordinary = static_cast<unsigned>(descriptors / here.processes);
    return here;
}

population::population(load const& what) {
    rlimit const plenty{1 << 20, 1 << 20};
    lab::check(::setrlimit(RLIMIT_NOFILE, &plenty), "RLIMIT_NOFILE");
    int ready[2];
    lab::check(::pipe(ready), "pipe");
    unsigned const first = open_descriptors();
    open_ordinary(what.ordinary > first ? what.ordinary - first : 0);
    std::vector<int> shared;
    for (unsigned i = 0; i < what.shared; ++i)
        shared.push_back(lab::alloc_heap(4096).release());
    for (unsigned i = 0; i < what.processes; ++i) {
        pid_t const pid = lab::check(::fork(), "fork");
        if (pid == 0) {
            ::close(ready[0]);
            hold(what, i % what.one_in == 0 && i / what.one_in < what.holders(), shared, ready[1]);
        }
        pids_.push_back(pid);
    }
    ::close(ready[1]);
    for (unsigned i = 0; i < what.processes; ++i)
        if (char byte; ::read(ready[0], &byte, 1) != 1)
            throw std::runtime_error("a process did not come up");
    // What is measured holds nothing itself.
    lab::check(::syscall(SYS_close_range, 3U, ~0U, 0U), "close_range");
}

population::~population() {
    for (pid_t const pid : pids_)
        ::kill(pid, SIGKILL);
    for (pid_t const pid : pids_)
        ::waitpid(pid, nullptr, 0);
}
