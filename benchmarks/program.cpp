// SPDX-License-Identifier: MIT
//
// The whole program, from its start to its last line: with the options that its name says.
#include "buffers.hpp"
#include "rows.hpp"

#include <spawn.h>
#include <sstream>

namespace {

/// What a program writes to its standard output.
std::string output_of(std::string const& command) {
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
    std::string text;
    char piece[65536];
    for (long got = 0; (got = ::read(reader.get(), piece, sizeof piece)) > 0;)
        text.append(piece, static_cast<std::size_t>(got));
    int status = 0;
    if (error != 0 || ::waitpid(pid, &status, 0) != pid || status != 0)
        throw std::runtime_error(command + " failed");
    return text;
}

/// The column FDS of the table, whose end is an empty line.
std::uint64_t descriptors_in(std::string const& table) {
    std::istringstream lines(table);
    std::string line;
    std::getline(lines, line);
    std::uint64_t sum = 0;
    while (std::getline(lines, line) && !line.empty()) {
        std::istringstream cells(line);
        std::string pid, user, buffers;
        std::uint64_t descriptors = 0;
        cells >> pid >> user >> buffers >> descriptors;
        sum += descriptors;
    }
    return sum;
}

row running(char const* name) {
    std::string const command = std::string(name).substr(std::string_view("program: ").size());
    return {.name = name,
            .begin = [command](auto) -> look {
                return [command] { return descriptors_in(output_of(command)); };
            },
            .program = true};
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
        with_lists(running("program: dmabuf_ps --source dmabuf_fds")),
        with_pins(running("program: dmabuf_ps --source bpf_iterator")),
    };
}
