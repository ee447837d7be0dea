// SPDX-License-Identifier: MIT
#include "tmux.hpp"

#include "program.hpp"

#include <chrono>
#include <thread>
#include <unistd.h>

namespace top {

namespace {

constexpr auto program = "/usr/bin/tmux";
constexpr auto longest_wait = std::chrono::seconds(20);

} // namespace

bool has_tmux() {
    return ::access(program, X_OK) == 0;
}

tmux::tmux(std::size_t width, std::size_t height, std::vector<std::string> const& environment) {
    std::vector<std::string> words{"-f", "/dev/null",           "-u", "new-session",         "-d",
                                   "-x", std::to_string(width), "-y", std::to_string(height)};
    for (auto const& one : environment)
        words.insert(words.end(), {"-e", one});
    words.emplace_back("/bin/bash --norc --noprofile");
    call(words);
    await("bash-");
}

tmux::~tmux() {
    call({"kill-server"});
}

std::string tmux::call(std::vector<std::string> words) const {
    words.insert(words.begin(), {program, "-S", path("socket")});
    auto const answer = programs::run(std::move(words), [] { ::unsetenv("TMUX"); });
    INFO(answer.err);
    CHECK(answer.status == 0);
    return answer.out;
}

void tmux::run(std::string const& command) {
    call({"send-keys", "-l", command});
    press({"Enter"});
}

void tmux::press(std::vector<std::string> keys) {
    keys.insert(keys.begin(), "send-keys");
    call(std::move(keys));
}

void tmux::resize(std::size_t width, std::size_t height) {
    call({"resize-window", "-x", std::to_string(width), "-y", std::to_string(height)});
}

std::string tmux::text() const {
    auto all = call({"capture-pane", "-p"});
    all.resize(all.find_last_not_of(" \n") + 1);
    return all + "\n";
}

std::string tmux::await(std::string const& part, bool there) const {
    auto const end = std::chrono::steady_clock::now() + longest_wait;
    for (;;) {
        auto const screen = text();
        if ((screen.find(part) != screen.npos) == there) return screen;
        if (std::chrono::steady_clock::now() > end) {
            INFO(screen);
            FAIL("no screen " << (there ? "has " : "lacks ") << part);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

std::string tmux::await(std::string const& part) const {
    return await(part, true);
}

std::string tmux::await_gone(std::string const& part) const {
    return await(part, false);
}

} // namespace top
