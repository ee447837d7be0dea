// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/process.hpp>

#include "parse/table.hpp"

namespace {

using namespace std::string_view_literals;
using dmabuf::parse_process_status;
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

struct status_row {
    std::string_view text;
    std::uint32_t uid;
    std::uint32_t levels;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = parse_process_status(bytes);
        for (std::size_t size = 1; size < 4; ++size) {
            dmabuf::process_status_parser parser;
            for (std::size_t at = 0; at < bytes.size(); at += size)
                parser.feed(bytes.substr(at, size));
            auto const pieces = parser.finish();
            if (!pieces || pieces->uid != uid || pieces->pid_levels != levels) return false;
        }
        return found && found->uid == uid && found->pid_levels == levels;
    }
};

constexpr status_row statuses[] = {
    {"Name:\tcat\nUid:\t1000\t1001\t1002\t1003\nNSpid:\t12\n", 1001, 1},
    {"Uid:\t0\t0\t0\t0\nNSpid:\t12\t1\n", 0, 2},
    {"Uid:\t0\t0\t0\t0\nNSpid:\t12\t7\t1\n", 0, 3},
    {"Uid:\t0\t4294967295\t0\t0\n", 4294967295U, 0},
    {"Uid:\t0\t5\n", 5, 0},
    {"Name:\ta\\nUid:\t7\t7\nUid:\t1\t2\t3\t4\n", 2, 0}, // the kernel escapes newlines in Name
    {"Uid:\t1\t1\t1\t1\nUid:\t2\t2\t2\t2\n", 1, 0},
    {"Uid:\t1\t1\t1\t1\nGroups:\t1 2 3 4", 1, 0}, // the end may be missing
    {"Uid:\t1\t1\t1\t1\nNSpid:\t1", 1, 0},        // and what was cut is not believed
    {"Uid:\t1\t1\t1\t1\nNSpid:\t1\t2", 1, 0},
    {"Uid:\t1\t1\t1\t1\nGroups:\t1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 "
     "26 "
     "27 28 29 30\t\t\nNSpid:\t4194304\t4194304\t4194304\t4194304\t4194304\t4194304\t4194304\t"
     "4194304\t4194304\t4194304\t4194304\t4194304\n",
     1, 12},
    {"xUid:\t9\t9\t9\t9\nUid:\t1\t1\t1\t1\n", 1, 0},
};

struct bad_status {
    std::string_view text;
    constexpr bool holds(std::string_view bytes) const {
        auto const found = parse_process_status(bytes);
        return !found && found.error().error == EBADMSG;
    }
};

constexpr bad_status bad_statuses[] = {
    {""},
    {"Name:\tcat\n"},
    {"Name:\tcat\nUid:\t1000\t1001\t1002\t1003"},
    {"Uid:\t1000\n"},
    {"Uid:\n"},
    {"Uid:\t1000\tx\t1\t1\n"},
    {"Uid:\t1000\t-1\t1\t1\n"},
    {"Uid:\t1000\t4294967296\t1\t1\n"},
    {"Uid: 1000 1000 1000 1000\n"},
};

TEST_CASE("status: the effective uid, and how many pid namespaces deep") {
    CHECK_TABLE(statuses);
    CHECK_TABLE(bad_statuses);
}

struct group {
    std::string_view text;
    std::string_view path; ///< "" is refused
    int error = EBADMSG;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = dmabuf::parse_cgroup(bytes);
        return path.empty() ? !found && found.error().error == error : found && *found == path;
    }
};

constexpr group groups[] = {
    {"0::/user.slice/user-1000.slice\n", "/user.slice/user-1000.slice"},
    {"0::/\n", "/"},
    {"12:cpu,memory:/video\n1:name=systemd:/x\n0::/unified\n", "/video"},
    {"12:cpu:/cpu\n1:name=systemd:/x\n0::/unified\n", "/unified"},
    {"3:cpu,memoryx:/a\n0::/a:b (deleted)\n", "/a:b (deleted)"},
    // Without both, or at the root of both, the first of the others.
    {"1:name=systemd:/x\n", "name=systemd:/x"},
    {"4:freezer:/\n3:cpuset:/foreground\n2:cpu:/\n1:schedtune:/top-app\n", "cpuset:/foreground"},
    {"4:freezer:/f\n3:cpuset:/foreground\n", "cpuset:/foreground"},
    {"4:devices:/d\n3:hugetlb:/h\n", "devices:/d"},
    {"3:cpu,cpuacct:/c\n2:freezer:/f\n", "cpu,cpuacct:/c"},
    {"5:pids:/p\n4:memory:/\n1:name=systemd:/x\n0::/\n", "name=systemd:/x"},
    {"5:pids:/p\n4:memory:/\n1:name=systemd:/x\n0::/unified\n", "/unified"},
    {"5:pids:/p\n4:memory:/\n1:name=systemd:/\n", "pids:/p"},
    {"4:freezer:/\n3:cpuset:/\n", "/"},
    {"1:named:/x\n", "named:/x"},
    // A hierarchy without controllers and of another number is no unified one.
    {"1::/x\n0::/y\n", "/y"},
    {"0::relative\n", ""},
    {"0::/cut", ""},
    {"", "", ENODATA},
    {"\n", ""},
};

TEST_CASE("cgroup: the memory controller's path, else the unified one, else another") {
    CHECK_TABLE(groups);
}

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
