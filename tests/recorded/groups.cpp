// SPDX-License-Identifier: MIT
//
// Groups, on snapshots made by hand.
#include <dmabuf/groups.hpp>

#include "catch.hpp"

#include <vector>

namespace {

struct holding {
    std::int32_t pid;
    std::uint32_t uid;
    std::uint64_t start_ticks;
    std::vector<std::uint32_t> buffers; // indices
};

dmabuf::snapshot make(std::vector<std::pair<std::uint64_t, std::uint64_t>> const& buffers,
                      std::vector<holding> const& holders) {
    dmabuf::snapshot now;
    for (auto const& [inode, size] : buffers) {
        auto& one = now.buffers.emplace_back();
        one.inode = inode;
        one.size_bytes = size;
        one.size_known = true;
    }
    for (auto const& who : holders) {
        dmabuf::holder one;
        one.pid = who.pid;
        one.uid = who.uid;
        one.start_ticks = who.start_ticks;
        one.first_reference = now.references.size();
        one.reference_count = who.buffers.size();
        for (auto const buffer : who.buffers)
            now.references.push_back(
                {static_cast<std::uint32_t>(now.holders.size()), buffer, 1, 0, 0, 0});
        now.holders.push_back(one);
    }
    account(now);
    return now;
}

} // namespace

TEST_CASE("groups: what a group shares within itself is counted once, and is its own") {
    auto const now = make({{1, 1001}, {2, 20}, {3, 300}},
                          {{10, 0, 1, {0, 1}}, {11, 0, 1, {0, 2}}, {12, 7, 1, {2}}});
    auto const users = by_user(now);
    REQUIRE(users.size() == 2);
    CHECK(users[0].group == 0);
    CHECK(users[0].holders == 2);
    CHECK(users[0].buffers == 3);
    CHECK(users[0].rss_bytes == 1321);
    CHECK(users[0].pss_bytes == 1001 + 20 + 150);
    CHECK(users[0].uss_bytes == 1021);
    CHECK(users[0].descriptors == 4);
    CHECK(users[1].group == 7);
    CHECK(users[1].rss_bytes == 300);
    CHECK(users[1].pss_bytes == 150);
    CHECK(users[1].uss_bytes == 0);
    CHECK(by_group(now, [](dmabuf::holder const& who) { return who.pid; }).size() == 3);
    CHECK(by_user(make({}, {})).empty());
}

TEST_CASE("groups: holders without a cgroup are a group that has no name") {
    auto now = make({{1, 8}, {2, 4}}, {{10, 0, 1, {0}}, {11, 0, 1, {1}}});
    now.cgroup_text = {'/', 'a', '/', 'b'};
    now.cgroups = {{0, 2}, {2, 2}};
    now.holders[0].cgroup = 1;
    auto const groups = by_cgroup(now);
    REQUIRE(groups.size() == 2);
    CHECK(now.cgroup_name(groups[0].group) == "/b");
    CHECK(groups[1].group == dmabuf::no_cgroup);
    CHECK(now.cgroup_name(groups[1].group).empty());
}
