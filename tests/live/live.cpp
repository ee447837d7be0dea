// SPDX-License-Identifier: MIT
//
// On this machine's kernel, against what the test knows of itself. Needs no DMA-BUFs; where the
// machine lacks something else, the test says what, and which part it left out.
#include <dmabuf/dmabuf.hpp>

#include "catch.hpp"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <ctime>
#include <iostream>
#include <mutex>
#include <optional>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>

namespace {

void skip(std::string const& what) {
    std::cout << "SKIPPED: " << what << "\n";
}

dmabuf::process<> self() {
    auto process = dmabuf::open_process(::getpid());
    REQUIRE(process);
    return std::move(process).value();
}

template<class Range>
auto numbers(Range&& range) {
    std::vector<std::int32_t> found;
    for (auto const& item : range) {
        REQUIRE(item);
        found.push_back(*item);
    }
    return found;
}

bool contains(std::vector<std::int32_t> const& numbers, std::int32_t number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

TEST_CASE("live: one process alone is this one, a thread of it, or nobody, is refused") {
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    REQUIRE(sampler.sample_process(now, ::getpid()));
    CHECK(now.coverage.alone_pid == ::getpid());
    CHECK(now.coverage.processes_seen == 1);
    std::int32_t tid = 0;
    int refused = 0;
    std::thread([&] {
        tid = static_cast<std::int32_t>(::syscall(SYS_gettid));
        refused = sampler.sample_process(now, tid).error().error;
    }).join();
    CHECK(refused == ECHILD);
    CHECK(now.coverage.alone_pid == 0);
    auto const nobody = std::int32_t{1} << 30U; // above every pid_max
    CHECK(sampler.sample_process(now, nobody).error() ==
          dmabuf::failure{dmabuf::operation::open, ENOENT, {dmabuf::object::process, nobody}});
}

/// Whether samples of a sampler all see at least so many processes, and nothing fails.
bool samples_are_whole(dmabuf::sampler& sampler, std::uint32_t processes) {
    dmabuf::snapshot now;
    bool whole = true;
    for (int i = 0; i < 20; ++i)
        whole = sampler.sample(now) && now.coverage.processes >= processes &&
                now.coverage.processes_failed == 0 && now.coverage.first_failure.error == 0 &&
                whole;
    return whole;
}

TEST_CASE("live: after fork parent and child go on with their samplers, at the same time") {
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    std::vector<pid_t> sleepers;
    for (int i = 0; i < 100; ++i) {
        sleepers.push_back(::fork());
        if (sleepers.back() == 0) {
            ::pause();
            ::_exit(0);
        }
    }
    dmabuf::sampler of_thread;
    bool right[2]{};
    std::thread other([&] { right[0] = samples_are_whole(of_thread, 100); });
    pid_t const child = ::fork();
    if (child == 0) {
        dmabuf::sampler own;
        ::_exit(samples_are_whole(sampler, 100) && samples_are_whole(own, 100) ? 0 : 1);
    }
    right[1] = samples_are_whole(sampler, 100);
    other.join();
    int status = -1;
    ::waitpid(child, &status, 0);
    for (auto const pid : sleepers) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    CHECK(right[0]);
    CHECK(right[1]);
    CHECK(status == 0);
}

std::sig_atomic_t volatile alarms = 0;

TEST_CASE("live: a storm of signals changes nothing") {
    struct ::sigaction action{};
    struct ::sigaction before{};
    action.sa_handler = [](int) { alarms = alarms + 1; }; // without SA_RESTART
    REQUIRE(::sigaction(SIGALRM, &action, &before) == 0);
    ::itimerval const often{{0, 200}, {0, 200}};
    ::itimerval const never{};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    dmabuf::sampler sampler;
    bool whole = true;
    while (alarms <= 100) // a machine with few processes is soon walked
        whole = samples_are_whole(sampler, 2) && whole;
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before, nullptr);
    CHECK(whole);
}

TEST_CASE("live: without a program there is no walk over one process") {
    dmabuf::live_system const system;
    CHECK(system.open_program("/nowhere") < 0);
    CHECK(system.open_walk(-1, ::getpid()) < 0);
}

TEST_CASE("live: the processes include this one, its parent and its child, in order") {
    int const child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    auto const proc = dmabuf::open_proc();
    REQUIRE(proc);
    auto const found = numbers(dmabuf::read_processes(*proc));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(contains(found, ::getpid()));
    CHECK(contains(found, child));
    CHECK(std::is_sorted(found.begin(), found.end()));
    CHECK(std::adjacent_find(found.begin(), found.end()) == found.end());
    CHECK_FALSE(contains(numbers(dmabuf::read_processes(*proc)), child));
}

TEST_CASE("live: stat of this process") {
    char comm[16] = "a) (b\nc\t";
    REQUIRE(::prctl(PR_SET_NAME, comm) == 0);
    auto const process = self();
    auto const stat = dmabuf::read_stat(process);
    REQUIRE(stat);
    CHECK(stat->pid == ::getpid());
    CHECK(stat->parent == ::getppid());
    CHECK(stat->comm == comm);
    CHECK(stat->state == 'R');
    CHECK(stat->threads == 1);
    CHECK_FALSE(stat->kernel_thread());
    CHECK_FALSE(stat->exiting());
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    auto const second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    auto const uptime = static_cast<std::uint64_t>(now.tv_sec + 1) * second;
    CHECK(stat->start_ticks <= uptime);
    CHECK(stat->start_ticks + 600 * second > uptime); // started in the last ten minutes
}

TEST_CASE("live: status of this process") {
    auto const status = dmabuf::read_process_status(self());
    REQUIRE(status);
    CHECK(status->uid == ::geteuid());
    CHECK(status->pid_levels >= 1);
}

TEST_CASE("live: descriptors of this process") {
    auto const process = self();
    int const a = ::memfd_create("a", 0);
    int const b = ::dup3(a, 777, O_CLOEXEC);
    REQUIRE(b == 777);
    auto const fds = numbers(dmabuf::read_fds(process, ::getpid()));
    auto const infos = numbers(dmabuf::read_fdinfos(process, ::getpid()));
    CHECK(contains(fds, a));
    CHECK(contains(fds, b));
    CHECK(contains(fds, process.directory.get()));
    CHECK(infos == fds);
    ::close(b);
    CHECK_FALSE(contains(numbers(dmabuf::read_fds(process, ::getpid())), b));
    ::close(a);
}

TEST_CASE("live: fdinfo of a file, an O_PATH descriptor and a closed one") {
    auto const process = self();
    int const file = ::memfd_create("a", MFD_CLOEXEC);
    REQUIRE(::ftruncate(file, 8192) == 0);
    REQUIRE(::lseek(file, 4097, SEEK_SET) == 4097);
    struct ::stat status{};
    REQUIRE(::fstat(file, &status) == 0);
    auto const info = dmabuf::read_fdinfo(process, ::getpid(), file);
    REQUIRE(info);
    CHECK(info->position == 4097);
    CHECK((info->flags & static_cast<unsigned>(O_CLOEXEC)) != 0);
    CHECK((info->flags & O_ACCMODE) == O_RDWR);
    CHECK_FALSE(info->is_dmabuf());
    CHECK_FALSE(info->is_path());
    if (info->inode)
        CHECK(*info->inode == status.st_ino);
    else
        skip("ino: in fdinfo, which came with Linux 5.14");

    int const path = ::open("/proc/self", O_PATH | O_CLOEXEC);
    CHECK(dmabuf::read_fdinfo(process, ::getpid(), path).value().is_path());
    ::close(path);
    ::close(file);
    CHECK(dmabuf::read_fdinfo(process, ::getpid(), file).error().gone());
}

/// Threads that get a table of their own, or stay with the one they were made with, until the end.
class threads_with_tables {
public:
    std::int32_t add(bool own) {
        std::int32_t tid = 0;
        threads_.emplace_back([&, own] {
            if (own && ::unshare(CLONE_FILES) != 0) std::abort();
            std::unique_lock lock(mutex_);
            tid = static_cast<std::int32_t>(::syscall(SYS_gettid));
            changed_.notify_all();
            changed_.wait(lock, [&] { return ended_; });
        });
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return tid != 0; });
        return tid;
    }
    ~threads_with_tables() {
        {
            std::lock_guard const lock(mutex_);
            ended_ = true;
        }
        changed_.notify_all();
        for (auto& thread : threads_)
            thread.join();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;
    std::vector<std::thread> threads_;
};

