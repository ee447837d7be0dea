// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/status.hpp>

#include "parse/table.hpp"

namespace {

using dmabuf::parse_process_status;

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

} // namespace
