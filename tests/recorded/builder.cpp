// SPDX-License-Identifier: MIT
//
// The builder alone: buffers met in any order and again, let go of and new ones, over several
// snapshots. What is expected is counted apart.
#include <dmabuf/snapshot_builder.hpp>

#include "catch.hpp"

#include <map>
#include <random>
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
    build[at].exporter = exporter_of(inode);
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
        CHECK(buffer.exporter == exporter_of(buffer.inode));
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
