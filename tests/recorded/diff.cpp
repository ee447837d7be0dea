// SPDX-License-Identifier: MIT
//
// The changes between two snapshots. The expected values come from the actions of each test between
// them.
#include <dmabuf/diff.hpp>

#include "harness.hpp"

namespace {

dmabuf::sample_options everything() {
    dmabuf::sample_options options;
    options.bpf = false;
    options.counts = options.cgroups = options.unheld = options.bufinfo = true;
    options.path_descriptors = true;
    return options;
}

/// "21", "≥21", "≤21", "?"
std::string text_of(dmabuf::amount const& one) {
    switch (one.how) {
    case dmabuf::certainty::unknown:
        return "?";
    case dmabuf::certainty::exact:
        return std::to_string(one.value);
    case dmabuf::certainty::at_least:
        return "≥" + std::to_string(one.value);
    case dmabuf::certainty::at_most:
        return "≤" + std::to_string(one.value);
    }
    return {};
}

/// "descriptors 1 21, …": the amounts that the snapshots tell differently, before and after.
template<class Row>
std::string text_of(Row const& row) {
    std::string text = row.what == dmabuf::change::appeared ? "appeared"
                       : row.what == dmabuf::change::gone   ? "gone"
                                                            : "changed";
    row.for_each_amount([&](char const* name, dmabuf::amount_change const& one) {
        if (one.before == one.after) return;
        text += std::string(", ") + name + " " + text_of(one.before) + " " + text_of(one.after);
    });
    return text;
}

template<class Rows>
std::string all_of(Rows const& rows) {
    std::string text;
    for (auto const& row : rows)
        text += text_of(row) + "\n";
    return text;
}

/// Two samples of one sampler, between which `happens` changes the world.
struct two_samples {
    dmabuf::snapshot before;
    dmabuf::snapshot after;

    template<class Happens>
    two_samples(fake::kernel& kernel, Happens happens,
                dmabuf::sample_options options = everything()) {
        fake_sampler sampler(options, {&kernel});
        REQUIRE(sampler.sample(before));
        happens();
        REQUIRE(sampler.sample(after));
    }
    [[nodiscard]] dmabuf::snapshot_diff compared() const { return diff(before, after); }
};

/// One process that holds one buffer, on a system that tells everything.
struct one_holder {
    fake::kernel kernel;
    fake::file_ptr held = kernel.buffer(7, 4096);
    fake::process* one = &kernel.add(10, "one", 1000);

    one_holder() {
        kernel.debugfs = true;
        one->cgroup = "/a";
        one->open(held);
    }
};

} // namespace

TEST_CASE("diff: twenty descriptors more of one buffer, per process, buffer, exporter and group") {
    one_holder world;
    two_samples const two(world.kernel, [&] {
        for (int i = 0; i < 20; ++i)
            world.one->open(world.held);
    });
    auto const found = two.compared();
    CHECK(all_of(found.holders) == "changed, descriptors 1 21\n");
    CHECK(all_of(found.buffers) == "changed, descriptors 1 21, references 1 21\n");
    CHECK(all_of(found.exporters) == "changed, descriptors 1 21, references 1 21\n");
    CHECK(all_of(found.users) == "changed, descriptors 1 21\n");
    CHECK(all_of(found.cgroups) == "changed, descriptors 1 21\n");
    CHECK(found.holders.at(0).grew());
    CHECK(found.holders.at(0).descriptors.difference() == 20);
    CHECK(found.users.at(0).after == 1000);
    CHECK(two.after.cgroup_name(found.cgroups.at(0).after) == "/a");
    CHECK(found.exporters.at(0).name == "system");
    CHECK_FALSE(found.held_bytes.differs());
}

TEST_CASE("diff: ten mappings more of one buffer") {
    one_holder world;
    two_samples const two(world.kernel, [&] {
        for (int i = 0; i < 10; ++i)
            world.one->map(world.held, 4096);
    });
    auto const found = two.compared();
    auto const holding = "changed, mappings 0 10, mapped_bytes 0 40960";
    CHECK(all_of(found.holders) == std::string(holding) + "\n");
    CHECK(all_of(found.users) == std::string(holding) + "\n");
    CHECK(all_of(found.cgroups) == std::string(holding) + "\n");
    CHECK(all_of(found.buffers) == std::string(holding) + ", references 1 11\n");
    CHECK(all_of(found.exporters) == std::string(holding) + ", references 1 11\n");
}

