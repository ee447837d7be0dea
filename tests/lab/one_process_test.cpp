// SPDX-License-Identifier: MIT
//
// One process alone, by the walk, the kernel's list and the pinned programs: what the process
// itself said that it holds, and why a number is refused.
#include "scene.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <thread>

using namespace scene;
using dmabuf::source;

namespace {

/// A thread that opens a buffer of 3 pages in a table of its own, without `shared`. Its number, and
/// the inode.
std::vector<std::uint64_t> start_thread(lab::descriptor const& shared) {
    int ends[2];
    lab::check(::pipe2(ends, O_CLOEXEC), "pipe2");
    std::thread([write_end = ends[1], others = shared.get()] {
        lab::check(::unshare(CLONE_FILES), "unshare");
        ::close(others);
        std::uint64_t const told[] = {static_cast<std::uint64_t>(::syscall(SYS_gettid)),
                                      keep(lab::alloc_heap(3 * page))};
        lab::check(::write(write_end, told, sizeof told), "write");
        for (;;)
            ::pause();
    }).detach();
    std::vector<std::uint64_t> told(2);
    lab::check(::read(ends[0], told.data(), 2 * sizeof told[0]), "read");
    return told;
}

/// Holds `shared` by one descriptor, a buffer of 2 pages by two descriptors and, where that is
/// possible, a mapping of one page, and one of 3 pages by a thread's descriptor.
class several_holder {
public:
    explicit several_holder(lab::descriptor const& shared)
        : mapped_(mappings_hold())
        , one_([&shared, mapped = mapped_] {
            auto const of_thread = start_thread(shared);
            auto const own = lab::alloc_heap(2 * page);
            lab::set_name(own.get(), "own");
            lab::check(::dup(own.get()), "dup");
            lab::check(::dup(own.get()), "dup"); // `own` itself goes
            if (mapped && ::mmap(nullptr, page, PROT_READ, MAP_SHARED, own.get(), 0) == MAP_FAILED)
                lab::check(-1, "mmap");
            std::vector told{lab::inode_of(shared.get()), lab::inode_of(own.get())};
            told.insert(told.end(), of_thread.begin(), of_thread.end());
            return told;
        }) {}

    [[nodiscard]] pid_t pid() const { return one_.pid(); }
    [[nodiscard]] pid_t thread() const { return static_cast<pid_t>(one_.inode(2)); }

    void check(dmabuf::snapshot const& now, std::uint64_t shared_bytes) const {
        REQUIRE(now.holders.size() == 1);
        auto const& who = holder_of(now, pid());
        CHECK(who.reference_count == 3);
        CHECK(who.rss_bytes == shared_bytes + 5 * page);
        CHECK(who.mapped_bytes == (mapped_ ? page : 0));
        CHECK_FALSE(who.pss_bytes.has_value());
        CHECK_FALSE(who.uss_bytes.has_value());
        check_buffer(now, one_.inode(0), shared_bytes, 1, 0);
        check_buffer(now, one_.inode(1), 2 * page, 2, mapped_ ? 1 : 0);
        check_buffer(now, one_.inode(3), 3 * page, 1, 0);
        CHECK(buffer_of(now, one_.inode(1)).name == "own");
        CHECK(now.coverage.alone_pid == pid());
        CHECK(now.coverage.found_all_held());
        CHECK_FALSE(now.coverage.complete());
        CHECK(now.coverage.processes == 1);
    }

private:
    void check_buffer(dmabuf::snapshot const& now, std::uint64_t inode, std::uint64_t bytes,
                      std::uint32_t descriptors, std::uint32_t mappings) const {
        auto const& buffer = buffer_of(now, inode);
        CHECK(buffer.size_bytes == bytes);
        CHECK(now.exporter_of(buffer).view() == lab::heap_exporter());
        CHECK_FALSE(buffer.holders.has_value());
        auto const& how = reference_of(now, pid(), inode);
        CHECK(how.descriptors == descriptors);
        CHECK(how.mappings == mappings);
    }

