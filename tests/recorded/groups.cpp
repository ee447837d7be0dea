// SPDX-License-Identifier: MIT
//
// Groups and comparison, on snapshots made by hand.
#include <dmabuf/diff.hpp>
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

TEST_CASE("diff: a process that was given another's number is another process") {
    auto const before = make({{1, 8}}, {{10, 0, 100, {0}}});
    auto const after = make({{1, 8}}, {{10, 0, 200, {0}}});
    auto const found = diff(before, after);
    REQUIRE(found.holders.size() == 2);
    CHECK(found.holders[0].what == dmabuf::change::gone);
    CHECK(found.holders[0].start_ticks == 100);
    CHECK(found.holders[0].buffers_lost == 1);
    CHECK(found.holders[1].what == dmabuf::change::appeared);
    CHECK(found.holders[1].start_ticks == 200);
    CHECK(found.buffers.empty());
    CHECK(found.total_bytes == 0);
}

TEST_CASE("diff: appeared, gone, gained and lost") {
    auto const before =
        make({{1, 8}, {2, 4}, {5, 16}}, {{10, 0, 1, {0, 1}}, {11, 0, 1, {2}}, {12, 0, 1, {0}}});
    auto const after =
        make({{1, 8}, {3, 2}, {4, 1}}, {{10, 0, 1, {0, 1, 2}}, {12, 0, 1, {0}}, {13, 0, 1, {1}}});
    auto const found = diff(before, after);
    REQUIRE(found.holders.size() == 3); // 12 is as it was
    auto const& ten = found.holders[0];
    CHECK(ten.pid == 10);
    CHECK(ten.what == dmabuf::change::changed);
    CHECK(ten.grew());
    CHECK(ten.buffers_before == 2);
    CHECK(ten.buffers_after == 3);
    CHECK(ten.buffers_gained == 2);
    CHECK(ten.buffers_lost == 1);
    CHECK(ten.rss_before_bytes == 12);
    CHECK(ten.rss_after_bytes == 11);
    CHECK(found.holders[1].pid == 11);
    CHECK(found.holders[1].what == dmabuf::change::gone);
    CHECK(found.holders[2].pid == 13);
    CHECK(found.holders[2].what == dmabuf::change::appeared);
    REQUIRE(found.buffers.size() == 4);
    CHECK(found.buffers[0].inode == 2);
    CHECK(found.buffers[0].what == dmabuf::change::gone);
    CHECK(found.buffers[1].inode == 3);
    CHECK(found.buffers[1].holders_after == 2);
    CHECK(found.buffers[3].inode == 5);
    CHECK(found.total_bytes == 11 - 28);
}

TEST_CASE("diff: the same is no change, and an exchange of equal sizes is one") {
    auto const one = make({{1, 8}, {2, 8}}, {{10, 0, 1, {0}}, {11, 0, 1, {1}}});
    auto const swapped = make({{1, 8}, {2, 8}}, {{10, 0, 1, {1}}, {11, 0, 1, {0}}});
    CHECK(diff(one, one).holders.empty());
    CHECK(diff(one, one).buffers.empty());
    auto const found = diff(one, swapped);
    REQUIRE(found.holders.size() == 2);
    CHECK(found.holders[0].buffers_gained == 1);
    CHECK(found.holders[0].buffers_lost == 1);
    CHECK_FALSE(found.holders[0].grew());
}

TEST_CASE("diff: exporters go by their names, whatever their numbers in either snapshot") {
    auto before = make({{1, 8}, {2, 8}}, {{10, 0, 1, {0, 1}}});
    auto after = make({{2, 8}, {3, 8}}, {{10, 0, 1, {0}}, {11, 0, 1, {0, 1}}});
    auto const system = dmabuf::exporter_name("system");
    auto const udmabuf = dmabuf::exporter_name("udmabuf");
    before.exporter_names = {system, udmabuf};
    before.buffers[0].exporter = before.buffers[1].exporter = dmabuf::exporter_id{1};
    after.exporter_names = {udmabuf, system};
    after.buffers[0].exporter = dmabuf::exporter_id{2};
    after.buffers[1].exporter = dmabuf::exporter_id{1};
    auto const found = diff(before, after);
    REQUIRE(found.buffers.size() == 3);
    CHECK(found.buffers[0].exporter == system); // gone
    CHECK(found.buffers[1].exporter == system); // has one holder more
    CHECK(found.buffers[2].exporter == udmabuf);
}

TEST_CASE("diff: a buffer whose number of holders changed") {
    auto const before = make({{1, 8}}, {{10, 0, 1, {0}}});
    auto const after = make({{1, 8}}, {{10, 0, 1, {0}}, {11, 0, 1, {0}}});
    auto const found = diff(before, after);
    REQUIRE(found.buffers.size() == 1);
    CHECK(found.buffers[0].what == dmabuf::change::changed);
    CHECK(found.buffers[0].holders_before == 1);
    CHECK(found.buffers[0].holders_after == 2);
    REQUIRE(found.holders.size() == 2);
    CHECK(found.holders[0].pid == 10); // its share changed
}