TEST_CASE("diff: attachments that grow, and a device in the place of another") {
    one_holder world;
    world.held->devices = {"gpu"};
    two_samples const two(world.kernel, [&] { world.held->devices = {"gpu", "gpu", "camera"}; });
    auto const found = two.compared();
    CHECK(found.holders.empty());
    CHECK(all_of(found.buffers) == "changed, attachments 1 3\n");
    CHECK(found.buffers.at(0).other_devices);
    CHECK(all_of(found.exporters) == "changed, attachments 1 3\n");

    two_samples const exchanged(world.kernel,
                                [&] { world.held->devices = {"gpu", "camera", "camera"}; });
    auto const other = exchanged.compared();
    CHECK(all_of(other.buffers) == "changed\n");
    CHECK(other.buffers.at(0).other_devices);
}

TEST_CASE("diff: buffers that no process holds grow in number, and one gets references") {
    one_holder world;
    auto const first = world.kernel.buffer(8, 8192, "drm");
    first->driver_references = 2;
    fake::file_ptr second;
    two_samples const two(world.kernel, [&] {
        second = world.kernel.buffer(9, 16384, "drm");
        second->driver_references = 2;
        first->driver_references = 5;
    });
    auto const found = two.compared();
    CHECK(found.holders.empty());
    CHECK(all_of(found.buffers) == "changed, references 2 5, other_references 2 5\n"
                                   "appeared, references 0 2, other_references 0 2\n");
    CHECK(found.buffers.at(1).before == dmabuf::presence::absent);
    CHECK(found.buffers.at(1).after == dmabuf::presence::unheld);
    CHECK(all_of(found.exporters) == "changed, unheld_buffers 1 2, unheld_bytes 8192 24576, "
                                     "references 2 7, other_references 2 7\n");
    CHECK(found.unheld_buffers.difference() == 1);
    CHECK(found.unheld_bytes.difference() == 16384);
    CHECK_FALSE(found.held_bytes.differs());
}

TEST_CASE("diff: a buffer that all let go of is unheld while a driver keeps it, and else gone") {
    one_holder world;
    auto const kept = world.kernel.buffer(8, 8192);
    kept->driver_references = 1;
    int const first = world.one->open(kept);
    int const second = world.one->open(world.kernel.buffer(9, 16384));
    two_samples const two(world.kernel, [&] {
        world.one->files().erase(first);
        world.kernel.release(world.kernel.buffers().at(9));
        (void)second;
    });
    auto const found = two.compared();
    REQUIRE(found.buffers.size() == 2);
    CHECK(found.buffers[0].inode == 8);
    CHECK(found.buffers[0].what == dmabuf::change::changed);
    CHECK(found.buffers[0].before == dmabuf::presence::held);
    CHECK(found.buffers[0].after == dmabuf::presence::unheld);
    CHECK(found.buffers[1].inode == 9);
    CHECK(found.buffers[1].what == dmabuf::change::gone);
    CHECK(found.buffers[1].after == dmabuf::presence::absent);
    CHECK(found.holders.at(0).buffers_lost == 2);
    CHECK(found.unheld_bytes.difference() == 8192);
    CHECK(found.held_bytes.difference() == -8192 - 16384);
}

TEST_CASE("diff: without a list of all buffers it is unknown whether a buffer still exists") {
    one_holder world;
    world.kernel.debugfs = false;
    auto const other = world.kernel.buffer(8, 8192);
    int const fd = world.one->open(other);
    two_samples const two(world.kernel, [&] { world.one->files().erase(fd); });
    auto const found = two.compared();
    REQUIRE(found.buffers.size() == 1);
    CHECK(text_of(found.buffers[0]) ==
          "gone, holders 1 0, descriptors 1 0, references 1 ?, other_references 0 ?");
    CHECK(found.buffers[0].after == dmabuf::presence::unknown);
    CHECK(found.unheld_bytes.before.how == dmabuf::certainty::unknown);
    CHECK_FALSE(found.unheld_bytes.difference().has_value());
    CHECK(found.buffers[0].attachments.before.how == dmabuf::certainty::unknown);
}