    bool mapped_;
    actor one_;
};

dmabuf::snapshot alone(pid_t pid, dmabuf::sample_options options) {
    dmabuf::sampler sampler(options);
    dmabuf::snapshot now;
    auto const done = sampler.sample_process(now, pid);
    INFO(describe(done.error()).c_str());
    REQUIRE(done);
    return now;
}

int why_not(pid_t pid, dmabuf::sample_options options) {
    dmabuf::sampler sampler(options);
    dmabuf::snapshot now;
    auto const done = sampler.sample_process(now, pid);
    return done ? 0 : done.error().error;
}

/// A process that holds nothing.
actor idle_without(lab::descriptor const& shared) {
    return actor([&shared] {
        ::close(shared.get());
        return std::vector<std::uint64_t>{};
    });
}

/// A process that has ended and is not reaped.
class zombie {
public:
    zombie()
        : pid_(lab::check(::fork(), "fork")) {
        if (pid_ == 0) ::_exit(0);
        siginfo_t what{};
        ::waitid(P_PID, static_cast<id_t>(pid_), &what, WEXITED | WNOWAIT);
    }
    zombie(zombie const&) = delete;
    zombie& operator=(zombie const&) = delete;
    ~zombie() { ::waitpid(pid_, nullptr, 0); }

    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_;
};

void check_all(source by, dmabuf::sample_options options) {
    auto const shared = lab::alloc_heap(7 * page); // which this process holds too
    several_holder const one(shared);
    auto const now = alone(one.pid(), options);
    CHECK(now.coverage.found_by == by);
    one.check(now, 7 * page);

    auto const own = alone(::getpid(), options);
    CHECK(reference_of(own, ::getpid(), lab::inode_of(shared.get())).descriptors == 1);

    auto const idle = idle_without(shared);
    CHECK(alone(idle.pid(), options).holders.empty());

    zombie const ended;
    CHECK(why_not(999'999, options) == ENOENT);
    CHECK(why_not(one.thread(), options) == ECHILD);
    CHECK(why_not(2, options) == ENOEXEC); // kthreadd
    CHECK(why_not(ended.pid(), options) == ESRCH);
}

struct refusals {
    int holder = 0, thread = 0, kernel_thread = 0, idle = 0;
};

/// As another user, without any capability.
refusals refused_to_user(dmabuf::sample_options options, pid_t holder, pid_t thread, pid_t idle) {
    return elsewhere<refusals>([&] {
        become(4711);
        return refusals{why_not(holder, options), why_not(thread, options), why_not(2, options),
                        why_not(idle, options)};
    });
}

} // namespace

TEST_CASE("one process alone, by the list or the walk") {
    dmabuf::sample_options options;
    options.bpf = false;
    if (has_list()) check_all(source::dmabuf_fds, options);
    options.force = source::fd_walk;
    check_all(source::fd_walk, options);
}

TEST_CASE("one process alone may be refused to another user, with the reason") {
    dmabuf::sample_options options;
    options.bpf = false;
    auto const shared = lab::alloc_heap(page);
    several_holder const one(shared);
    auto const idle = idle_without(shared);
    auto const seen = refused_to_user(options, one.pid(), one.thread(), idle.pid());
    CHECK(seen.holder == EACCES);
    CHECK(seen.thread == ECHILD);
    CHECK(seen.kernel_thread == ENOEXEC);
    CHECK(seen.idle == EACCES);
}

TEST_CASE("dmabuf_ps shows one process alone, and what it holds") {
    auto const shared = lab::alloc_heap(256 * page);
    several_holder const one(shared);
    auto const pid = std::to_string(one.pid());
    auto const text = output_of(("dmabuf_ps --bytes --alone --pid " + pid).c_str());
    CAPTURE(text);
    CHECK(text.find("      3    4     ") != text.npos);
    CHECK(text.find("?  1069056    ?  lab_tests\n") != text.npos); // 261 pages
    CHECK(text.find("Process " + pid + " alone: all that it holds was found.") != text.npos);
    auto const rows = output_of(("dmabuf_ps --bytes --buffers --no-debugfs --pid " + pid).c_str());
    CAPTURE(rows);
    CHECK(rows.find("SHARED WITH") != rows.npos);
    CHECK(rows.find("  1048576  524288        2    1     0  ") != rows.npos);
    CHECK(rows.find(std::to_string(::getpid()) + " lab_tests") != rows.npos);
}

TEST_CASE("bpf: one process alone, by the pinned programs", "[.bpf]") {
    if (kernel_is_before(6, 1)) return skip("a walk over one process: before Linux 6.1");
    REQUIRE(std::system("dmabuf_pin --mode 0444 > /tmp/pinned") == 0);
    check_all(source::bpf_iterator, {});
    {
        auto const shared = lab::alloc_heap(page);
        several_holder const one(shared);
        auto const idle = idle_without(shared);
        auto const seen = refused_to_user({}, one.pid(), one.thread(), idle.pid());
        CHECK(seen.holder == 0);
        CHECK(seen.thread == ECHILD);
        CHECK(seen.kernel_thread == ENOEXEC);
        CHECK(seen.idle == 0);
    }
    CHECK(std::system("dmabuf_pin --unpin") == 0);
}
