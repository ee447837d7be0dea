// SPDX-License-Identifier: MIT
//
// The builder alone: buffers met in any order and again, let go of and new ones, over several
// snapshots. What is expected is counted apart.
#include <dmabuf/sampling/snapshot_builder.hpp>

#include "catch.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using held_by_inode = std::map<std::uint64_t, std::uint32_t>; // descriptors

/// One process's table, each inode as often as it likes, in any order.
std::vector<std::uint64_t> any_table(std::mt19937& random, std::uint64_t first_inode) {
    std::vector<std::uint64_t> table(random() % 12);
    for (auto& inode : table)
        inode = first_inode + random() % 20;
    return table;
}

dmabuf::exporter_name exporter_of(std::uint64_t inode) {
    return dmabuf::exporter_name(inode % 3 == 0 ? "system" : "udmabuf");
}

/// Tells what never changes of a buffer only where it is not known yet. How often that was.
int find(dmabuf::snapshot_builder& build, std::uint64_t inode) {
    auto const at = build.buffer_at(inode);
    build.found(at, false);
    if (build[at].size_known) return 0;
    build.set_size(at, 4096 * inode);
    build.set_exporter(at, exporter_of(inode));
    return 1;
}

void check(dmabuf::snapshot const& now, std::vector<held_by_inode> const& processes) {
    held_by_inode all;
    REQUIRE(now.holders.size() == processes.size());
    for (std::size_t i = 0; i < processes.size(); ++i) {
        held_by_inode found;
        for (auto const& reference : now.references_of(now.holders[i])) {
            CHECK(reference.holder == i);
            CHECK(found.emplace(now.buffers.at(reference.buffer).inode, reference.descriptors)
                      .second);
        }
        CHECK(found == processes[i]);
        for (auto const& [inode, descriptors] : processes[i])
            all[inode] += descriptors;
    }
    REQUIRE(now.buffers.size() == all.size());
    auto expected = all.cbegin();
    for (auto const& buffer : now.buffers) {
        CHECK(buffer.inode == expected->first);
        CHECK(buffer.descriptors == expected->second);
        CHECK(buffer.size_bytes == 4096 * buffer.inode);
        CHECK(now.exporter_of(buffer) == exporter_of(buffer.inode));
        CHECK_FALSE(buffer.name_known);
        ++expected;
    }
}

} // namespace

