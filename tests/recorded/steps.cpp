// SPDX-License-Identifier: MIT
//
// Things that others can make many must not cost their square. Counted in steps: this unit is
// compiled with -fsanitize-coverage=trace-pc, and each step is one stretch of the library's code
// without a branch. Neither the fake kernel's steps count, nor those of the C library.
#include "recorded/steps.hpp"

#include <dmabuf/diff.hpp>
#include <dmabuf/groups.hpp>
#include <dmabuf/growth.hpp>
#include <dmabuf/sampling/snapshot_builder.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr std::uint32_t some = 500;

template<class Run>
std::uint64_t steps_of(Run run) {
    auto const before = counted_steps();
    run();
    return counted_steps() - before;
}

/// `steps(n)` for `n` and eight times as many: N log N takes at most 8 * 12 / 9 as many, and its
/// square 64.
template<class Steps>
void check_growth(Steps steps) {
    auto const few = steps(some);
    auto const many = steps(8 * some);
    INFO(few << " steps for " << some << ", " << many << " for " << 8 * some);
    CHECK(few > some); // or nothing is counted
    CHECK(many < 14 * few);
}

enum class order : std::uint8_t { ascending, descending, oldest_last, alternating, random };

std::vector<std::uint32_t> numbers(std::uint32_t count, order how) {
    std::vector<std::uint32_t> all(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (how == order::ascending || how == order::random) all[i] = i;
        if (how == order::descending) all[i] = count - 1 - i;
        if (how == order::oldest_last) all[i] = (i + 1) % count;
        if (how == order::alternating) all[i] = i % 2 == 0 ? i / 2 : count - 1 - i / 2;
    }
    std::mt19937 random(1); // NOLINT: the same on every run
    if (how == order::random) std::shuffle(all.begin(), all.end(), random);
    return all;
}

order any_order() {
    return GENERATE(order::ascending, order::descending, order::oldest_last, order::alternating,
                    order::random);
}

/// A process for each number, which it has as its user, and which holds that one's buffer.
dmabuf::snapshot held_by_users(std::vector<std::uint32_t> const& users) {
    dmabuf::snapshot now;
    dmabuf::snapshot_builder build;
    build.begin(now);
    for (auto const user : users) {
        build.begin_process();
        build.found_mapping(build.buffer_at(1 + user), 4096);
        dmabuf::holder who;
        who.pid = static_cast<std::int32_t>(now.holders.size() + 1);
        who.uid = user;
        build.add_holder(who);
    }
    build.finish();
    return now;
}

/// As many processes, buffers, exporters, cgroups and users as `count`, whose numbers come in an
/// order of `how`: each process holds one buffer, or one holds all; each by so many mappings.
dmabuf::snapshot changing_world(std::uint32_t count, order how, bool shared,
                                std::uint32_t mappings) {
    dmabuf::snapshot now;
    dmabuf::snapshot_builder build;
    build.begin(now);
    auto const all = numbers(count, how);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (!shared || i == 0) build.begin_process();
        auto const at = build.buffer_at(1 + i);
        build.set_exporter(at, dmabuf::exporter_name(std::to_string(1000000 + all[i])));
        build.set_size(at, 4096);
        for (std::uint32_t times = mappings; times != 0; --times)
            build.found_mapping(at, 4096);
        if (shared && i + 1 != count) continue;
        dmabuf::holder who;
        who.pid = static_cast<std::int32_t>(1 + i);
        who.uid = all[i];
        who.cgroup = build.cgroup_at("/user.slice/app-" + std::to_string(1000000 + all[i]));
        build.add_holder(who);
    }
    build.finish();
    for (auto const& one : now.buffers) {
        now.counts.push_back({one.inode, 1, 0, true, true});
        now.attachments.push_back({one.inode, dmabuf::device_name("gpu"), 1 + all[0]});
    }
    now.coverage.mappings_read = true;
    return now;
}

} // namespace

