// SPDX-License-Identifier: MIT
#include "program.hpp"

#include <cstdio>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

namespace programs {

namespace {

/// Without a name, and gone with this.
class scratch_file {
public:
    scratch_file()
        : file_(std::tmpfile()) {
        REQUIRE(file_);
    }
    [[nodiscard]] int fd() const { return ::fileno(file_.get()); }
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd()); }
    void write(std::string const& text) const {
        REQUIRE(std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size());
        REQUIRE(std::fflush(file_.get()) == 0);
    }
    [[nodiscard]] std::string text() const {
        std::string all;
        char piece[4096];
        std::rewind(file_.get());
        while (auto const got = std::fread(piece, 1, sizeof piece, file_.get()))
            all.append(piece, got);
        return all;
    }

private:
    struct closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, closer> file_;
};

} // namespace

answer run(std::vector<std::string> words, std::function<void()> const& prepare) {
    scratch_file const out, err;
    pid_t const pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        std::vector<char*> arguments;
        for (auto& one : words)
            arguments.push_back(one.data());
        arguments.push_back(nullptr);
        ::dup2(out.fd(), STDOUT_FILENO);
        ::dup2(err.fd(), STDERR_FILENO);
        if (prepare) prepare();
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), out.text(), err.text()};
}

answer replayed(replay::recording const& recording, std::vector<std::string> const& options,
                std::function<void()> const& prepare) {
    scratch_file const file;
    file.write(replay::write(recording));
    std::vector<std::string> words{DMABUF_PS, "--replay", file.path()};
    words.insert(words.end(), options.begin(), options.end());
    return run(std::move(words), prepare);
}

answer compared(std::string const& older, std::string const& newer,
                std::vector<std::string> const& options) {
    scratch_file const before;
    scratch_file const after;
    before.write(older);
    after.write(newer);
    std::vector<std::string> words{DMABUF_PS, "--replay", after.path(), "--diff-with",
                                   before.path()};
    words.insert(words.end(), options.begin(), options.end());
    return run(std::move(words));
}

} // namespace programs
