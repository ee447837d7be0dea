// SPDX-License-Identifier: MIT
//
// dmabuf_top on a pseudo-terminal, over real buffers: its keys, its screens, the recordings that it
// makes, and the terminal that it leaves.
#include "scene.hpp"

#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

namespace {

using namespace scene;

/// A pseudo-terminal on which dmabuf_top runs, as the leader of its session.
class top {
public:
    explicit top(std::vector<std::string> options)
        : terminal_(lab::check(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt")) {
        lab::check(::grantpt(terminal_.get()), "grantpt");
        lab::check(::unlockpt(terminal_.get()), "unlockpt");
        char name[64];
        REQUIRE(::ptsname_r(terminal_.get(), name, sizeof name) == 0);
        other_end_ =
            lab::descriptor(lab::check(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), "open"));
        resize(160, 24);
        before_ = settings();
        pid_ = lab::check(::fork(), "fork");
        if (pid_ == 0) execute(std::move(options));
    }
    ~top() {
        if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
    }
    top(top const&) = delete;
    top& operator=(top const&) = delete;

    void press(std::string_view keys) {
        seen_.clear();
        REQUIRE(::write(terminal_.get(), keys.data(), keys.size()) ==
                static_cast<ssize_t>(keys.size()));
    }
    void resize(unsigned short width, unsigned short height) {
        seen_.clear();
        winsize const size{height, width, 0, 0};
        lab::check(::ioctl(terminal_.get(), TIOCSWINSZ, &size), "TIOCSWINSZ");
    }

    /// Reads what is written to the terminal until this is in it.
    bool await(std::string_view part) {
        while (seen_.find(part) == seen_.npos) {
            pollfd waiting{terminal_.get(), POLLIN, 0};
            char piece[4096];
            if (::poll(&waiting, 1, 10'000) != 1) return false;
            auto const got = ::read(terminal_.get(), piece, sizeof piece);
            if (got <= 0) return false;
            seen_.append(piece, static_cast<std::size_t>(got));
        }
        return true;
    }

    /// The exit status, or minus the signal that ended it.
    int end() {
        int status = 0;
        pollfd waiting{terminal_.get(), POLLIN, 0};
        char piece[4096];
        for (int tries = 0; tries < 200; ++tries) {
            if (::poll(&waiting, 1, 50) == 1) (void)!::read(terminal_.get(), piece, sizeof piece);
            if (::waitpid(pid_, &status, WNOHANG) != pid_) continue;
            pid_ = -1;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        }
        return -1000;
    }

    [[nodiscard]] bool has_settings_as_before() const {
        auto const now = settings();
        return now.c_iflag == before_.c_iflag && now.c_oflag == before_.c_oflag &&
               now.c_cflag == before_.c_cflag && now.c_lflag == before_.c_lflag &&
               std::memcmp(now.c_cc, before_.c_cc, sizeof now.c_cc) == 0;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string const& seen() const { return seen_; }

private:
    [[noreturn]] void execute(std::vector<std::string> options) {
        ::setsid();
        ::ioctl(other_end_.get(), TIOCSCTTY, 0);
        for (int const fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
            ::dup2(other_end_.get(), fd);
        ::setenv("TERM", "xterm", 1);
        ::setenv("LC_ALL", "C", 1);
        ::setenv("NO_COLOR", "1", 1);
        options.insert(options.begin(), "dmabuf_top");
        std::vector<char*> arguments;
        for (auto& one : options)
            arguments.push_back(one.data());
        arguments.push_back(nullptr);
        ::execvp("dmabuf_top", arguments.data());
        ::_exit(127);
    }

    [[nodiscard]] termios settings() const {
        termios now{};
        lab::check(::tcgetattr(other_end_.get(), &now), "tcgetattr");
        return now;
    }

    lab::descriptor terminal_;
    lab::descriptor other_end_;
    termios before_{};
    pid_t pid_ = -1;
    std::string seen_;
};

/// Holds one buffer of seven pages twice, and maps it.
lab::child holder() {
    return lab::child([](lab::ready& done) {
        auto const buffer = lab::alloc_heap(7 * page);
        auto const again = lab::check(::dup(buffer.get()), "dup");
        void* const at = ::mmap(nullptr, 7 * page, PROT_READ, MAP_SHARED, buffer.get(), 0);
        if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
        (void)again;
        done.tell();
        ::pause();
    });
}

} // namespace

TEST_CASE("top: a process and its buffer are on a real terminal, and the terminal stays as it was",
          "[.top]") {
    auto held = holder();
    held.wait_ready();
    auto const pid = std::to_string(held.pid());
    ::unlink("/tmp/top.0001");
    top it({"--paused", "--pid", pid, "--record", "/tmp/top"});
    CHECK(it.await(pid));
    CHECK(it.await("28.0 KiB"));
    it.press("\r"); // its buffers: 2 descriptors, 1 mapping
    CHECK(it.await("Buffers of process " + pid));
    CHECK(it.await("system"));
    it.press("\r");
    CHECK(it.await("Processes of buffer "));
    it.press("r");
    CHECK(it.await("recording 1"));
    it.press("r");
    CHECK(it.await("the last is /tmp/top.0001."));
    it.resize(59, 9);
    CHECK(it.await("59x9 is too small"));
    it.press("q");
    CHECK(it.end() == 0);
    CHECK(it.has_settings_as_before());

    struct ::stat made{};
    REQUIRE(::lstat("/tmp/top.0001", &made) == 0);
    CHECK(S_ISREG(made.st_mode));
    CHECK((made.st_mode & 0777U) == 0600U);
    CHECK(std::system(("dmabuf_top --batch 1 --replay /tmp/top.0001 | grep -q '^ *" + pid +
                       " .* 28.0 KiB '")
                          .c_str()) == 0);
}

TEST_CASE("top: whatever ends it, the terminal stays as it was, and no key ends the holder",
          "[.top]") {
    auto held = holder();
    held.wait_ready();
    auto const pid = std::to_string(held.pid());
    for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
        top it({"--pid", pid});
        CHECK(it.await("28.0 KiB"));
        it.press("kK9\x1b[20~\x1b[20~"); // F9 of htop
        REQUIRE(::kill(it.pid(), signal) == 0);
        CHECK(it.end() == 0);
        CHECK(it.has_settings_as_before());
    }
    CHECK(::kill(held.pid(), 0) == 0);
    top interrupted({"--pid", pid});
    CHECK(interrupted.await("28.0 KiB"));
    interrupted.press("\x03"); // Ctrl-C
    CHECK(interrupted.end() == 0);
    CHECK(interrupted.has_settings_as_before());
}

TEST_CASE("top: a process that ends goes from the screen", "[.top]") {
    top it({"--every", "200ms"});
    std::string pid;
    {
        auto held = holder();
        held.wait_ready();
        pid = std::to_string(held.pid());
        CHECK(it.await("28.0 KiB"));
        it.press("/" + pid + "\r");
        CHECK(it.await("1 of "));
    }
    ::sleep(2);
    it.press("\x0c"); // Ctrl-L: the whole screen
    CHECK(it.await("Nothing of this kind was seen."));
    it.press("q");
    CHECK(it.end() == 0);
}
