// SPDX-License-Identifier: MIT
//
// The second sample allocates nothing, nor does the first after reserve(); and where an allocation
// fails, nothing half is left. In an executable of its own, because it replaces operator new.
#include <dmabuf/diff.hpp>
#include <dmabuf/groups.hpp>
#include <dmabuf/growth.hpp>
#include <dmabuf/sampler.hpp>

#include "catch.hpp"
#include "systems/bpf_stream.hpp"

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

bool watching = false;
std::size_t allocations = 0;
std::size_t fail_at = 0;    ///< this allocation fails, counted from 1
std::size_t held_bytes = 0; ///< allocated and not given back, while `watching`

/// A fake kernel's calls allocate; only what the library does around them counts.
struct paused {
    bool before = std::exchange(watching, false);
    ~paused() { watching = before; }
};

template<class Next>
struct basic_quiet {
    Next next{};

    int open(int directory, char const* path, int flags) const {
        paused const here;
        return next.open(directory, path, flags);
    }
    int close(int fd) const {
        paused const here;
        return next.close(fd);
    }
    long read(int fd, std::span<char> space) const {
        paused const here;
        return next.read(fd, space);
    }
    long list(int fd, std::span<char> space) const {
        paused const here;
        return next.list(fd, space);
    }
    int status(int directory, char const* path, int flags, dmabuf::file_status& status) const {
        paused const here;
        return next.status(directory, path, flags, status);
    }
    long readlink(int directory, char const* path, std::span<char> space) const {
        paused const here;
        return next.readlink(directory, path, space);
    }
    long filesystem_type(int fd) const {
        paused const here;
        return next.filesystem_type(fd);
    }
    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                      std::span<char> space) const {
        paused const here;
        return next.query_mapping(fd, from, found, space);
    }
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const {
        paused const here;
        return next.compare_descriptor_tables(a, b);
    }
    int compare_memory_maps(std::int32_t a, std::int32_t b) const {
        paused const here;
        return next.compare_memory_maps(a, b);
    }
    int open_program(char const* path) const
    requires dmabuf::bpf_system<Next>
    {
        paused const here;
        return next.open_program(path);
    }
    int open_walk(int program, std::int32_t pid) const
    requires dmabuf::bpf_system<Next>
    {
        paused const here;
        return next.open_walk(program, pid);
    }
    std::int32_t process_id() const { return next.process_id(); }
    std::uint64_t clock_ns() const { return next.clock_ns(); }
};
using quiet = basic_quiet<fake::system>;
using pinned_quiet = basic_quiet<bpf::pinned<fake::system>>;

} // namespace

