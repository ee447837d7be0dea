// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/cmdline.hpp>

#include "parse/table.hpp"

namespace {

using namespace std::string_view_literals;

struct arguments_row {
    std::string_view text;
    std::string_view arguments;

    constexpr bool holds(std::string_view bytes) const {
        return dmabuf::parse_command_line(bytes) == arguments;
    }
};

constexpr arguments_row command_lines[] = {
    {""sv, ""sv}, // a kernel thread, a zombie
    {"cat\0"sv, "cat"sv},
    {"cat\0-n\0a b\0"sv, "cat\0-n\0a b"sv},
    {"\0cat\0"sv, "\0cat"sv}, // an empty name
    {"a\0\0b\0"sv, "a\0\0b"sv},
    // A title in the place of arguments, with and without a NUL at its end, and a shorter one.
    {"postgres: writer"sv, "postgres: writer"sv},
    {"postgres: writer\0"sv, "postgres: writer"sv},
    {"nginx: worker\0\0\0\0\0\0"sv, "nginx: worker"sv},
    {"\0\0\0"sv, ""sv},
    {"a\nb\x1b[2J\xff\\\0"sv, "a\nb\x1b[2J\xff\\"sv},
};

TEST_CASE("cmdline: any bytes, and no empty arguments at the end") {
    CHECK_TABLE(command_lines);
}

} // namespace
