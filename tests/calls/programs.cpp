// SPDX-License-Identifier: MIT
//
// The programs behind a filter of their listed system calls, on this machine.
#include "calls.hpp"
#include "catch.hpp"

#include <csignal>
#include <cstdlib>
#include <semaphore>
#include <sys/wait.h>
#include <thread>

namespace {

/// Another thread of this process. A program that walks over it asks kcmp whether both threads have
/// one table, even where no other process of the machine has a second thread.
class second_thread {
public:
    second_thread() = default;
    ~second_thread() { ended_.release(); }
    second_thread(second_thread&&) = delete;

private:
    std::binary_semaphore ended_{0};
    std::jthread thread_{[this] { ended_.acquire(); }};
};

/// A directory of its own, without its files.
class scratch {
public:
    scratch() { REQUIRE(::mkdtemp(path_.data())); }
    ~scratch() { CHECK(std::system(("rm -r " + path_).c_str()) == 0); }
    scratch(scratch&&) = delete;

    [[nodiscard]] std::string operator/(std::string const& name) const {
        return path_ + "/" + name;
    }

private:
    std::string path_ = "/tmp/calls-XXXXXX";
};

/// Runs of a program by its words, each of them successful.
std::vector<calls::trace> runs_of(calls::listed const& expected,
                                  std::vector<std::vector<std::string>> const& commands) {
    std::vector<calls::trace> runs;
    for (auto const& words : commands) {
        INFO(words.back());
        runs.push_back(calls::follow_program(expected.all(), words));
        CHECK(runs.back().refused.empty());
        CHECK(runs.back().status == 0);
    }
    return runs;
}

} // namespace

TEST_CASE("calls: dmabuf_ps makes those that are listed, and no other") {
    scratch const directory;
    auto const file = directory / "recording";
    auto const expected = calls::of({"start", "memory", "dmabuf_ps"}, {"sampler", "fd_walk"});
    auto const runs = runs_of(expected, {{DMABUF_PS},
                                         {DMABUF_PS, "--verbose", "--args", "--hints"},
                                         {DMABUF_PS, "--json"},
                                         {DMABUF_PS, "--diff", "0.1"},
                                         {DMABUF_PS, "--record", file},
                                         {DMABUF_PS, "--diff-with", file},
                                         {DMABUF_PS, "--replay", file}});
    CHECK(difference(expected, runs) == "");
}

TEST_CASE("calls: lowmem_capture makes those that are listed, and no other") {
    scratch const directory;
    auto const captures = directory / "captures";
    auto const expected = calls::of({"start", "memory", "lowmem_capture"}, {"sampler", "fd_walk"});
    auto runs =
        runs_of(expected, {{DMABUF_LOWMEM_CAPTURE, "-d", captures, "--test"},
                           {DMABUF_LOWMEM_CAPTURE, "-d", captures, "--test", "--keep", "1"}});
    // As long as it waits. Without CAP_SYS_RESOURCE the kernel takes this window and no shorter
    // one.
    runs.push_back(calls::follow_program(
        expected.all(), {DMABUF_LOWMEM_CAPTURE, "-d", captures, "--window", "2000"}, 1));
    CHECK((runs.back().status & 0x7f) == SIGALRM);
    CHECK(difference(expected, runs) == "");
}

TEST_CASE("calls: dmabuf_watch makes those that are listed, and no other") {
    scratch const directory;
    auto const log = directory / "log";
    auto const expected = calls::of({"start", "memory", "dmabuf_watch"}, {"sampler", "fd_walk"});
    auto const runs =
        runs_of(expected, {{DMABUF_WATCH, "--every", "100ms", "--for", "300ms"},
                           {DMABUF_WATCH, "--every", "100ms", "--for", "300ms", "--log", log}});
    CHECK(difference(expected, runs) == "");
}

TEST_CASE("calls: dmabuf_exporter makes those that are listed, and no other") {
    scratch const directory;
    auto const file = directory / "dmabuf.prom";
    auto const expected = calls::of({"start", "memory", "dmabuf_exporter"}, {"sampler", "fd_walk"});
    auto const runs = runs_of(expected, {{DMABUF_EXPORTER, "--textfile", file, "--once"}});
    CHECK(difference(expected, runs) == "");
}

#ifdef DMABUF_TOP
TEST_CASE("calls: dmabuf_top --batch makes those that are listed, and no other") {
    auto const expected = calls::of({"start", "memory", "dmabuf_top"}, {"sampler", "fd_walk"});
    auto const runs = runs_of(expected, {{DMABUF_TOP, "--batch", "2", "--every", "100ms"}});
    CHECK(difference(expected, runs) == "");
}
#endif

#ifdef DMABUF_REPORT
TEST_CASE("calls: dmabuf_report makes those that are listed, and no other") {
    scratch const directory;
    auto const page = directory / "page";
    auto const expected = calls::of({"start", "memory", "dmabuf_report"}, {"sampler", "fd_walk"});
    // The second page replaces the first.
    auto const runs = runs_of(expected, {{DMABUF_REPORT, "-o", page}, {DMABUF_REPORT, "-o", page}});
    CHECK(difference(expected, runs) == "");
}
#endif

TEST_CASE("calls: a program without one of its calls does not run") {
    second_thread const other;
    auto const expected = calls::of({"start", "memory", "dmabuf_ps"}, {"sampler", "fd_walk"});
    for (auto const* name : {"kcmp", "write", "getdents64"}) {
        auto fewer = expected.all();
        REQUIRE(fewer.erase(name) == 1);
        auto const run = calls::follow_program(fewer, {DMABUF_PS});
        CHECK(run.refused == name);
        CHECK(WIFSIGNALED(run.status));
        CHECK(difference(expected, {run}).find(name) != std::string::npos);
    }
}
