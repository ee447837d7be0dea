// SPDX-License-Identifier: MIT
#include "loads.hpp"

#include "buffers.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <pthread.h>
#include <sched.h>
#include <sstream>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace {

std::vector<load> const usual = {
    {"phone", 150, 60, 20, 6, 6, 1},     {"tablet", 100, 60, 20, 6, 6, 1},
    {"desktop", 300, 100, 20, 6, 4, 20}, {"server", 2000, 30, 0, 0, 1, 1},
    {"hoard", 1, 80000, 0, 20000, 1, 1}, {"threads", 10, 60, 20, 6, 500, 1},
};

constexpr char const* cgroups = "/sys/fs/cgroup/measured-";
constexpr char const* watched = "/tmp/watched-";
constexpr uid_t first_user = 10000;

void* sleep_for_ever(void*) {
    for (;;)
        ::pause();
}

std::atomic<unsigned> threads_with_tables = 0;

void* sleep_with_own_table(void*) {
    if (::unshare(CLONE_FILES) != 0) std::abort();
    ++threads_with_tables;
    return sleep_for_ever(nullptr);
}

void start_threads(unsigned count, bool own_tables) {
    pthread_attr_t small;
    ::pthread_attr_init(&small);
    ::pthread_attr_setstacksize(&small, 65536);
    auto* const run = own_tables ? sleep_with_own_table : sleep_for_ever;
    pthread_t thread{};
    for (unsigned i = 0; i < count; ++i)
        if (::pthread_create(&thread, &small, run, nullptr) != 0) std::abort();
    while (own_tables && threads_with_tables != count)
        ::usleep(1000);
}

void make_directory(std::string const& path) {
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) lab::check(-1, path.c_str());
}

void become(unsigned number) {
    auto const group = cgroups + std::to_string(number) + "/cgroup.procs";
    lab::descriptor const file(lab::check(::open(group.c_str(), O_WRONLY), group.c_str()));
    lab::check(::write(file.get(), "0", 1), group.c_str());
    auto const user = first_user + number;
    lab::check(::setresuid(user, user, user), "setresuid");
}

/// One descriptor whose fdinfo has a line for each watch.
void watch(unsigned count) {
    if (count == 0) return;
    int const all = lab::check(::inotify_init(), "inotify_init");
    for (unsigned i = 0; i < count; ++i)
        lab::check(::inotify_add_watch(all, (watched + std::to_string(i)).c_str(), IN_OPEN),
                   "inotify_add_watch");
}

int make_buffer(load const& what) {
    auto made = lab::alloc_heap(4096);
    if (what.named) lab::set_name(made.get(), "measured " + std::to_string(made.get()));
    return made.release();
}

void hold_own(load const& what) {
    if (what.own == 0) return;
    int const oldest = make_buffer(what);
    for (unsigned i = 1; i < what.own; ++i)
        make_buffer(what);
    if (!what.oldest_last) return;
    lab::check(::dup(oldest), "dup"); // the lowest free number is behind all of them
    ::close(oldest);
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

/// A child has its parent's descriptors, and adds its own.
[[noreturn]] void hold(load const& what, unsigned number, std::vector<int> const& shared,
                       int ready) {
    bool const holder = number % what.one_in == 0 && number / what.one_in < what.holders();
    watch(what.watches);
    if (holder) hold_own(what);
    if (!holder)
        for (int const buffer : shared)
            ::close(buffer);
    if (what.own_users) become(number);
    lab::check(::prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
    start_threads(what.threads - 1, what.own_tables);
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

void add_word(load& made, std::string const& word) {
    if (word == "oldest-last")
        made.oldest_last = true;
    else if (word == "own-tables")
        made.own_tables = true;
    else if (word == "own-users")
        made.own_users = true;
    else if (word == "named")
        made.named = true;
    else if (std::sscanf(word.c_str(), "watches=%u", &made.watches) != 1)
        throw std::runtime_error("no load " + made.name + ": what is " + word + "?");
}

} // namespace

load load_of(std::string const& text) {
    for (auto const& one : usual)
        if (one.name == text) return one;
    load made;
    made.name = text;
    int end = 0;
    if (std::sscanf(text.c_str(), "%u,%u,%u,%u,%u,%u%n", &made.processes, &made.ordinary,
                    &made.shared, &made.own, &made.threads, &made.one_in, &end) != 6)
        throw std::runtime_error(
            "no load " + text +
            ": phone, tablet, desktop, server, hoard, threads, or six numbers with commas");
    std::istringstream words(text.substr(static_cast<std::size_t>(end)));
    std::string word;
    std::getline(words, word, ','); // nothing before the first comma
    while (std::getline(words, word, ','))
        add_word(made, word);
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
        shared.push_back(make_buffer(what));
    for (unsigned i = 0; what.own_users && i < what.processes; ++i)
        directories_.push_back(cgroups + std::to_string(i));
    for (unsigned i = 0; i < what.watches; ++i)
        directories_.push_back(watched + std::to_string(i));
    for (auto const& path : directories_)
        make_directory(path);
    for (unsigned i = 0; i < what.processes; ++i) {
        pid_t const pid = lab::check(::fork(), "fork");
        if (pid == 0) {
            ::close(ready[0]);
            hold(what, i, shared, ready[1]);
        }
        pids_.push_back(pid);
    }
    ::close(ready[1]);
    for (unsigned i = 0; i < what.processes; ++i)
        if (char byte; ::read(ready[0], &byte, 1) != 1)
            throw std::runtime_error("a process did not come up");
    // The measured program itself holds nothing.
    lab::check(::syscall(SYS_close_range, 3U, ~0U, 0U), "close_range");
}

population::~population() {
    for (pid_t const pid : pids_)
        ::kill(pid, SIGKILL);
    for (pid_t const pid : pids_)
        ::waitpid(pid, nullptr, 0);
    for (auto const& path : directories_)
        ::rmdir(path.c_str());
}