TEST_CASE("diff: what a caller without rights cannot see is unknown, and bounds are bounds") {
    one_holder world;
    auto& other = world.kernel.add(20, "other", 2000);
    other.open(world.held);
    world.kernel.caller = fake::rights::user(1000);
    two_samples const two(world.kernel, [&] {
        world.one->open(world.held);
        world.kernel.add(30, "late", 1000).open(world.held);
    });
    auto const found = two.compared();
    REQUIRE(found.holders.size() == 2);
    // Its share is at most this: others may hold the buffer too.
    CHECK(text_of(found.holders[0]) == "changed, descriptors 1 2, pss_bytes ≤4096 ≤2048, "
                                       "uss_bytes ≤4096 0");
    CHECK_FALSE(found.holders[0].pss_bytes.difference().has_value());
    CHECK(found.holders[1].what == dmabuf::change::appeared);
    CHECK(found.holders[1].descriptors.before.how == dmabuf::certainty::unknown);
    CHECK_FALSE(found.holders[1].descriptors.difference().has_value());
    REQUIRE(found.buffers.size() == 1);
    CHECK(text_of(found.buffers[0]) == "changed, holders ≥1 ≥2, descriptors ≥1 ≥3, references 2 4");
    CHECK_FALSE(found.buffers[0].holders.difference().has_value());
    CHECK(found.users.at(0).descriptors.after == dmabuf::amount{3, dmabuf::certainty::at_least});
}

TEST_CASE("diff: of a process that was partly seen, all amounts are lower bounds") {
    one_holder world;
    two_samples two(world.kernel, [&] { world.one->open(world.held); });
    two.after.holders.at(0).partly_seen = true;
    auto const found = two.compared();
    REQUIRE(found.holders.size() == 1);
    CHECK(found.holders[0].descriptors.before == dmabuf::amount{1, dmabuf::certainty::exact});
    CHECK(found.holders[0].descriptors.after == dmabuf::amount{2, dmabuf::certainty::at_least});
    CHECK_FALSE(found.holders[0].descriptors.difference().has_value());
}

TEST_CASE("diff: the same is no change, and in doubt where not all was seen") {
    one_holder world;
    two_samples const seen(world.kernel, [] {});
    auto const same = seen.compared();
    CHECK(same.holders.size() + same.buffers.size() + same.exporters.size() + same.users.size() +
              same.cgroups.size() ==
          0);
    CHECK(same.doubtful.holders + same.doubtful.buffers == 0);

    world.kernel.add(20, "other", 2000).open(world.kernel.buffer(8, 4096));
    world.kernel.caller = fake::rights::user(1000);
    two_samples const partly(world.kernel, [] {});
    auto const doubtful = partly.compared();
    CHECK(doubtful.holders.empty());
    CHECK(doubtful.doubtful.holders == 1);
    CHECK(doubtful.doubtful.buffers == 1);
    CHECK(doubtful.doubtful.users == 1);
}

TEST_CASE("diff: what one of both was not asked for is unknown, and no change of anything") {
    one_holder world;
    auto const plain = sampled(world.kernel, {.bpf = false});
    auto const all = sampled(world.kernel, everything());
    auto const found = diff(plain, all);
    CHECK(found.buffers.empty());
    CHECK(found.doubtful.buffers == 1);
    CHECK_FALSE(found.cgroups_known);
    CHECK(found.cgroups.empty());
    CHECK(found.exporters_known);
    auto without = everything();
    without.exporters = false;
    without.bufinfo = false;
    CHECK_FALSE(diff(sampled(world.kernel, without), all).exporters_known);
}