TEST_CASE("live: kcmp orders the tables of real threads") {
    dmabuf::live_system const system;
    if (int const error = system.compare_descriptor_tables(::getpid(), ::getpid()); error != 0)
        return skip("kcmp does not serve here: " + std::string(std::strerror(-error)));
    threads_with_tables threads;
    dmabuf::distinct_tables<> tables(system);
    using answer = dmabuf::distinct_tables<>::answer;
    REQUIRE(tables.contains(::getpid()) == answer::no);
    tables.add(::getpid());
    for (int i = 0; i < 100; ++i) {
        auto const own = threads.add(true);
        CHECK(tables.contains(own) == answer::no);
        tables.add(own);
        CHECK(tables.contains(threads.add(false)) == answer::yes);
        CHECK(tables.contains(own) == answer::yes);
    }
    CHECK(tables.tasks().size() == 101);
    CHECK(tables.first_moved() == 101);
    // This thread's own table takes another place, or, by chance, the same one.
    std::thread([&] {
        auto const tid = static_cast<std::int32_t>(::syscall(SYS_gettid));
        CHECK(tables.contains(tid) == answer::yes);
        REQUIRE(::unshare(CLONE_FILES) == 0);
        CHECK(tables.contains(tid) == answer::no);
    }).join();
    CHECK(tables.contains(::getpid()) == answer::yes);
}