TEST_CASE("steps: a snapshot, whichever buffer is met last") {
    auto const how = any_order();
    bool const let_go = GENERATE(false, true); // of every other one that was known
    check_growth([&](std::uint32_t count) {
        auto const inodes = numbers(count, how);
        dmabuf::snapshot now;
        dmabuf::snapshot_builder build;
        build.remember(true);
        return steps_of([&] {
            for (int round = 0; round < 3; ++round) {
                build.begin(now);
                build.begin_process();
                for (auto const inode : inodes)
                    if (!let_go || round != 1 || inode % 2 == 0)
                        build.found_mapping(build.buffer_at(1 + inode), 4096);
                build.add_holder({});
                build.finish();
            }
        });
    });
}

TEST_CASE("steps: sums by user, each process another one's") {
    auto const how = any_order();
    check_growth([&](std::uint32_t count) {
        auto const now = held_by_users(numbers(count, how));
        std::size_t groups = 0;
        auto const steps = steps_of([&] { groups = by_user(now).size(); });
        REQUIRE(groups == count);
        return steps;
    });
}

TEST_CASE("steps: cgroups, each process in another one, and the sums by them") {
    auto const how = any_order();
    bool const alike = GENERATE(false, true);
    check_growth([&](std::uint32_t count) {
        std::vector<std::string> paths;
        for (auto const number : numbers(count, how))
            paths.push_back((alike ? "/user.slice/app-" : "/") + std::to_string(1000000 + number));
        dmabuf::snapshot now;
        dmabuf::snapshot_builder build;
        std::size_t groups = 0;
        auto const steps = steps_of([&] {
            build.begin(now);
            for (auto const& path : paths) {
                build.begin_process();
                build.found_mapping(build.buffer_at(1), 4096);
                dmabuf::holder who;
                who.pid = static_cast<std::int32_t>(now.holders.size() + 1);
                who.cgroup = build.cgroup_at(path);
                build.add_holder(who);
            }
            build.finish();
            groups = by_cgroup(now).size();
        });
        REQUIRE(groups == count);
        return steps;
    });
}

TEST_CASE("steps: exporters, each buffer another one's, whole or cut") {
    auto const how = any_order();
    bool const cut = GENERATE(false, true);
    check_growth([&](std::uint32_t count) {
        std::vector<dmabuf::exporter_name> names;
        for (auto const number : numbers(count, how))
            names.emplace_back(std::to_string(number) + (cut ? std::string(64, 'x') : ""));
        dmabuf::snapshot now;
        dmabuf::snapshot_builder build;
        auto const steps = steps_of([&] {
            build.begin(now);
            build.begin_process();
            for (std::uint32_t i = 0; i < count; ++i) {
                auto const at = build.buffer_at(1 + i);
                build.set_exporter(at, names[i]);
                build.found_mapping(at, 4096);
            }
            build.add_holder({});
            build.finish();
        });
        REQUIRE(now.exporters.size() == count);
        return steps;
    });
}

TEST_CASE("steps: what changed, where everything did, into memory that has grown") {
    auto const how = any_order();
    bool const shared = GENERATE(false, true); // all buffers are of every process of a user
    check_growth([&](std::uint32_t count) {
        auto const before = changing_world(count, order::ascending, shared, 1);
        auto const after = changing_world(count, how, shared, 2);
        dmabuf::snapshot_diff found;
        diff(before, after, found);
        auto const steps = steps_of([&] { diff(before, after, found); });
        REQUIRE(found.buffers.size() >= count);
        REQUIRE(found.exporters.size() >= count);
        REQUIRE(found.cgroups.size() >= (shared ? 1 : count));
        return steps;
    });
}

TEST_CASE("steps: what grows, where everything that was there vanishes and as much appears") {
    auto const how = any_order();
    bool const shared = GENERATE(false, true);
    bool const room = GENERATE(false, true);
    check_growth([&](std::uint32_t count) {
        auto const before = changing_world(count, how, shared, 1);
        auto after = changing_world(count, how, shared, 2);
        for (auto& who : after.holders)
            who.pid += static_cast<std::int32_t>(count / 2);
        for (auto& one : after.counts)
            one.inode += count / 2;
        dmabuf::growth_options options;
        options.series = room ? 12 * count : count;
        dmabuf::growth_watch watch(options);
        return steps_of([&] {
            watch.feed(before, 1);
            watch.feed(after, 1'000'000'001);
            watch.feed(before, 2'000'000'001);
        });
    });
}