TEST_CASE("diff: tables that may have been read twice are upper bounds") {
    one_holder world;
    world.kernel.kcmp = false;
    world.one->add_thread(11);
    two_samples const two(world.kernel, [&] { world.one->open(world.held); });
    auto const found = two.compared();
    REQUIRE(found.holders.size() == 1);
    CHECK(found.holders[0].descriptors.before == dmabuf::amount{2, dmabuf::certainty::at_most});
    CHECK(found.holders[0].descriptors.after == dmabuf::amount{4, dmabuf::certainty::at_most});
    CHECK_FALSE(found.holders[0].descriptors.difference().has_value());
    CHECK(found.holders[0].grew());
}

TEST_CASE("diff: a process that was given another's number is another process") {
    one_holder world;
    two_samples const two(world.kernel, [&] {
        world.kernel.exit(10);
        auto& next = world.kernel.add(10, "next");
        next.start_ticks = 1000000;
        next.open(world.held);
    });
    auto const found = two.compared();
    REQUIRE(found.holders.size() == 2);
    CHECK(found.holders[0].what == dmabuf::change::gone);
    CHECK(found.holders[0].comm == "one");
    CHECK(found.holders[0].buffers_lost == 1);
    CHECK(found.holders[1].what == dmabuf::change::appeared);
    CHECK(found.holders[1].start_ticks == 1000000);
    CHECK(found.holders[1].comm == "next");
    CHECK(found.held_bytes.difference() == 0);
}

TEST_CASE("diff: a buffer of a number that came back is another buffer, by size or exporter") {
    auto const size = GENERATE(4096U, 8192U);
    auto const* const exporter = GENERATE("system", "udmabuf");
    one_holder old;
    one_holder now;
    now.one->files().clear();
    now.kernel.release(now.held);
    fake::kernel again;
    again.debugfs = true;
    auto& one = again.add(10, "one", 1000);
    one.start_ticks = old.one->start_ticks;
    one.open(again.buffer(7, size, exporter));
    auto const before = sampled(old.kernel, everything());
    auto const after = sampled(again, everything());
    auto const found = diff(before, after);
    bool const same = size == 4096 && std::string_view(exporter) == "system";
    CHECK(found.buffers.size() == (same ? 0U : 2U));
    for (auto const& row : found.buffers)
        CHECK((row.what == dmabuf::change::gone) ==
              (row.size_bytes == 4096 && row.exporter == "system"));
    for (auto const& row : found.holders) {
        CHECK(row.buffers_gained == 1);
        CHECK(row.buffers_lost == 1);
        CHECK_FALSE(row.buffers.differs());
    }
    CHECK(found.holders.size() == (same ? 0U : 1U));
}

TEST_CASE("diff: an exchange of buffers of one size is a change of both processes") {
    one_holder world;
    auto const mine = world.held;
    auto const its = world.kernel.buffer(8, 4096);
    auto& two = world.kernel.add(20, "two");
    two.open(its);
    two_samples const both(world.kernel, [&] {
        world.kernel.release(world.held);
        two.files().clear();
        world.one->open(its);
        two.open(mine);
    });
    auto const found = both.compared();
    REQUIRE(found.holders.size() == 2);
    CHECK(found.holders[0].buffers_gained == 1);
    CHECK(found.holders[0].buffers_lost == 1);
    CHECK_FALSE(found.holders[0].grew());
    CHECK(found.buffers.empty());
}

TEST_CASE("diff: of two boots no process and no buffer is the same, and sums are compared") {
    one_holder world;
    two_samples const two(world.kernel, [&] { world.one->open(world.held); });
    auto const found = diff(two.before, two.after, dmabuf::boots::different);
    REQUIRE(found.holders.size() == 2);
    CHECK(found.holders[0].what == dmabuf::change::gone);
    CHECK(found.holders[1].what == dmabuf::change::appeared);
    CHECK(found.holders[1].buffers_gained == 1);
    REQUIRE(found.buffers.size() == 2);
    CHECK(found.buffers[0].what == dmabuf::change::gone);
    CHECK(found.buffers[1].what == dmabuf::change::appeared);
    CHECK(all_of(found.exporters) == "changed, descriptors 1 2, references 1 2\n");
    CHECK(all_of(found.users) == "changed, descriptors 1 2\n");
    CHECK(all_of(found.cgroups) == "changed, descriptors 1 2\n");
}