TEST_CASE("live: a process's own mapping is in its maps, and nothing is malformed") {
    int const file = ::memfd_create("nl\nname", MFD_CLOEXEC);
    REQUIRE(::ftruncate(file, 5 * 4096) == 0);
    struct ::stat status{};
    REQUIRE(::fstat(file, &status) == 0);
    void* const at = ::mmap(nullptr, 3 * 4096, PROT_READ, MAP_SHARED, file, 4096);
    REQUIRE(at != MAP_FAILED);
    auto const process = self();
    std::uint64_t last = 0;
    int seen = 0;
    for (auto const& mapping : dmabuf::read_maps(process, ::getpid())) {
        REQUIRE(mapping);
        CHECK(mapping->begin >= last);
        last = mapping->end;
        if (mapping->begin != reinterpret_cast<std::uintptr_t>(at)) continue;
        ++seen;
        CHECK(mapping->size_bytes() == 3 * 4096);
        CHECK(mapping->shared);
        CHECK(mapping->inode == status.st_ino);
        CHECK(mapping->device.major == major(status.st_dev));
        CHECK(mapping->device.minor == minor(status.st_dev));
        CHECK(std::string(mapping->path) == "/memfd:nl\\012name (deleted)");
    }
    CHECK(seen == 1);
    ::munmap(at, 3 * 4096);
    ::close(file);
}

TEST_CASE("live: mapped files by query are those of the text, with their raw path") {
    int const file = ::memfd_create("nl\nname", MFD_CLOEXEC);
    REQUIRE(::ftruncate(file, 5 * 4096) == 0);
    void* const at = ::mmap(nullptr, 3 * 4096, PROT_READ, MAP_SHARED, file, 4096);
    REQUIRE(at != MAP_FAILED);
    auto const process = self();
    auto const all = [&](bool queries) {
        std::vector<std::array<std::uint64_t, 5>> found;
        auto files = dmabuf::read_mapped_files(process, ::getpid(), queries);
        for (auto const& one : files) {
            REQUIRE(one);
            found.push_back({one->begin, one->end, one->inode, one->device.minor, one->shared});
        }
        if (!files.can_query()) found.insert(found.begin(), {0, 0, 0, 0, 0}); // by text
        return found;
    };
    auto by_query = all(true);
    auto by_text = all(false);
    by_text.erase(by_text.begin());
    if (by_query.at(0)[1] == 0) {
        std::puts("SKIPPED: PROCMAP_QUERY: this kernel is older than 6.11");
    } else {
        CHECK(by_query == by_text);
        CHECK(by_query.size() > 1);
        int const maps = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
        std::array<char, 64> path;
        dmabuf::mapping found;
        auto const begin = reinterpret_cast<std::uintptr_t>(at);
        dmabuf::live_system const system;
        CHECK(system.query_mapping(maps, begin, found, path) == 0);
        CHECK(found.begin == begin);
        CHECK(std::string(found.path) == "/memfd:nl\nname (deleted)");
        CHECK(system.query_mapping(maps, begin, found, std::span(path).first(10)) == -ENAMETOOLONG);
        CHECK(system.query_mapping(maps, ~std::uint64_t{0} >> 1, found, path) == -ENOENT);
        ::close(maps);
    }
    ::munmap(at, 3 * 4096);
    ::close(file);
}

TEST_CASE("live: a passive status tells device, inode and size of a kernel-internal file") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    struct ::stat truth{};
    REQUIRE(::fstat(ends[0], &truth) == 0);
    auto const process = self();
    auto const path = dmabuf::detail::path("fd/", ends[0]);
    dmabuf::file_status status;
    dmabuf::live_system const system;
    REQUIRE(system.status(process.directory.get(), path.c_str(), 0, status) == 0);
    CHECK(status.inode == truth.st_ino);
    CHECK(status.device.major == major(truth.st_dev));
    CHECK(status.device.minor == minor(truth.st_dev));
    CHECK((status.mode & S_IFMT) == S_IFIFO);
    CHECK(system.status(process.directory.get(), "fd/99999", 0, status) == -ENOENT);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("live: kcmp tells a task's table from another's") {
    dmabuf::live_system const system;
    int const own = system.compare_descriptor_tables(::getpid(), ::getpid());
    if (own < 0) return skip("kcmp: errno " + std::to_string(-own));
    CHECK(own == 0);
    int const child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    CHECK(system.compare_descriptor_tables(::getpid(), child) > 0);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(system.compare_descriptor_tables(::getpid(), child) == -ESRCH);
}

