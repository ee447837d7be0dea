// SPDX-License-Identifier: MIT
//
// dmabuf_top by its keys, in a terminal of tmux, over a replayed series. The screens stand in the
// documentation. However it ends, the terminal is left as it was.
#include "program.hpp"
#include "scene.hpp"
#include "tmux.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sstream>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using words = std::vector<std::string>;

words const utf8{"LC_ALL=C.UTF-8"};

bool has(std::string const& text, std::string_view part) {
    return text.find(part) != text.npos;
}

/// Shows a series, each look of which waits for the key n. The file `pid` has its number.
std::string command(top::series const& of, std::string const& options = {}) {
    std::string text = "cd " + of.directory() +
                       "; sh -c 'echo $$ >pid; exec " DMABUF_TOP " --paused " + options +
                       " --replay";
    for (auto const& file : of.files())
        text += " " + file.substr(file.rfind('/') + 1);
    return text + "'";
}

/// A shell's terminal, in which dmabuf_top shows a series.
struct session {
    top::series const& looks;
    top::tmux tmux;

    explicit session(top::series const& of, std::size_t width = 80, std::size_t height = 24,
                     words const& environment = utf8, std::string const& options = {})
        : looks(of)
        , tmux(width, height, environment) {
        tmux.run("stty -g >" + tmux.path("before") + "; clear");
        tmux.run(command(of, options));
        tmux.await("processes hold");
    }

    /// Presses n until the last look is shown.
    void show_all() {
        for (std::size_t at = 1; at < looks.files().size(); ++at) {
            tmux.press({"n"});
            tmux.await(" " + std::to_string(at) + ".recording");
        }
    }

    [[nodiscard]] pid_t program() const {
        pid_t found = 0;
        std::ifstream(looks.directory() + "/pid") >> found;
        REQUIRE(found > 0);
        return found;
    }

    void expect_same_settings() {
        tmux.run("stty -g >" + tmux.path("after") + "; cmp " + tmux.path("before") + " " +
                 tmux.path("after") + " && echo THE SAME | tr A-Z a-z");
        tmux.await("the same");
    }
    /// The terminal's settings, and the shell's own screen.
    void expect_terminal_as_before() {
        tmux.await_gone("processes hold");
        tmux.run("clear");
        expect_same_settings();
    }
};

std::string page() {
    std::ifstream file(DMABUF_SCREENS);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A screen as a block of the documentation.
std::string block_of(std::string const& screen) {
    std::string block;
    std::istringstream lines(screen);
    for (std::string line; std::getline(lines, line);)
        block += line.empty() ? "\n" : "    " + line + "\n";
    return block;
}

/// Waits for a screen that has this text, and is as the documentation has it once it is drawn
/// whole.
void await_documented(top::tmux const& tmux, std::string const& part) {
    auto block = block_of(tmux.await(part));
    for (int i = 0; i < 100 && !has(page(), block); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        block = block_of(tmux.text());
    }
    INFO(block);
    CHECK(has(page(), block));
}

} // namespace

TEST_CASE("top, by keys: the views, a process, a buffer and the way back, as the page shows") {
    if (!top::has_tmux()) return;
    top::series const looks(60, top::leak);
    session it(looks);
    it.show_all();
    await_documented(it.tmux, "↑");
    it.tmux.press({"2"});
    await_documented(it.tmux, "INODE");
    it.tmux.press({"1"});
    it.tmux.press({"Down", "Enter"});
    await_documented(it.tmux, " process 640 (compositor) ");
    it.tmux.press({"Down", "Down", "Enter"});
    await_documented(it.tmux, " buffer 41 ");
    it.tmux.press({"Escape"});
    it.tmux.await(" process 640 (compositor) ");
    it.tmux.press({"Escape"});
    it.tmux.await_gone(" process 640 (compositor) ");
    it.tmux.press({"h"});
    await_documented(it.tmux, "No key ends a process");
    it.tmux.press({"q"});
    it.expect_terminal_as_before();
}

TEST_CASE("top, by keys: filter, order, pause and views") {
    if (!top::has_tmux()) return;
    top::series const looks(2);
    session it(looks);
    it.tmux.press({"/", "b", "r", "o", "w"});
    it.tmux.await("1 of 3 with: brow_");
    it.tmux.press({"Enter"});
    it.tmux.await_gone("brow_");
    it.tmux.press({"Escape"});
    it.tmux.await("compositor");
    it.tmux.press({"F6"});
    it.tmux.await_gone("PSSv");
    it.tmux.press({"<"});
    it.tmux.await("PSSv");
    it.tmux.press({"i"});
    it.tmux.await("PSS^");
    it.tmux.await("0.recording paused");
    it.tmux.press({"p"}); // goes on, once a second
    it.tmux.await("1.recording ended");
    it.tmux.press({"Space"});
    it.tmux.await("paused");
    it.tmux.press({"p"});
    it.tmux.await_gone("paused");
    it.tmux.press({"r"});
    it.tmux.await("What is replayed has been recorded.");
    for (auto const* title : {"INODE", "EXPORTER", "MADE BY", "PROCS", "PID"}) {
        it.tmux.press({"Tab"});
        it.tmux.await(title);
    }
    it.tmux.press({"F8"});
    it.tmux.await("Processes: 3, all seen.");
    it.tmux.press({"F9", "K", "x"});
    it.tmux.await("Processes: 3, all seen.");
    it.tmux.press({"F10"});
    it.expect_terminal_as_before();
}