TEST_CASE("builder: buffers in any order, known and new, come out by inode") {
    auto const seed = GENERATE(range(0U, 300U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    dmabuf::snapshot_builder build;
    dmabuf::snapshot now;
    build.remember(true);
    for (std::uint64_t round = 0; round < 6; ++round) {
        build.begin(now);
        std::vector<held_by_inode> processes;
        for (auto left = random() % 6; left > 0; --left) {
            auto const table = any_table(random, 1 + 5 * round);
            bool const whole = random() % 4 != 0; // else it exits while it is looked at
            build.begin_process();
            build.begin_table();
            for (auto const inode : table)
                find(build, inode);
            build.add_table();
            if (!whole) build.drop_process();
            if (!build.holds_something()) continue;
            build.add_holder({});
            for (auto& process = processes.emplace_back(); auto const inode : table)
                ++process[inode];
        }
        if (round == 3) continue; // the sample failed: what was known before still is
        build.finish();
        check(now, processes);
    }
}

TEST_CASE("builder: what is known of a buffer is not asked again, and let go of with the buffer") {
    dmabuf::snapshot_builder build;
    build.remember(true);
    // The snapshot may be another one each time.
    auto const asked = [&](std::vector<std::uint64_t> const& table) {
        dmabuf::snapshot now;
        int count = 0;
        build.begin(now);
        build.begin_process();
        build.begin_table();
        for (auto const inode : table)
            count += find(build, inode);
        build.add_table();
        build.add_holder({});
        build.finish();
        return count;
    };
    CHECK(asked({7, 5, 9}) == 3);
    CHECK(asked({9, 7, 5, 9}) == 0);
    CHECK(asked({9, 3}) == 1);
    CHECK(asked({5, 3}) == 1);
    build.remember(false);
    CHECK(asked({5, 3}) == 2);
}

namespace {

// A first look touches each page of the list once: it may get smaller, not larger.
static_assert(sizeof(dmabuf::buffer) <= 104);

using exporters_by_inode = std::map<std::uint64_t, std::string>;

/// One process that holds these buffers, each made by its exporter.
dmabuf::snapshot held(dmabuf::snapshot_builder& build, exporters_by_inode const& buffers) {
    dmabuf::snapshot now;
    build.begin(now);
    build.begin_process();
    build.begin_table();
    for (auto const& [inode, exporter] : buffers) {
        auto const at = build.buffer_at(inode);
        build.found(at, false);
        build.set_size(at, 4096);
        build.set_exporter(at, dmabuf::exporter_name(exporter));
    }
    build.add_table();
    build.add_holder({});
    build.finish();
    return now;
}

} // namespace

TEST_CASE("builder: exporters with one beginning are two, up to 63 bytes") {
    dmabuf::snapshot_builder build;
    build.remember(true);
    auto const common = std::string(62, 'e');
    exporters_by_inode buffers{{1, common + "1"}, {2, common + "2"}, {3, common + "1"}};
    for (int round = 0; round < 3; ++round) {
        auto const now = held(build, buffers);
        REQUIRE(now.exporters.size() == 2);
        CHECK(now.exporters[0].name == common + "1");
        CHECK(now.exporters[0].buffers == 2);
        CHECK(now.exporters[1].name == common + "2");
        CHECK(now.exporter_names.size() == 2);
        for (auto const& one : now.buffers)
            CHECK(now.exporter_of(one) == buffers[one.inode]);
    }
}

TEST_CASE("builder: an exporter that was cut is no other buffer's, and stays its own buffer's") {
    dmabuf::snapshot_builder build;
    build.remember(true);
    auto const whole = std::string(63, 'e');
    exporters_by_inode const buffers{{1, whole + "1"}, {2, whole + "1"}, {3, whole}, {4, whole}};
    for (int round = 0; round < 200; ++round) {
        auto const now = held(build, buffers);
        REQUIRE(now.exporters.size() == 3);
        CHECK(now.exporters[0].buffers == 2);
        CHECK_FALSE(now.exporters[0].name.truncated());
        CHECK(now.exporters[1].name.truncated());
        CHECK(now.exporters[1].exporter != now.exporters[2].exporter);
        CHECK(now.exporter_of(now.buffers[1]).truncated());
        CHECK(now.exporter_names.size() == 3);
    }
}

TEST_CASE("builder: exporters of buffers that are gone do not pile up") {
    bool const remembers = GENERATE(false, true);
    dmabuf::snapshot_builder build;
    build.remember(remembers);
    std::size_t most = 0;
    for (std::uint64_t inode = 1; inode <= 1000; ++inode) {
        auto const name = std::to_string(inode);
        auto const cut = name + std::string(64, 'x');
        auto const now = held(build, {{1, "system"}, {1 + inode, name}, {2000 + inode, cut}});
        most = std::max(most, now.exporter_names.size());
        CHECK(now.exporter_of(now.buffers[0]) == "system");
        CHECK(now.exporter_of(now.buffers[1]) == name);
        CHECK(now.exporter_of(now.buffers[2]).view() == cut.substr(0, 63));
    }
    CHECK(most < 100);
}

TEST_CASE("builder: a buffer whose exporter nobody told has none") {
    dmabuf::snapshot_builder build;
    auto const now = held(build, {{1, ""}, {2, "system"}});
    CHECK(now.buffers[0].exporter == dmabuf::exporter_id::unknown);
    CHECK(now.exporter_of(now.buffers[0]).empty());
    REQUIRE(now.exporters.size() == 2);
    CHECK(now.exporters[0].name.empty());
    CHECK(now.exporters[0].exporter == dmabuf::exporter_id::unknown);
    CHECK(now.exporters[1].exporter == now.buffers[1].exporter);
}
