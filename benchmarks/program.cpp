// SPDX-License-Identifier: MIT
//
// The whole program, from its start to its last line: with the options that its name says.
#include "buffers.hpp"
#include "rows.hpp"

#include <charconv>
#include <cstring>
#include <spawn.h>
#include <sstream>
#include <string_view>
#include <utility>

namespace {

/// Runs a command, and hands out each whole line of its output. No more of it is kept: the memory
/// for that would count.
template<class Take>
void take_output(std::string const& command, Take take) {
    std::istringstream in(command);
    std::vector<std::string> words;
    for (std::string word; in >> word;)
        words.push_back(word);
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int ends[2];
    lab::check(::pipe2(ends, O_CLOEXEC), "pipe2");
    lab::descriptor const reader(ends[0]);
    lab::descriptor writer(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, writer.get(), STDOUT_FILENO);
    pid_t pid = -1;
    int const error =
        ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    writer.reset();
    char piece[65536];
    std::size_t kept = 0;
    for (long got = 0; (got = ::read(reader.get(), piece + kept, sizeof piece - kept)) > 0;) {
        std::string_view text(piece, kept + static_cast<std::size_t>(got));
        for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
            take(text.substr(0, end));
            text.remove_prefix(end + 1);
        }
        kept = text.size();
        std::memmove(piece, text.data(), kept);
    }
    int status = 0;
    if (error != 0 || ::waitpid(pid, &status, 0) != pid || status != 0)
        throw std::runtime_error(command + " failed");
}

/// Adds up the column FDS of the table, the fourth, whose end is an empty line.
class table_descriptors {
public:
    void operator()(std::string_view line) {
        if (std::exchange(header_, false) || ended_) return;
        ended_ = line.empty();
        if (ended_) return;
        std::istringstream cells{std::string(line)};
        std::string first, second, third; // PID, USER, BUFFERS; or INODE, SIZE in bytes, EXPORTER
        std::uint64_t descriptors = 0;
        cells >> first >> second >> third >> descriptors;
        sum_ += descriptors;
    }
    [[nodiscard]] std::uint64_t sum() const { return sum_; }

private:
    bool header_ = true;
    bool ended_ = false;
    std::uint64_t sum_ = 0;
};

/// Adds up the field "descriptors" of each reference, which has a line of its own.
class json_descriptors {
public:
    void operator()(std::string_view line) {
        constexpr std::string_view field = " \"descriptors\": ";
        if (!line.starts_with("        {\"inode\": ")) return;
        auto const* const begin = line.data() + line.find(field) + field.size();
        std::uint64_t number = 0;
        std::from_chars(begin, line.data() + line.size(), number);
        sum_ += number;
    }
    [[nodiscard]] std::uint64_t sum() const { return sum_; }

private:
    std::uint64_t sum_ = 0;
};

template<class Descriptors>
std::uint64_t descriptors_by(std::string const& command) {
    Descriptors found;
    take_output(command, [&](std::string_view line) { found(line); });
    return found.sum();
}

/// The command in a row's name, with the holder's number in the place of PID.
std::string command_in(char const* name, std::int32_t holder) {
    std::string command = std::string(name).substr(std::string_view("program: ").size());
    std::string_view const word = "PID";
    auto const at = command.find(word);
    return at == command.npos ? command : command.replace(at, word.size(), std::to_string(holder));
}

row running(char const* name) {
    auto* const count = std::string_view(name).ends_with("json")
                            ? descriptors_by<json_descriptors>
                            : descriptors_by<table_descriptors>;
    return {.name = name,
            .begin = [name, count](auto holder) -> look {
                return [command = command_in(name, holder), count] { return count(command); };
            },
            .program = true};
}

row of_one(row made) {
    made.of_one = true;
    return made;
}

row with_lists(row made) {
    made.lists = true;
    return made;
}

row with_pins(row made) {
    made.pins = true;
    return made;
}

} // namespace

std::vector<row> program_rows() {
    return {
        running("program: dmabuf_ps --source fd_walk"),
        of_one(running("program: dmabuf_ps --source fd_walk --pid PID --alone")),
        with_lists(running("program: dmabuf_ps --source dmabuf_fds")),
        with_pins(running("program: dmabuf_ps --source bpf_iterator")),
        running("program: dmabuf_ps --source fd_walk --json"),
        with_lists(running("program: dmabuf_ps --source dmabuf_fds --json")),
        with_pins(running("program: dmabuf_ps --source bpf_iterator --json")),
        with_pins(running("program: dmabuf_ps --source bpf_iterator --buffers --bytes")),
        with_lists(running("program: floor_of_json")),
    };
}