TEST_CASE("top, by keys: another size, too small a one, and Ctrl-Z with fg") {
    if (!top::has_tmux()) return;
    top::series const looks(1);
    session it(looks);
    it.tmux.resize(120, 30);
    it.tmux.await("USS");
    it.tmux.resize(50, 8);
    it.tmux.await("50x8 is too small: 60x10");
    it.tmux.resize(300, 50);
    it.tmux.await("CGROUP");
    it.tmux.resize(80, 24);
    it.tmux.await_gone("CGROUP");
    it.tmux.press({"C-z"});
    it.tmux.await("Stopped");
    it.expect_same_settings();
    it.tmux.resize(100, 20);
    it.tmux.run("fg");
    it.tmux.await("processes hold");
    it.tmux.await("GROWS");
    it.tmux.press({"Down"});
    it.tmux.press({"C-c"});
    it.expect_terminal_as_before();
}

TEST_CASE("top, by keys: in the locale C and with NO_COLOR the screen is ASCII without colours") {
    if (!top::has_tmux()) return;
    top::series const looks(50, top::leak);
    session it(looks, 80, 24, {"LC_ALL=C", "NO_COLOR=1"});
    it.show_all();
    auto const screen = it.tmux.await("^");
    for (char const c : screen)
        CHECK(static_cast<unsigned char>(c) < 0x80);
    CHECK(has(screen, " ####"));
    it.tmux.press({"q"});
    it.expect_terminal_as_before();
}

TEST_CASE("top: each signal that ends it leaves the terminal as it was") {
    if (!top::has_tmux()) return;
    top::series const looks(1);
    for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
        INFO(signal);
        session it(looks);
        REQUIRE(::kill(it.program(), signal) == 0);
        it.expect_terminal_as_before();
    }
}

TEST_CASE("top: stopped and continued from outside, it draws its screen again") {
    if (!top::has_tmux()) return;
    top::series const looks(1);
    session it(looks);
    REQUIRE(::kill(it.program(), SIGSTOP) == 0);
    it.tmux.await("Stopped");
    it.tmux.run("clear; fg");
    it.tmux.await("3 processes hold");
    it.tmux.press({"q"});
    it.expect_terminal_as_before();
}

TEST_CASE("top: a look that fails ends a replay in words, with the terminal as it was") {
    if (!top::has_tmux()) return;
    top::series const looks(2);
    session it(looks);
    std::ofstream(looks.files()[1]) << "no recording";
    it.tmux.press({"n"});
    it.tmux.await("dmabuf_top: 1.recording:1: ");
    it.tmux.run("echo STATUS $? | tr A-Z a-z");
    it.tmux.await("status 1");
    it.expect_same_settings();
}

TEST_CASE("top: where the terminal goes away, so does it") {
    top::series const looks(1);
    for (bool const hangs_up : {true, false}) {
        int const master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        REQUIRE(master >= 0);
        REQUIRE(::grantpt(master) == 0);
        REQUIRE(::unlockpt(master) == 0);
        char name[64];
        REQUIRE(::ptsname_r(master, name, sizeof name) == 0);
        winsize const size{24, 80, 0, 0};
        REQUIRE(::ioctl(master, TIOCSWINSZ, &size) == 0);
        pid_t const pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            ::setsid();
            int const terminal = ::open(name, O_RDWR);
            for (int const fd : {STDIN_FILENO, STDOUT_FILENO})
                ::dup2(terminal, fd);
            if (hangs_up) (void)::ioctl(terminal, TIOCSCTTY, 0);
            ::setenv("TERM", "xterm", 1);
            ::execl(DMABUF_TOP, DMABUF_TOP, "--paused", "--replay", looks.files()[0].c_str(),
                    nullptr);
            ::_exit(127);
        }
        std::string seen;
        char piece[4096];
        while (!has(seen, "processes hold")) {
            auto const got = ::read(master, piece, sizeof piece);
            REQUIRE(got > 0);
            seen.append(piece, static_cast<std::size_t>(got));
        }
        ::close(master);
        int status = -1;
        for (int tries = 0; tries < 200 && ::waitpid(pid, &status, WNOHANG) == 0; ++tries)
            ::usleep(50'000);
        CHECK(status == 0);
        if (status == -1) ::kill(pid, SIGKILL);
    }
}