TEST_CASE("live: a process that has gone stays gone") {
    int const child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    auto const process = dmabuf::open_process(child);
    REQUIRE(process);
    CHECK(dmabuf::read_stat(*process));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(dmabuf::read_stat(*process).error().gone());
    CHECK(dmabuf::read_process_status(*process).error().gone());
    auto tasks = dmabuf::read_tasks(*process);
    auto const at = tasks.begin();
    CHECK((at == tasks.end() || at->error().gone()));
}

TEST_CASE("live: the probe knows this kernel") {
    auto const proc = dmabuf::open_proc();
    REQUIRE(proc);
    auto const found = dmabuf::probe(*proc);
    CHECK(found.kernel_major >= 4);
    bool const patched = ::access("/proc/thread-self/dmabuf_fds", F_OK) == 0;
    auto const told = dmabuf::find_dmabuf_fds(*proc);
    CHECK(told.has_value() == patched);
    if (!patched) CHECK(told.error().error == ENOENT);
    std::cout << "Linux " << found.kernel_major << "." << found.kernel_minor << ", "
              << (patched ? "patched" : "not patched") << "\n";
}

TEST_CASE("live: the sampler covers this machine and itself, and closes what it opened") {
    auto const process = self();
    auto const before = numbers(dmabuf::read_fds(process, ::getpid()));
    {
        dmabuf::sampler sampler;
        dmabuf::snapshot now;
        for (int i = 0; i < 3; ++i) {
            auto const done = sampler.sample(now);
            if (!done) FAIL(dmabuf::describe(done.error()).view());
            auto const& seen = now.coverage;
            CHECK(seen.processes >= 1);
            CHECK(seen.processes_seen >= 1);
            CHECK(seen.processes == seen.processes_seen + seen.processes_denied +
                                        seen.processes_gone + seen.processes_failed +
                                        seen.kernel_threads);
            CHECK(seen.tables >= 1);
            CHECK(seen.processes_failed == 0);
            CHECK(seen.descriptors_failed == 0);
            CHECK(now.end_ns > now.begin_ns);
        }
        if (now.buffers.empty()) skip("accounts of buffers: nobody here holds any");
    }
    CHECK(numbers(dmabuf::read_fds(process, ::getpid())) == before);
}

/// Whether `good` is true in a process of its own.
template<class Good>
bool holds_elsewhere(Good good) {
    int const child = ::fork();
    if (child == 0) ::_exit(good() ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_CASE("live: with 16 descriptors allowed a sample is still whole") {
    CHECK(holds_elsewhere([] {
        ::rlimit const few{16, 16};
        ::setrlimit(RLIMIT_NOFILE, &few);
        dmabuf::sampler sampler;
        dmabuf::snapshot now;
        return sampler.sample(now) && now.coverage.processes_failed == 0 &&
               now.coverage.descriptors_failed == 0;
    }));
}

/// Allows no more descriptors than are open now, and `left`.
void leave(int left) {
    int spare = -1;
    std::array<int, 8> all{};
    for (int i = 0; i <= left; ++i)
        all[static_cast<std::size_t>(i)] = spare = ::dup(0); // the lowest number that is free
    for (int i = 0; i <= left; ++i)
        ::close(all[static_cast<std::size_t>(i)]);
    ::rlimit const few{static_cast<rlim_t>(spare), static_cast<rlim_t>(spare)};
    ::setrlimit(RLIMIT_NOFILE, &few);
}

TEST_CASE("live: with too few descriptors left, what could not be opened is named") {
    CHECK(holds_elsewhere([] {
        leave(0);
        dmabuf::snapshot now;
        auto const done = dmabuf::sampler().sample(now);
        return !done &&
               dmabuf::describe(done.error()) == "cannot open /proc: too many open files (EMFILE)";
    }));
    // /proc, its listing and /proc/P, and nothing to read there.
    CHECK(holds_elsewhere([] {
        leave(3);
        dmabuf::sampler sampler;
        dmabuf::snapshot now;
        auto const done = sampler.sample(now);
        auto const& seen = now.coverage;
        bool const failed = seen.processes_failed + seen.descriptors_failed != 0;
        return done && failed == (seen.first_failure.error == EMFILE) &&
               !(failed && seen.complete());
    }));
}

} // namespace
