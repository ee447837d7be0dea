// SPDX-License-Identifier: MIT
//
// Processes and descriptors that go away while they are looked at, at a call of the test's choice.
#include "scene.hpp"

using namespace scene;

namespace {

/// Calls `act` before the `at`-th call that the library makes for one process.
struct plan {
    std::string process;
    unsigned at = 0;
    std::function<void()> act;
    unsigned calls = 0;
    bool inside = false;
};

class interrupted_system : public dmabuf::live_system {
public:
    interrupted_system() = default;
    explicit interrupted_system(plan& plan)
        : plan_(&plan) {}

    int open(int directory, char const* path, int flags) const {
        // A process is entered by its number, and left by another's.
        bool const number =
            std::string_view(path).find_first_not_of("0123456789") == std::string_view::npos;
        if (number && (flags & O_DIRECTORY) != 0) plan_->inside = path == plan_->process;
        count();
        return live_system::open(directory, path, flags);
    }
    long read(int fd, std::span<char> space) const { return count(), live_system::read(fd, space); }
    long list(int fd, std::span<char> space) const { return count(), live_system::list(fd, space); }
    int status(int directory, char const* path, int flags, dmabuf::file_status& status) const {
        return count(), live_system::status(directory, path, flags, status);
    }
    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                      std::span<char> space) const {
        return count(), live_system::query_mapping(fd, from, found, space);
    }

private:
    void count() const {
        if (plan_->inside && ++plan_->calls == plan_->at) plan_->act();
    }

    plan* plan_ = nullptr;
};

dmabuf::snapshot sample_with(plan& plan) {
    dmabuf::basic_sampler<interrupted_system> sampler({}, interrupted_system(plan));
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    return now;
}

std::vector<std::uint64_t> three_buffers() {
    return {keep(lab::alloc_heap(page)), keep(lab::alloc_heap(2 * page)),
            keep(lab::alloc_udmabuf(4 * page))};
}

} // namespace

TEST_CASE("a process that exits at any call is there whole or not at all") {
    unsigned there = 0;
    unsigned calls = 0;
    for (unsigned at = 1;; ++at) {
        actor goes(three_buffers);
        auto const pid = goes.pid();
        plan kill{std::to_string(pid), at, [&] { goes.kill(); }};
        auto const now = sample_with(kill);
        CAPTURE(at);
        if (kill.calls < at) { // it was asked that often, and lives
            CHECK(holder_of(now, pid).rss_bytes == 7 * page);
            break;
        }
        calls = at;
        if (auto const* holder = find_holder(now, pid)) {
            CHECK(holder->rss_bytes == 7 * page);
            ++there;
        } else {
            CHECK(now.coverage.processes_gone >= 1);
        }
        CHECK(now.coverage.processes_failed == 0);
        CHECK(now.coverage.complete());
    }
    REQUIRE(calls > 20);
    CHECK(there >= 1);        // at the last calls it is known already who held them
    CHECK(there < calls / 2); // at the others it is not, or the process did not go
}

TEST_CASE("an exited process that nobody has reaped holds nothing") {
    int ends[2];
    lab::check(::pipe2(ends, O_CLOEXEC), "pipe2");
    pid_t const zombie = lab::check(::fork(), "fork");
    if (zombie == 0) {
        auto const held = keep(lab::alloc_heap(page));
        bool const told = ::write(ends[1], &held, sizeof held) == sizeof held;
        ::_exit(told ? 0 : 1);
    }
    std::uint64_t held = 0;
    lab::descriptor const reader(ends[0]);
    lab::descriptor const writer(ends[1]);
    REQUIRE(::read(reader.get(), &held, sizeof held) == sizeof held);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(zombie), &info, WEXITED | WNOWAIT) == 0);
    auto const now = sample();
    CHECK_FALSE(find_holder(now, zombie));
    CHECK_FALSE(find_buffer(now, held));
    CHECK(now.coverage.processes_failed == 0);
    ::waitpid(zombie, nullptr, 0);
}

TEST_CASE("a process that becomes a zombie at any call is there whole or not at all") {
    unsigned there = 0;
    unsigned at = 1;
    for (bool happened = true; happened; ++at) {
        actor goes(three_buffers);
        auto const pid = goes.pid();
        happened = false;
        plan kill{std::to_string(pid), at, [&] {
                      happened = true;
                      ::kill(pid, SIGKILL);
                      siginfo_t info{};
                      ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
                  }};
        auto const now = sample_with(kill);
        CAPTURE(at);
        if (auto const* holder = find_holder(now, pid)) {
            CHECK(holder->rss_bytes == 7 * page);
            ++there;
        }
        CHECK(now.coverage.processes_failed == 0);
    }
    CHECK(at > 20);
    CHECK(there > 0);
    CHECK(there < at - 2);
}

TEST_CASE("a descriptor that is closed while it is looked at takes nothing else with it") {
    for (unsigned at = 1; at < 40; ++at) {
        auto commands = lab::make_socket_pair();
        lab::child process([&](lab::ready& done) {
            auto stays = lab::alloc_heap(page);
            auto goes = lab::alloc_heap(2 * page);
            auto last = lab::alloc_heap(4 * page);
            done.tell(std::to_string(lab::inode_of(stays.get())) + " " +
                      std::to_string(lab::inode_of(goes.get())));
            lab::recv_fd(commands.there.get()); // the word to close
            goes.reset();
            lab::send_fd(commands.there.get(), 0);
            for (;;)
                ::pause();
        });
        auto const told = process.wait_ready();
        plan close{std::to_string(process.pid()), at, [&] {
                       lab::send_fd(commands.here.get(), 0);
                       lab::recv_fd(commands.here.get());
                   }};
        auto const now = sample_with(close);
        CAPTURE(at, told);
        auto const& holder = holder_of(now, process.pid());
        auto const goes = std::stoull(told.substr(told.find(' ')));
        CHECK(holder.rss_bytes == (find_buffer(now, goes) ? 7 : 5) * page);
        CHECK(now.coverage.complete());
        CHECK(now.coverage.first_failure.error == 0);
    }
}

TEST_CASE("a process number that is used again does not mix two processes") {
    auto const again = [](pid_t pid) {
        lab::descriptor last(
            lab::check(::open("/proc/sys/kernel/ns_last_pid", O_WRONLY), "ns_last_pid"));
        auto const text = std::to_string(pid - 1);
        lab::check(::write(last.get(), text.data(), text.size()), "ns_last_pid");
    };
    unsigned reused = 0;
    for (unsigned at = 2; at < 40; ++at) {
        std::optional<actor> first(std::in_place, three_buffers);
        std::optional<actor> second;
        auto const pid = first->pid();
        plan swap{std::to_string(pid), at, [&] {
                      first.reset();
                      again(pid);
                      second.emplace([] { return std::vector{keep(lab::alloc_heap(64 * page))}; });
                  }};
        auto const now = sample_with(swap);
        CAPTURE(at);
        if (!second || second->pid() != pid) continue; // somebody else was given the number
        ++reused;
        // A process that went while its mappings were read is looked at again: that finds the
        // other.
        if (auto const* holder = find_holder(now, pid))
            CHECK((holder->rss_bytes == 7 * page || holder->rss_bytes == 64 * page));
    }
    CHECK(reused > 20);
}
