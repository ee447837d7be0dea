// SPDX-License-Identifier: MIT
//
// Every way in which a descriptor can refer to a real DMA-BUF, and files that only look like one.
#include "scene.hpp"

#include <latch>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>

using namespace scene;

namespace {

/// A thread that goes on for as long as its process.
void run_forever(std::function<void()> first) {
    std::latch done(1);
    std::thread([&] {
        first();
        done.count_down();
        for (;;)
            ::pause();
    }).detach();
    done.wait();
}

} // namespace

TEST_CASE("a buffer is a process's that holds its descriptor") {
    actor const one([] { return std::vector{keep(lab::alloc_heap(5 * page))}; });
    auto const now = sample();
    auto const& buffer = buffer_of(now, one.inode());
    CHECK(buffer.size_known);
    CHECK(buffer.size_bytes == 5 * page);
    CHECK(now.exporter_of(buffer).view() == lab::heap_exporter());
    CHECK(buffer.name_known);
    CHECK_FALSE(buffer.named);
    CHECK(buffer.holders == 1);
    auto const& holder = holder_of(now, one.pid());
    CHECK(holder.rss_bytes == 5 * page);
    CHECK(holder.pss_bytes == 5 * page);
    CHECK(holder.uss_bytes == 5 * page);
    CHECK(holder.uid == 0);
    CHECK(holder.comm == "lab_tests");
}

TEST_CASE("udmabuf's buffers are found as the heap's are") {
    actor const one([] { return std::vector{keep(lab::alloc_udmabuf(3 * page))}; });
    auto const now = sample();
    CHECK(now.exporter_of(buffer_of(now, one.inode())).view() == lab::udmabuf_exporter());
    CHECK(buffer_of(now, one.inode()).size_bytes == 3 * page);
}

TEST_CASE("a shared buffer is split to the byte, the remainder going to the lowest pid") {
    auto shared = lab::alloc_heap(page); // 4096 = 3 * 1365 + 1
    auto const inode = lab::inode_of(shared.get());
    auto const hold = [&] { return std::vector{lab::inode_of(shared.get())}; };
    actor const a(hold);
    actor const b(hold);
    actor const c(hold);
    shared.reset();
    auto const now = sample();
    CHECK(buffer_of(now, inode).holders == 3);
    CHECK(holder_of(now, a.pid()).pss_bytes == 1366);
    CHECK(holder_of(now, b.pid()).pss_bytes == 1365);
    CHECK(holder_of(now, c.pid()).pss_bytes == 1365);
    CHECK(holder_of(now, a.pid()).rss_bytes == page);
    CHECK(holder_of(now, a.pid()).uss_bytes == 0);
}

TEST_CASE("a duplicate counts as a descriptor, not as memory") {
    actor const one([] {
        auto buffer = lab::alloc_heap(2 * page);
        rlimit const many{4096, 4096};
        lab::check(::setrlimit(RLIMIT_NOFILE, &many), "setrlimit");
        lab::check(::dup(buffer.get()), "dup");
        lab::check(::fcntl(buffer.get(), F_DUPFD, 1500), "F_DUPFD");
        return std::vector{keep(std::move(buffer))};
    });
    auto const now = sample();
    CHECK(reference_of(now, one.pid(), one.inode()).descriptors == 3);
    CHECK(holder_of(now, one.pid()).rss_bytes == 2 * page);
    CHECK(holder_of(now, one.pid()).uss_bytes == 2 * page);
}

TEST_CASE("an O_PATH descriptor pins the buffer, and is marked") {
    auto const path_of = [](int fd) {
        return lab::descriptor(
            lab::check(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_PATH | O_CLOEXEC),
                       "open O_PATH"));
    };
    actor const alone([&] {
        auto const buffer = lab::alloc_heap(3 * page);
        return std::vector{keep(path_of(buffer.get()))};
    });
    actor const both([&] {
        auto buffer = lab::alloc_heap(7 * page);
        path_of(buffer.get()).release();
        return std::vector{keep(std::move(buffer))};
    });
    auto const source = GENERATE(dmabuf::source::none, dmabuf::source::fd_walk);
    auto const now = sample({.force = source});
    std::uint32_t const marked = has_list() && source == dmabuf::source::none ? 0 : 1;
    CHECK(now.coverage.paths_marked == (marked == 1));
    CHECK(reference_of(now, alone.pid(), alone.inode()).descriptors == 1);
    CHECK(reference_of(now, alone.pid(), alone.inode()).path_descriptors == marked);
    CHECK(buffer_of(now, alone.inode()).size_bytes == 3 * page);
    CHECK(holder_of(now, alone.pid()).rss_bytes == 3 * page);
    CHECK(reference_of(now, both.pid(), both.inode()).descriptors == 2);
    CHECK(reference_of(now, both.pid(), both.inode()).path_descriptors == marked);
}