TEST_CASE("diff: exporters and cgroups go by their names, whatever their numbers are") {
    fake::kernel kernel;
    kernel.debugfs = true;
    auto const a = kernel.buffer(1, 4096, "system");
    auto const b = kernel.buffer(2, 8192, "udmabuf");
    auto& one = kernel.add(10, "one");
    one.cgroup = "/b";
    one.open(a);
    auto& two = kernel.add(20, "two");
    two.cgroup = "/a";
    two.open(b);
    auto const before = sampled(kernel, everything());
    one.cgroup = "/a"; // its number is now that which /b had
    two.cgroup = "/b";
    kernel.release(a);
    one.open(b);
    auto const after = sampled(kernel, everything());
    auto const found = diff(before, after);
    REQUIRE(found.exporters.size() == 2);
    CHECK(found.exporters[0].name == "system");
    CHECK(found.exporters[0].what == dmabuf::change::gone);
    CHECK(found.exporters[1].name == "udmabuf");
    CHECK(found.exporters[1].descriptors.difference() == 1);
    // /a has b as before, by another process, and shares it now.
    CHECK(all_of(found.cgroups) == "changed, pss_bytes 8192 4096, uss_bytes 8192 0\n"
                                   "changed, rss_bytes 4096 8192, uss_bytes 4096 0\n");
    CHECK(after.cgroup_name(found.cgroups.at(1).after) == "/b");
    CHECK(before.cgroup_name(found.cgroups.at(1).before) == "/b");
}

TEST_CASE("diff: exporters whose names were cut are those of their buffers alone") {
    std::string const longer(70, 'x');
    fake::kernel kernel;
    kernel.debugfs = true;
    auto& one = kernel.add(10, "one");
    one.open(kernel.buffer(1, 4096, longer + "a"));
    one.open(kernel.buffer(2, 4096, longer + "b"));
    two_samples const two(kernel, [&] { one.open(kernel.buffers().at(2)); });
    auto const found = two.compared();
    REQUIRE(found.exporters.size() == 1);
    CHECK(found.exporters[0].buffers.after.value == 1);
    CHECK(found.exporters[0].descriptors.difference() == 1);
    CHECK(diff(two.before, two.after, dmabuf::boots::different).exporters.size() == 4);
}

TEST_CASE("diff: a difference that does not fit is none") {
    using dmabuf::amount;
    using dmabuf::certainty;
    auto const most = ~std::uint64_t{0};
    dmabuf::amount_change const rise{{0, certainty::exact}, {most, certainty::exact}};
    dmabuf::amount_change const fall{{most, certainty::exact}, {0, certainty::exact}};
    dmabuf::amount_change const half{{most / 2 + 1, certainty::exact}, {0, certainty::exact}};
    CHECK_FALSE(rise.difference().has_value());
    CHECK(rise.differs());
    CHECK_FALSE(fall.difference().has_value());
    CHECK(half.difference() == std::numeric_limits<std::int64_t>::min());
}

namespace {

/// A buffer's origin: by a process, or one that is not told.
dmabuf::origin made(std::uint64_t inode, std::uint64_t size_bytes, std::int32_t pid,
                    std::uint64_t start_ns = 5, std::uint64_t made_ns = 10) {
    dmabuf::origin told;
    told.inode = inode;
    told.size_bytes = size_bytes;
    told.state = dmabuf::origin_state::made_by;
    told.made_ns = made_ns;
    told.maker.pid = pid;
    told.maker.start_ns = start_ns;
    return told;
}

dmabuf::origin untold(std::uint64_t inode, std::uint64_t size_bytes, dmabuf::origin_state state) {
    dmabuf::origin told;
    told.inode = inode;
    told.size_bytes = size_bytes;
    told.state = state;
    return told;
}

/// Gives a sample the records of the watch, in ascending order of inode.
void tell(dmabuf::snapshot& now, std::vector<dmabuf::origin> origins) {
    now.watch.origins_read = true;
    now.origins = std::move(origins);
}

} // namespace

