// SPDX-License-Identifier: MIT
//
// dmabuf_watch where its sight changes while it watches: a process that it may not read for a
// while, pins that are taken away, and rights that are. It says so once, goes on, and tells no
// growth.
#include "pinned.hpp"
#include "scene.hpp"

#include <fcntl.h>
#include <thread>

namespace {

using namespace scene;

constexpr uid_t user = 4711;

struct said {
    int status = -1;
    std::string out;
    std::string err;

    /// How often a text stands in its lines, or in its words.
    [[nodiscard]] static int count(std::string const& in, std::string const& text) {
        int found = 0;
        for (auto at = in.find(text); at != in.npos; at = in.find(text, at + 1))
            ++found;
        return found;
    }
    [[nodiscard]] int lines_with(std::string const& text) const { return count(out, text); }
    [[nodiscard]] int words_with(std::string const& text) const { return count(err, text); }
};

std::string text_in(char const* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Lets a watch of ten seconds run as `uid`. `meanwhile` is called after three of them.
template<class Meanwhile>
said watch_as(uid_t uid, Meanwhile meanwhile) {
    constexpr char const* files[] = {"/tmp/watched.out", "/tmp/watched.err"};
    auto const seconds = [](int count) {
        std::this_thread::sleep_for(std::chrono::seconds(count));
    };
    pid_t const pid = lab::check(::fork(), "fork");
    if (pid == 0) {
        for (int const which : {0, 1}) {
            int const file = ::open(files[which], O_WRONLY | O_CREAT | O_TRUNC, 0600);
            ::dup2(file, which + 1);
        }
        if (uid != 0) become(uid);
        ::execlp("dmabuf_watch", "dmabuf_watch", "--for", "10s", nullptr);
        ::_exit(127);
    }
    seconds(3);
    meanwhile();
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_in(files[0]), text_in(files[1])};
}

void check_goes_on(said const& watched) {
    CHECK(watched.status == 0);
    CHECK(watched.lines_with(": grows: ") == 0);
    CHECK(watched.lines_with("; 0 told to grow") == 1);
    auto const end = watched.out.find(" looks in ");
    REQUIRE(end != watched.out.npos);
    auto const begin = watched.out.rfind(' ', end - 1);
    auto const looks = std::stoi(watched.out.substr(begin, end - begin));
    CHECK(looks >= 8); // of eleven: a busy guest lets some slip
    CHECK(looks <= 11);
}

/// No process is said to be gone or to have appeared.
void check_all_stay(said const& watched) {
    CHECK(watched.lines_with(": gone: ") == 0);
    CHECK(watched.lines_with(": appeared: ") == 0);
}

/// A process of `user` that holds a buffer, and that may not be read from its second signal to the
/// third.
lab::child shy_holder() {
    return lab::child([](lab::ready& done) {
        auto const buffer = lab::alloc_heap(16 * page);
        become(user);
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGUSR1);
        ::sigprocmask(SIG_BLOCK, &signals, nullptr);
        done.tell();
        for (bool open = true;; open = !open) {
            lab::check(::prctl(PR_SET_DUMPABLE, open ? 1 : 0), "PR_SET_DUMPABLE");
            int which = 0;
            ::sigwait(&signals, &which);
        }
    });
}

} // namespace

TEST_CASE("watch: a process that may not be read for a while is neither gone nor new") {
    auto shy = shy_holder();
    shy.wait_ready();
    auto const watched = watch_as(user, [&] {
        ::kill(shy.pid(), SIGUSR1);
        std::this_thread::sleep_for(std::chrono::seconds(2));
        ::kill(shy.pid(), SIGUSR1);
    });
    INFO(watched.out << watched.err);
    check_goes_on(watched);
    CHECK(watched.lines_with("started: all processes: 64.0 KiB; 1 buffer; ") == 1);
    CHECK(watched.lines_with("finished: all processes: 64.0 KiB; 1 buffer; ") == 1);
    check_all_stay(watched);
    CHECK(watched.words_with("may not be read") >= 1);
}

TEST_CASE("watch: a process that may not be read is not gone when one out of sight ends") {
    auto shy = shy_holder();
    shy.wait_ready();
    auto roots = lab::child([](lab::ready& done) {
        done.tell();
        ::pause();
    });
    roots.wait_ready();
    auto const watched = watch_as(user, [&] {
        ::kill(shy.pid(), SIGUSR1);
        ::kill(roots.pid(), SIGKILL); // as many are out of sight as before
        std::this_thread::sleep_for(std::chrono::seconds(2));
        ::kill(shy.pid(), SIGUSR1);
    });
    INFO(watched.out << watched.err);
    check_goes_on(watched);
    check_all_stay(watched);
}

TEST_CASE("watch: pins that are taken away are said once, and the walk goes on", "[.bpf]") {
    actor const one([] { return std::vector{keep(lab::alloc_heap(16 * page))}; });
    REQUIRE(shell("dmabuf_pin > /tmp/pinned") == 0);
    auto const watched = watch_as(0, [] { pins::take_away(); });
    INFO(watched.out << watched.err);
    check_goes_on(watched);
    CHECK(watched.lines_with("; found by bpf_iterator\n") == 1);
    CHECK(watched.words_with("found by fd_walk from now on, and not by bpf_iterator any more: ") ==
          1);
    check_all_stay(watched);
}

TEST_CASE("watch: rights that are taken away are said once, and what went out of sight is not gone",
          "[.bpf]") {
    actor const one([] { return std::vector{keep(lab::alloc_heap(16 * page))}; });
    pins const pinned("--mode 0444");
    auto const watched =
        watch_as(user, [] { CHECK(shell("chmod 0400 /sys/fs/bpf/dmabuf/*") == 0); });
    INFO(watched.out << watched.err);
    check_goes_on(watched);
    CHECK(watched.lines_with("; found by bpf_iterator\n") == 1);
    CHECK(watched.words_with("found by fd_walk from now on, and not by bpf_iterator any more: ") ==
          1);
    CHECK(watched.words_with("permission denied (EACCES)") == 1);
    CHECK(watched.lines_with(": gone: ") == 0);
}