// Not inlined, or GCC takes the pair of malloc and delete, or of new and free, for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (watching && ++allocations == fail_at) throw std::bad_alloc();
    void* const memory = std::malloc(size == 0 ? 1 : size);
    if (!memory) std::abort();
    if (watching) held_bytes += ::malloc_usable_size(memory);
    return memory;
}
// All forms, since a sanitizer brings its own of those that are missing.
[[gnu::noinline]] void* operator new[](std::size_t size) {
    return operator new(size);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
    return operator new(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size, std::nothrow_t const&) noexcept {
    return operator new(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    if (watching) held_bytes -= ::malloc_usable_size(memory);
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    operator delete(memory);
}
[[gnu::noinline]] void operator delete[](void* memory) noexcept {
    operator delete(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept {
    operator delete(memory);
}

namespace {

std::size_t allocations_of(dmabuf::basic_sampler<quiet>& sampler, dmabuf::snapshot& now) {
    allocations = 0;
    watching = true;
    bool const done = sampler.sample(now).has_value();
    watching = false;
    REQUIRE(done);
    return allocations;
}

/// 30 holders of 99 buffers, with tables of their own, mappings and O_PATH descriptors; and what to
/// ask of them.
dmabuf::sample_options populate(fake::kernel& kernel, int processes = 30) {
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.sysfs_buffers = GENERATE(false, true);
    bool const everything = GENERATE(false, true);
    kernel.debugfs = everything;
    kernel.map_queries = !everything;
    kernel.caller =
        GENERATE(fake::rights::root(), fake::rights::ptrace_only(5), fake::rights::user(1000));
    std::vector<fake::file_ptr> buffers;
    for (std::uint64_t i = 1; i <= 100; ++i)
        buffers.push_back(
            kernel.buffer(i * 4294967296, 4096 * i, i % 2 != 0 ? "system" : "udmabuf", "name"));
    for (int pid = 10; pid < 10 + processes; ++pid) {
        auto& process = kernel.add(pid, "p", pid % 2 != 0 ? 1000 : 2000);
        for (std::size_t i = 0; i < 20; ++i)
            process.open(buffers[(static_cast<std::size_t>(pid) * 3 + i) % buffers.size()], i == 0);
        process.map(buffers[static_cast<std::size_t>(pid)], 4096);
        process.cgroup = "/group-" + std::to_string(pid);
        process.add_thread(pid * 100);
        process.add_thread(pid * 100 + 1, std::make_shared<fake::table>());
    }
    dmabuf::sample_options options;
    options.cgroups = options.unheld = options.bufinfo = options.counts = everything;
    return options;
}

TEST_CASE("allocations: the second sample makes none, by every source and with all rights") {
    fake::kernel kernel;
    auto const options = populate(kernel);
    dmabuf::basic_sampler<quiet> sampler(options, quiet{{&kernel}});
    dmabuf::snapshot now;
    CHECK(allocations_of(sampler, now) != 0); // or nothing is counted
    CHECK(allocations_of(sampler, now) == 0);
    CHECK(allocations_of(sampler, now) == 0);
    CHECK_FALSE(now.holders.empty());

    // Below, more buffers would be unheld than before; and with 32 bits, where nothing is
    // remembered, "unknown" would be one more exporter.
    if (options.unheld || sizeof(long) != 8) return;
    // Nor does a smaller world, nor the first one again.
    for (int pid = 20; pid < 30; ++pid)
        kernel.exit(pid);
    CHECK(allocations_of(sampler, now) == 0);
}

TEST_CASE("allocations: the second look at one process alone makes none, by every source") {
    fake::kernel kernel;
    auto options = populate(kernel);
    bpf::bpffs files;
    bool const pinned = GENERATE(false, true);
    if (pinned) {
        files.programs[bpf::descriptors_of_path] = [&](int pid) {
            return bpf::pin::of(bpf::of(kernel, {&kernel.at(pid)}).descriptors);
        };
        files.programs[bpf::mappings_of_path] = [&](int pid) {
            return bpf::pin::of(bpf::of(kernel, {&kernel.at(pid)}).mappings);
        };
    }
    dmabuf::basic_sampler<pinned_quiet> sampler(options, pinned_quiet{{{&kernel}, &files}});
    dmabuf::snapshot now;
    auto const allocations_of_look = [&] {
        allocations = 0;
        watching = true;
        auto const done = sampler.sample_process(now, 10); // of root, and of user 2000
        watching = false;
        bool const may = pinned || kernel.caller.sys_ptrace;
        REQUIRE(done.has_value() == may);
        return allocations;
    };
    CHECK(allocations_of_look() != 0);
    CHECK(allocations_of_look() == 0);
    CHECK(allocations_of_look() == 0);
    CHECK(now.holders.empty() == !(pinned || kernel.caller.sys_ptrace));
    if (!now.holders.empty())
        CHECK((now.coverage.found_by == dmabuf::source::bpf_iterator) == pinned);
}

TEST_CASE("allocations: after reserve() the first sample makes none, nor do the sums by group") {
    fake::kernel kernel;
    auto options = populate(kernel);
    options.counts = false; // reserve() makes no room for them
    dmabuf::capacity most;
    most.buffers = 100;
    most.holders = 30;
    most.references = 30 * 21;
    most.per_process = 20;
    most.threads = 3;
    most.exporters = 3; // unknown is one
    most.cgroup_bytes = 4096;
    dmabuf::basic_sampler<quiet> sampler(options, quiet{{&kernel}});
    dmabuf::snapshot now;
    dmabuf::group_sums users;
    sampler.reserve(most);
    now.reserve(most);
    users.reserve(most);
    CHECK(allocations_of(sampler, now) == 0);
    CHECK_FALSE(now.holders.empty());

    watching = true;
    by_group(now, [](auto const& who) { return who.uid; }, users);
    watching = false;
    CHECK(allocations == 0);
    CHECK(users.totals.size() == dmabuf::by_user(now).size());
}

TEST_CASE("allocations: origins make none once grown, nor after reserve()") {
    fake::kernel kernel;
    bpf::bpffs files;
    auto& maker = kernel.add(217, "krita");
    std::vector<dmabuf_bpf_origin> origins;
    std::vector<dmabuf_bpf_attachment> attachments;
    for (std::uint64_t at = 0; at < 50; ++at) {
        auto const file = kernel.buffer(1 + at * 37 % 53, 4096);
        maker.open(file);
        auto actor = bpf::actor_of(maker);
        actor.tgid += static_cast<int>(at % 3);
        origins.push_back(bpf::origin_of(*file, actor, at));
        attachments.push_back(bpf::attachment_of(*file, "vgem", actor, at));
    }
    files.pins[bpf::origins_path] = bpf::pin::of(bpf::origins(origins, bpf::watch_from(1)));
    files.pins[bpf::attachments_path] =
        bpf::pin::of(bpf::attachments(attachments, bpf::watch_from(1)));
    dmabuf::basic_sampler<pinned_quiet> sampler({.origins = true},
                                                pinned_quiet{{{&kernel}, &files}});
    dmabuf::snapshot now;
    auto const allocations_of_look = [&] {
        allocations = 0;
        watching = true;
        auto const done = sampler.sample(now);
        watching = false;
        REQUIRE(done);
        CHECK(now.origins.size() == 50);
        CHECK(now.watched_attachments.size() == 50);
        return allocations;
    };
    if (GENERATE(false, true)) {
        dmabuf::capacity most;
        most.buffers = most.per_process = most.origins = most.watched_attachments = 50;
        most.holders = 1;
        most.references = 50;
        sampler.reserve(most);
        now.reserve(most);
    } else {
        CHECK(allocations_of_look() != 0);
    }
    CHECK(allocations_of_look() == 0);
    CHECK(allocations_of_look() == 0);
}

TEST_CASE("allocations: a comparison makes none once its memory has grown") {
    fake::kernel kernel;
    auto const options = populate(kernel);
    dmabuf::basic_sampler<quiet> sampler(options, quiet{{&kernel}});
    dmabuf::snapshot before;
    dmabuf::snapshot after;
    REQUIRE(sampler.sample(before));
    for (int pid = 20; pid < 30; ++pid)
        kernel.exit(pid);
    kernel.at(10).open(kernel.buffer(7, 4096));
    REQUIRE(sampler.sample(after));
    dmabuf::snapshot_diff found;
    dmabuf::snapshot_diff back;
    diff(before, after, found);
    diff(after, before, back);
    allocations = 0;
    watching = true;
    diff(before, after, found);
    diff(after, before, back);
    watching = false;
    CHECK(allocations == 0);
    CHECK_FALSE(found.buffers.empty());
    CHECK(found.cgroups_known == options.cgroups);
}

TEST_CASE("allocations: a growth watch makes none once its memory has grown, or after reserve()") {
    fake::kernel kernel;
    kernel.sysfs_buffers = kernel.debugfs = true;
    for (int pid = 10; pid < 40; ++pid)
        kernel.add(pid, "p").open(kernel.buffer(static_cast<std::uint64_t>(pid), 4096));
    dmabuf::sample_options options;
    options.cgroups = options.unheld = options.bufinfo = options.counts = true;
    dmabuf::basic_sampler<quiet> sampler(options, quiet{{&kernel}});
    dmabuf::capacity most;
    most.buffers = 200;
    most.holders = 40;
    most.references = 200;
    bool const reserved = GENERATE(false, true);
    dmabuf::growth_watch watch;
    if (reserved) watch.reserve(most);
    dmabuf::snapshot now;
    std::size_t events = 0;
    for (std::uint64_t look = 1; look <= 120; ++look) {
        kernel.at(10).open(kernel.buffer(100 + look % 60, 4096)); // grows, and stops
        int const other = 11 + static_cast<int>(look % 29);
        kernel.exit(other); // and another starts
        kernel.add(other, "q").open(kernel.buffer(static_cast<std::uint64_t>(other), 4096));
        REQUIRE(sampler.sample(now));
        allocations = 0;
        watching = true;
        watch.feed(now, look * 1'000'000'000);
        watch.for_each_event([&](auto, auto const&) { ++events; });
        watching = false;
        CAPTURE(look);
        if (reserved || look > 61) CHECK(allocations == 0);
    }
    CHECK(events != 0);
}

TEST_CASE("allocations: the second look of a growth watch at a system that stays makes none") {
    fake::kernel kernel;
    kernel.sysfs_buffers = kernel.debugfs = true;
    for (int pid = 10; pid < 40; ++pid)
        kernel.add(pid, "p").open(kernel.buffer(static_cast<std::uint64_t>(pid), 4096));
    dmabuf::sample_options options;
    options.cgroups = options.unheld = options.bufinfo = options.counts = true;
    dmabuf::basic_sampler<quiet> sampler(options, quiet{{&kernel}});
    dmabuf::growth_watch watch;
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    watch.feed(now, 1'000'000'000);
    REQUIRE(sampler.sample(now));
    allocations = 0;
    watching = true;
    watch.feed(now, 2'000'000'000);
    watching = false;
    CHECK(watch.counts().series == 30 * 3 + 3 + 2); // of processes, a cgroup and an exporter
    CHECK(allocations == 0);
}

TEST_CASE("allocations: a profiler's look at its own process makes none, nor does its report") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    auto const leaked = kernel.buffer(7, 4096);
    kernel.add(10, "app").open(leaked);
    kernel.at(10).open(kernel.buffer(8, 8192));
    dmabuf::basic_sampler<quiet> sampler({}, quiet{{&kernel}});
    dmabuf::snapshot now;
    dmabuf::growth_watch watch;
    std::string told;
    for (std::uint64_t look = 1; look <= 60; ++look) {
        kernel.at(10).open(leaked);
        allocations = 0;
        watching = true;
        bool const done = sampler.sample_process(now, 10).has_value();
        watch.feed(now, look * 1'000'000'000);
        watching = false;
        REQUIRE(done);
        CAPTURE(look);
        if (look > 2) CHECK(allocations == 0);
        watch.for_each_event([&](auto what, dmabuf::growth_series const& one) {
            told += std::string(name_of(what)) + " " + std::string(name_of(one.of.kind)) + " " +
                    std::string(name_of(one.what)) + " " + std::to_string(one.of.inode) + "\n";
        });
    }
    CHECK(told == "grows process descriptors 0\ngrows process_buffer descriptors 7\n");
}

/// Whether the allocation `k` of a sample failed, and left `now` empty.
bool fails_at(std::size_t k, dmabuf::basic_sampler<quiet>& sampler, dmabuf::snapshot& now) {
    fail_at = k;
    bool failed = false;
    try {
        allocations_of(sampler, now);
    } catch (std::bad_alloc const&) {
        failed = true;
    }
    watching = false;
    fail_at = 0;
    if (!failed) return false;
    CAPTURE(k);
    CHECK(now.buffers.empty());
    CHECK(now.holders.empty());
    CHECK(now.references.empty());
    CHECK(now.exporters.empty());
    CHECK(now.unheld.empty());
    CHECK(now.counts.empty());
    CHECK(now.attachments.empty());
    CHECK(now.cgroups.empty());
    CHECK(now.cgroup_text.empty());
    CHECK(now.coverage.found_by == dmabuf::source::none);
    CHECK(now.coverage.processes == 0);
    CHECK(now.total_bytes + now.unheld_bytes + now.begin_ns + now.end_ns == 0);
    return true;
}

/// The parts of a snapshot that a test compares, of two of one world.
std::string summary(dmabuf::snapshot const& now) {
    std::string text =
        std::to_string(now.total_bytes) + " of " + std::to_string(now.buffers.size());
    for (auto const& who : now.holders)
        text += " " + std::to_string(who.pid) + ":" + std::to_string(who.rss_bytes) + "/" +
                std::to_string(*who.pss_bytes) + "/" + std::to_string(who.reference_count);
    for (auto const& one : now.unheld)
        text += " unheld " + std::to_string(one.inode);
    for (auto const& one : now.counts)
        text += " count " + std::to_string(one.count) + "-" + std::to_string(one.other_references);
    return text;
}

TEST_CASE("allocations: where any one fails the snapshot is empty, and the next sample is right") {
    fake::kernel kernel;
    auto const options = populate(kernel, 8); // each allocation takes two samples
    dmabuf::snapshot expected;
    REQUIRE(dmabuf::basic_sampler<quiet>(options, quiet{{&kernel}}).sample(expected));
    std::size_t k = 1;
    for (;; ++k) {
        dmabuf::basic_sampler<quiet> sampler(options, quiet{{&kernel}});
        dmabuf::snapshot now;
        if (!fails_at(k, sampler, now)) break;
        REQUIRE(sampler.sample(now));
        CHECK(summary(now) == summary(expected));
    }
    CHECK(k > 10);
}

TEST_CASE("allocations: where one fails in a later sample, of a world that has grown, too") {
    for (std::size_t k = 1;; ++k) {
        fake::kernel kernel;
        kernel.dmabuf_fds = true;
        kernel.add(10, "p").open(kernel.buffer(1, 4096));
        dmabuf::basic_sampler<quiet> sampler({}, quiet{{&kernel}});
        dmabuf::snapshot now;
        REQUIRE(sampler.sample(now));
        auto& grown = kernel.add(20, "q");
        for (std::uint64_t inode = 300; inode > 1; --inode)
            grown.open(kernel.buffer(inode, 4096));
        bool const failed = fails_at(k, sampler, now);
        REQUIRE(sampler.sample(now));
        CAPTURE(k);
        CHECK(now.buffers.size() == 300);
        CHECK(now.total_bytes == 300 * 4096);
        CHECK(now.coverage.complete());
        if (!failed) break;
    }
}

/// The bytes that `capacity` names.
std::size_t bytes_of(dmabuf::capacity const& most, bool bpf) {
    return 80'000 + 760 * most.buffers + (bpf ? 400 : 200) * most.holders +
           (bpf ? 80 : 32) * most.references + (bpf ? 200 : 80) * most.per_process +
           20 * most.threads + 240 * most.exporters + most.cgroup_bytes + 4 * most.unread;
}

TEST_CASE("allocations: sampler and snapshot hold no more than their capacity says") {
    auto const field = GENERATE(&dmabuf::capacity::buffers, &dmabuf::capacity::holders,
                                &dmabuf::capacity::references, &dmabuf::capacity::per_process,
                                &dmabuf::capacity::threads, &dmabuf::capacity::exporters,
                                &dmabuf::capacity::cgroup_bytes, &dmabuf::capacity::unread);
    dmabuf::capacity most{0, 0, 0, 0, 0, 0, 0};
    most.unread = 0;
    most.*field = 100'000;
    dmabuf::sample_options options;
    options.bpf = GENERATE(false, true);
    held_bytes = 0;
    watching = true;
    {
        dmabuf::sampler sampler(options);
        dmabuf::snapshot now;
        sampler.reserve(most);
        now.reserve(most);
        watching = false;
        if (sizeof(long) == 8) CHECK(held_bytes <= bytes_of(most, options.bpf));
        watching = true;
    }
    watching = false;
    CHECK(held_bytes == 0);
}

/// A world of always the same size, in which nothing stays: inodes, names, exporters, processes,
/// cgroups.
void move_on(fake::kernel& kernel, int round) {
    auto const pid_of = [](int turn, int which) { return 100 + turn % 100 * 10 + which; };
    for (auto const& [inode, buffer] : kernel.buffers())
        if (!buffer->released) kernel.release(buffer);
    for (int which = 0; which < 5; ++which) {
        if (round > 0) kernel.exit(pid_of(round - 1, which));
        auto& process = kernel.add(pid_of(round, which), "p", 1000);
        process.cgroup = "/group-" + std::to_string(1000 + round);
        process.add_thread(10'000 + which, std::make_shared<fake::table>());
        for (std::uint64_t i = 0; i < 10; ++i) {
            auto const inode = static_cast<std::uint64_t>(round) * 1000 +
                               static_cast<std::uint64_t>(which) * 20 + i;
            auto const buffer = kernel.buffer(
                inode + 1, 4096, "exporter-" + std::to_string(round % 1000 + 1000), "name");
            process.open(buffer);
            process.map(buffer, 4096);
        }
    }
}

TEST_CASE("allocations: memory stays that of the largest sample, whatever comes and goes") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.sysfs_buffers = kernel.debugfs = GENERATE(false, true);
    dmabuf::sample_options options;
    options.cgroups = options.unheld = options.bufinfo = options.counts = true;
    dmabuf::basic_sampler<quiet> sampler(options, quiet{{&kernel}});
    dmabuf::snapshot now;
    held_bytes = 0;
    std::size_t settled = 0; // vanished exporters are kept until there are a hundred
    for (int round = 0; round < 200; ++round) {
        move_on(kernel, round);
        allocations_of(sampler, now);
        REQUIRE(now.buffers.size() == 50);
        REQUIRE(now.holders.size() == 5);
        if (round == 130) settled = held_bytes;
    }
    CHECK(held_bytes == settled);
}

TEST_CASE("allocations: parsing and describing make none") {
    allocations = 0;
    watching = true;
    auto const info =
        dmabuf::parse_fdinfo("pos:\t0\nflags:\t02\nmnt_id:\t11\nino:\t4\nsize:\t4096\n"
                             "count:\t2\nexp_name:\tsystem\nname:\tx\n");
    auto const bad = dmabuf::parse_stat("nonsense");
    auto const line = dmabuf::describe(bad.error());
    auto const name = dmabuf::escaped(*info->name);
    watching = false;
    CHECK(allocations == 0);
    CHECK(line.size() != 0);
    CHECK(name == "x");
}

} // namespace