TEST_CASE("diff: makers, of buffers held and not held") {
    one_holder world;
    two_samples two(world.kernel, [&] {
        world.kernel.buffer(8, 8192)->driver_references = 1;
        world.kernel.buffer(9, 4096)->driver_references = 1;
        world.one->open(world.held);
    });
    tell(two.before, {made(7, 4096, 217)});
    auto newest = made(8, 8192, 217, 5, 20);
    newest.maker.comm = dmabuf::task_name("renamed");
    tell(two.after,
         {made(7, 4096, 217), newest, untold(9, 4096, dmabuf::origin_state::before_watch)});
    auto const found = two.compared();
    CHECK(found.makers_known);
    CHECK(all_of(found.makers) ==
          "changed, descriptors 1 2, unheld_buffers 0 1, unheld_bytes 0 8192, references 1 3, "
          "other_references 0 1\n"
          "appeared, unheld_buffers 0 1, unheld_bytes 0 4096, references 0 1, other_references 0 "
          "1\n");
    REQUIRE(found.makers.size() == 2);
    CHECK(found.makers[0].state == dmabuf::origin_state::made_by);
    CHECK(found.makers[0].maker.pid == 217);
    CHECK(found.makers[0].maker.comm == "renamed");
    CHECK(found.makers[1].state == dmabuf::origin_state::before_watch);
    CHECK(found.makers[1].maker.pid == 0);
    CHECK(found.doubtful.makers == 0);
    // Used again, the result forgets the rows of before.
    auto again = found;
    diff(two.after, two.after, again);
    CHECK(again.makers.empty());
}

TEST_CASE("diff: a maker's number that was used again is another maker") {
    one_holder world;
    two_samples two(world.kernel, [&] {
        world.kernel.release(world.held);
        world.one->open(world.kernel.buffer(8, 4096));
    });
    tell(two.before, {made(7, 4096, 217, 5)});
    tell(two.after, {made(8, 4096, 217, 6)});
    auto const found = two.compared();
    REQUIRE(found.makers.size() == 2);
    CHECK(found.makers[0].what == dmabuf::change::gone);
    CHECK(found.makers[0].maker.start_ns == 5);
    CHECK(found.makers[1].what == dmabuf::change::appeared);
    CHECK(found.makers[1].maker.start_ns == 6);
}

TEST_CASE("diff: where a buffer's maker was lost, others have at least what is told") {
    one_holder world;
    world.one->open(world.kernel.buffer(6, 4096));
    two_samples two(world.kernel, [&] { world.one->open(world.kernel.buffer(8, 4096)); });
    auto const state =
        GENERATE(dmabuf::origin_state::missed, dmabuf::origin_state::no_room,
                 dmabuf::origin_state::uncertain, dmabuf::origin_state::before_watch);
    auto const older = untold(6, 4096, dmabuf::origin_state::before_watch);
    tell(two.before, {older, made(7, 4096, 217)});
    tell(two.after, {older, made(7, 4096, 217), untold(8, 4096, state)});
    auto const found = two.compared();
    bool const lost = state != dmabuf::origin_state::before_watch;
    REQUIRE(found.makers.size() == 1); // that of the new buffer: no other row is seen to differ
    CHECK(found.makers[0].state == state);
    CHECK(found.makers[0].buffers.after ==
          dmabuf::amount{lost ? 1U : 2U, dmabuf::certainty::exact});
    // Of buffers made before the watch nothing is lost; one without any record may be among them.
    CHECK(found.doubtful.makers == (!lost                                      ? 0U
                                    : state == dmabuf::origin_state::uncertain ? 2U
                                                                               : 1U));
}

TEST_CASE("diff: makers are unknown where one sample does not tell them, and of two boots") {
    one_holder world;
    two_samples two(world.kernel, [] {});
    CHECK_FALSE(two.compared().makers_known); // neither was asked for them
    tell(two.after, {made(7, 4096, 217)});
    CHECK_FALSE(two.compared().makers_known);
    tell(two.before, {}); // it was asked for those of unheld buffers alone
    CHECK_FALSE(two.compared().makers_known);
    tell(two.before, {made(7, 4096, 217)});
    CHECK(two.compared().makers_known);
    CHECK(two.compared().makers.empty());
    auto const other_boot = diff(two.before, two.after, dmabuf::boots::different);
    CHECK_FALSE(other_boot.makers_known);
    CHECK(other_boot.makers.empty());
}