TEST_CASE("a thread's own descriptor table is read, and once") {
    actor const one([] {
        std::uint64_t own = 0;
        auto main_table = keep(lab::alloc_heap(page));
        run_forever([] {}); // shares the leader's table
        run_forever([&] {
            lab::check(::unshare(CLONE_FILES), "unshare");
            own = keep(lab::alloc_heap(2 * page));
            run_forever([] {}); // shares this thread's table, which is not the leader's
        });
        return std::vector{main_table, own};
    });
    auto const now = sample();
    // The table was copied at unshare(), with the first buffer in it.
    CHECK(reference_of(now, one.pid(), one.inode(0)).descriptors == 2);
    CHECK(reference_of(now, one.pid(), one.inode(1)).descriptors == 1);
    CHECK(holder_of(now, one.pid()).rss_bytes == 3 * page);
    CHECK(now.coverage.tables_uncertain == 0);
}

TEST_CASE("a process whose first thread has exited holds what it held") {
    lab::child process([](lab::ready& done) {
        auto const inode = keep(lab::alloc_heap(6 * page));
        std::thread([&done, inode] {
            // The leader is a zombie once its state says so.
            for (char state = '?'; state != 'Z'; ::usleep(1000)) {
                auto const self = dmabuf::open_process(::getpid());
                if (auto const stat = dmabuf::read_stat(*self)) state = stat->state;
            }
            done(std::to_string(inode));
        }).detach();
        ::syscall(SYS_exit, 0);
    });
    auto const inode = std::stoull(process.wait_ready());
    auto const now = sample();
    CHECK(reference_of(now, process.pid(), inode).descriptors == 1);
    CHECK(holder_of(now, process.pid()).rss_bytes == 6 * page);
}

TEST_CASE("processes that share a descriptor table are holders each") {
    actor const one([] {
        auto const inode = keep(lab::alloc_heap(2 * page));
        long const other =
            lab::check(::syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0), "clone");
        if (other == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                ::pause();
        }
        return std::vector{inode, static_cast<std::uint64_t>(other)};
    });
    auto const now = sample();
    CHECK(buffer_of(now, one.inode(0)).holders == 2);
    CHECK(holder_of(now, one.pid()).pss_bytes == page);
    CHECK(holder_of(now, static_cast<pid_t>(one.inode(1))).pss_bytes == page);
}

TEST_CASE("files that only look like buffers are none") {
    actor const impostor([] {
        auto const file = lab::check(::open("/dmabuf:x", O_RDWR | O_CREAT, 0600), "open /dmabuf:x");
        lab::check(::ftruncate(file, 1 << 20), "ftruncate");
        lab::check(::mkdir("/dmabuf:directory", 0700), "mkdir");
        lab::check(::open("/dmabuf:directory", O_RDONLY | O_DIRECTORY), "open /dmabuf:directory");
        lab::check(::memfd_create("/dmabuf:memfd", 0), "memfd_create");
        return std::vector<std::uint64_t>{};
    });
    actor const real([] { return std::vector{keep(lab::alloc_heap(page))}; });
    auto const now = sample();
    ::unlink("/dmabuf:x");
    ::rmdir("/dmabuf:directory");
    CHECK_FALSE(find_holder(now, impostor.pid()));
    CHECK(find_holder(now, real.pid()));
}

TEST_CASE("a hundred thousand descriptors of one buffer") {
    constexpr rlim_t count = 100'000;
    actor const hoarder([] {
        rlimit const many{count + 1000, count + 1000};
        lab::check(::setrlimit(RLIMIT_NOFILE, &many), "setrlimit");
        auto buffer = lab::alloc_heap(page);
        for (rlim_t i = 1; i < count; ++i)
            lab::check(::dup(buffer.get()), "dup");
        return std::vector{keep(std::move(buffer))};
    });
    auto const now = sample({.path_descriptors = false});
    CHECK(reference_of(now, hoarder.pid(), hoarder.inode()).descriptors == count);
    CHECK(holder_of(now, hoarder.pid()).rss_bytes == page);
}

TEST_CASE("what no process holds any more is not in the next snapshot") {
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    actor one([] { return std::vector{keep(lab::alloc_heap(page))}; });
    auto const pid = one.pid();
    REQUIRE(sampler.sample(now));
    CHECK(find_holder(now, pid));
    one.kill();
    REQUIRE(sampler.sample(now));
    CHECK_FALSE(find_holder(now, pid));
    CHECK_FALSE(find_buffer(now, one.inode()));
}
