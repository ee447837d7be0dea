// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/stat.hpp>

#include "parse/table.hpp"

namespace {

using namespace std::string_view_literals;
using dmabuf::parse_stat;

#define REST " 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 98765 1000 200 18446744073709551615 1\n"

struct stat_row {
    std::string_view text;
    std::int32_t pid;
    std::string_view comm;
    char state = 'S';
    std::int32_t parent = 1;
    std::uint32_t flags = 4194304;
    std::int32_t threads = 3;
    std::uint64_t start_ticks = 98765;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = parse_stat(bytes);
        return found && found->pid == pid && found->comm == comm && found->state == state &&
               found->parent == parent && found->flags == flags && found->threads == threads &&
               found->start_ticks == start_ticks;
    }
};

constexpr stat_row stats[] = {
    {"12 (cat) S 1" REST, 12, "cat"},
    {"12 () S 1" REST, 12, ""},
    {"12 ()) S 1" REST, 12, ")"},
    {"12 (a b) S 1" REST, 12, "a b"},
    {"12 () S 1 () S 1" REST, 12, ") S 1 ("},
    {"12 (x) R 9 9 9 9 9) S 1" REST, 12, "x) R 9 9 9 9 9"},
    {"12 (\n) S 1" REST, 12, "\n"},
    {"12 (a\nb) S 1" REST, 12, "a\nb"},
    {"12 (\x1b[2J\xff) S 1" REST, 12, "\x1b[2J\xff"},
    {"12 ((sd-pam)) S 1" REST, 12, "(sd-pam)"},
    {"12 (a\0b) S 1" REST ""sv, 12, "a\0b"sv},
    {"2147483647 (kworker/u4:3-events_unbound) S 1" REST, 2147483647,
     "kworker/u4:3-events_unbound"},
    {"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 2 0 0 1\n", 2, "kthreadd", 'S', 0,
     2129984, 1, 2},
    {"9 (z) Z 1 12 12 0 -1 4227084 0 0 0 0 0 0 0 0 20 0 2147483647 0 18446744073709551615 0 0 1\n",
     9, "z", 'Z', 1, 4227084, 2147483647, 18446744073709551615U},
    // Nothing after the 22nd field is needed.
    {"12 (cat) S 1 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 98765\n", 12, "cat"},
};

struct bad_stat {
    std::string_view text;
    std::uint32_t offset = 0;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = parse_stat(bytes);
        return !found && found.error().error == EBADMSG && found.error().offset == offset;
    }
};

constexpr bad_stat bad_stats[] = {
    {""},
    {"\n"},
    {"12"},
    {"12 (cat)"},
    {"12 (cat S 1" REST},
    {"12 cat) S 1" REST},
    {"x (cat) S 1" REST},
    {"-99999999999 (cat) S 1" REST},
    {"2147483648 (cat) S 1" REST},
    {"12 (cat) S 1 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 98765", 62}, // no newline
    {"12 (cat) S 1 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0\n", 56},
    {"12 (cat) SS 1" REST, 9},
    {"12 (cat)  1" REST, 9},
    {"12 (cat) S x" REST, 11},
    {"12 (cat) S 1 12 12 0 -1 -1 1 2 3 4 5 6 7 8 20 0 3 0 98765\n", 24},
    {"12 (cat) S 1 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3x 0 98765\n", 53},
    {"12 (cat) S 1 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 18446744073709551616\n", 57},
};

TEST_CASE("stat: a comm may hold anything") {
    CHECK_TABLE(stats);
}

TEST_CASE("stat: the offset of what does not fit") {
    CHECK_TABLE(bad_stats);
}

TEST_CASE("stat: cut at every byte, it is refused") {
    constexpr std::string_view text = "12 (cat) S 1" REST;
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK_FALSE(parse_stat(table::exactly(text.substr(0, size)).view()));
}

TEST_CASE("stat: kernel threads and tasks on their way out") {
    auto const with = [](char state, std::uint32_t flags) {
        dmabuf::task_stat stat;
        stat.state = state;
        stat.flags = flags;
        return stat;
    };
    CHECK(with('S', 0x00200040).kernel_thread());
    CHECK_FALSE(with('S', 0x00400140).kernel_thread());
    CHECK(with('R', 0x4).exiting());
    CHECK(with('Z', 0).exiting());
    CHECK(with('X', 0).exiting());
    CHECK_FALSE(with('S', 0x40000000).exiting());
}

} // namespace
