// SPDX-License-Identifier: MIT
//
// The account, on kernels made up for it: tables, threads, O_PATH, mappings, sources, sums.
#include <dmabuf/groups.hpp>

#include "harness.hpp"

#include <tuple>

namespace {

using dmabuf::source;
using dmabuf::visibility;

/// A little of everything that a caller with all rights can see in full.
void populate(fake::kernel& kernel) {
    auto& compositor = kernel.add(100, "compositor", 1000);
    auto& camera = kernel.add(200, "camera", 1000);
    kernel.add(300, "idle", 0);
    auto const shared = kernel.buffer(1, 10'000'001, "system", "shared");
    auto const own = kernel.buffer(2, 4096, "udmabuf");
    auto const third = kernel.buffer(3, 8192, "system", "third");
    compositor.open(kernel.regular("/etc/passwd"));
    compositor.open(shared);
    compositor.open(shared);
    compositor.open(own);
    compositor.map(shared, 4096);
    compositor.map(kernel.regular("/usr/lib/libc.so"), 8192);
    camera.open(shared);
    camera.open(kernel.anonymous("[eventpoll]"));
    camera.open(third, true);
    camera.open(third);
    auto& worker = camera.add_thread(201, std::make_shared<fake::table>());
    fake::process::open_in(*worker.files, own);
    camera.add_thread(202);
}

TEST_CASE("account: everything at once, by every source") {
    auto const [list, sysfs] = GENERATE(std::pair{false, false}, std::pair{false, true},
                                        std::pair{true, false}, std::pair{true, true});
    fake::kernel kernel;
    kernel.dmabuf_fds = list;
    kernel.sysfs_buffers = sysfs;
    populate(kernel);
    auto now = sampled(kernel);
    CHECK(now.coverage.found_by == (list ? source::dmabuf_fds : source::fd_walk));
    CHECK(now.coverage.why_no_dmabuf_fds.error == (list ? 0 : ENOENT));
    CHECK(now.coverage.proc_shows == visibility::everything);
    CHECK(now.coverage.processes == 5);
    CHECK(now.coverage.processes_seen == 5);
    CHECK(now.coverage.mappings_read);
    auto expected = kernel.truth();
    if (list) expected[200][3].path_descriptors = 0; // the list does not tell
    CHECK_ACCOUNT(now, kernel, expected);
    CHECK(now.coverage.complete());
    CHECK(kernel.open_descriptors() == 0);
    CHECK(holder_of(now, 100).comm == "compositor");
    CHECK(holder_of(now, 100).uid == 1000);
    CHECK(holder_of(now, 100).start_ticks == 200);
}

TEST_CASE("account: a patched kernel's list and the walk agree, and force chooses") {
    fake::kernel kernel;
    kernel.dmabuf_fds = true;
    populate(kernel);
    auto const walked = sampled(kernel, {.force = source::fd_walk});
    CHECK(walked.coverage.found_by == source::fd_walk);
    CHECK_COMPLETE(walked, kernel);
    auto listed = account_of(sampled(kernel));
    listed[200][3].path_descriptors = 1;
    CHECK(words(listed) == words(account_of(walked)));
}

/// The calls of one sample whose path ends so.
unsigned calls_on(fake::kernel& kernel, fake_sampler& sampler, fake::call kind, std::string end) {
    unsigned count = 0;
    kernel.event = [&](fake::call_event const& event) {
        count += event.kind == kind && event.path.ends_with(end);
    };
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    kernel.event = nullptr;
    CHECK(now.coverage.complete());
    return count;
}

TEST_CASE("account: sizes and exporters come from sysfs, once per buffer") {
    fake::kernel kernel;
    kernel.dmabuf_fds = kernel.sysfs_buffers = true;
    populate(kernel);
    dmabuf::sample_options const options{.names = false};
    fake_sampler first({options}, fake::system{&kernel});
    CHECK(calls_on(kernel, first, fake::call::open, "/size") == 3);
    CHECK(calls_on(kernel, first, fake::call::open, "/size") == (remembers ? 0 : 3));
    fake_sampler second({options}, fake::system{&kernel});
    CHECK(calls_on(kernel, second, fake::call::open, "/exporter_name") == 3);
    CHECK(calls_on(kernel, second, fake::call::open, "/exporter_name") == (remembers ? 0 : 3));
    auto const now = sampled(kernel, options);
    CHECK(now.coverage.sized_by == dmabuf::sizing::sysfs);
    CHECK_FALSE(now.coverage.paths_marked);
}

TEST_CASE("account: where a walk tells names, sysfs is asked for what is only O_PATH") {
    fake::kernel kernel;
    kernel.dmabuf_fds = kernel.sysfs_buffers = true;
    populate(kernel);
    kernel.at(200).open(kernel.buffer(4, 16384, "udmabuf", "pinned"), true);
    fake_sampler first({}, fake::system{&kernel});
    CHECK(calls_on(kernel, first, fake::call::open, "/size") == 0);
    fake_sampler second({}, fake::system{&kernel});
    CHECK(calls_on(kernel, second, fake::call::open, "/exporter_name") == 1);
    CHECK(calls_on(kernel, second, fake::call::open, "/exporter_name") == (remembers ? 0 : 1));
    auto const now = sampled(kernel);
    CHECK(now.coverage.sized_by == dmabuf::sizing::descriptors);
    CHECK(now.exporter_of(buffer_of(now, 4)) == "udmabuf");
    CHECK(buffer_of(now, 4).name == "pinned");
}

TEST_CASE("account: with sysfs and without names, one table is walked, for the buffers' device") {
    unsigned walks = 0; // counted until the last sampler has closed its descriptors
    fake::kernel kernel;
    kernel.dmabuf_fds = kernel.sysfs_buffers = true;
    populate(kernel);
    fake_sampler sampler({.names = false}, fake::system{&kernel});
    CHECK(calls_on(kernel, sampler, fake::call::open, "/fd") == 1);
    CHECK(calls_on(kernel, sampler, fake::call::open, "/fd") == 0);
    fake_sampler unmapped({.names = false, .mappings = false}, fake::system{&kernel});
    kernel.event = [&](fake::call_event const& event) { walks += event.path.ends_with("/fd"); };
    dmabuf::snapshot now;
    REQUIRE(unmapped.sample(now));
    CHECK(walks == 0);
}

TEST_CASE("account: without sysfs, one table tells the size of each buffer, once") {
    fake::kernel kernel;
    kernel.dmabuf_fds = true;
    auto const a = kernel.buffer(1, 100);
    auto const b = kernel.buffer(2, 200);
    for (int pid = 10; pid < 20; ++pid) {
        auto& process = kernel.add(pid, "p");
        process.open(a);
        process.open(b);
    }
    kernel.at(15).open(kernel.buffer(3, 300));
    {
        fake_sampler sampler({.names = false}, fake::system{&kernel});
        CHECK(calls_on(kernel, sampler, fake::call::open, "/fd") == 2); // of 10 and of 15
        CHECK(calls_on(kernel, sampler, fake::call::open, "/fd") == (remembers ? 0 : 2));
    }
    auto const now = sampled(kernel);
    CHECK(now.coverage.sized_by == dmabuf::sizing::descriptors);
    CHECK_COMPLETE(now, kernel);
}

TEST_CASE("account: a walk that serves the list stops when all is told") {
    fake::kernel kernel;
    kernel.dmabuf_fds = true;
    auto& process = kernel.add(10, "p");
    for (int i = 0; i < 50; ++i)
        process.open(kernel.regular("/f"));
    process.open(kernel.buffer(1, 100));
    fake_sampler sampler({}, fake::system{&kernel});
    CHECK(calls_on(kernel, sampler, fake::call::status, "/fd/50") == 1);
    CHECK(calls_on(kernel, sampler, fake::call::status, "/fd/40") == 0);
}

TEST_CASE("account: a tree in sysfs that has nothing in it takes nothing away") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.sysfs_buffers = true;
    populate(kernel);
    for (auto const& [inode, file] : kernel.buffers())
        file->released = true;
    auto const now = sampled(kernel);
    auto expected = kernel.truth();
    if (kernel.dmabuf_fds) expected[200][3].path_descriptors = 0;
    CHECK_ACCOUNT(now, kernel, expected);
    CHECK(now.coverage.complete());
    CHECK(now.coverage.descriptors_gone == 0);
    CHECK(now.coverage.mappings_gone == 0);
}

TEST_CASE("account: what is listed and cannot be sized is unsized, not gone") {
    fake::kernel kernel;
    kernel.dmabuf_fds = true;
    kernel.add(10, "p").open(kernel.buffer(1, 4096), true); // its fdinfo has no size
    kernel.caller = fake::rights::ptrace_only(5);
    auto const now = sampled(kernel);
    INFO(words(now.coverage));
    CHECK(words(account_of(now)) == "pid 10 buffer 1: 1 fds (0 O_PATH) 0 maps 0 bytes mapped\n");
    CHECK(now.coverage.buffers_unsized == 1);
    CHECK(now.coverage.descriptors_gone == 0);
    CHECK_FALSE(now.coverage.complete());
}

TEST_CASE("account: the kernel's list needs no kcmp") {
    fake::kernel kernel;
    kernel.dmabuf_fds = true;
    kernel.kcmp = false;
    auto& process = kernel.add(10, "p");
    auto const buffer = kernel.buffer(1, 4096);
    process.open(buffer);
    process.add_thread(11);
    auto& thread = process.add_thread(12, std::make_shared<fake::table>());
    fake::process::open_in(*thread.files, buffer);
    process.add_thread(13, thread.files);
    process.add_thread(14);
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    CHECK(account_of(now)[10][1].descriptors == 2);
    CHECK(now.coverage.tables_uncertain == 0);
    CHECK(now.coverage.tables == 4);
}

TEST_CASE("account: a table that is listed again, its first task being gone, counts once") {
    fake::kernel kernel;
    kernel.dmabuf_fds = true;
    kernel.kcmp = false;
    auto& process = kernel.add(10, "p");
    auto& thread = process.add_thread(11, std::make_shared<fake::table>());
    fake::process::open_in(*thread.files, kernel.buffer(1, 4096));
    process.add_thread(12, thread.files);
    process.map(kernel.regular("/x"), 4096); // or it would be looked at again
    kernel.event = [&](fake::call_event const& event) {
        if (event.kind != fake::call::open || !event.path.ends_with("12/dmabuf_fds")) return;
        auto& first = *process.tasks[1];
        first.dead = first.exiting = true;
        first.files = nullptr;
    };
    auto const now = sampled(kernel);
    CHECK(account_of(now)[10][1].descriptors == 1); // it was looked at once more
    CHECK(now.coverage.tables_uncertain == 0);
}

TEST_CASE("account: a table whose first task is gone each time that it is listed is uncertain") {
    fake::kernel kernel;
    kernel.dmabuf_fds = true;
    kernel.kcmp = false;
    auto& process = kernel.add(10, "p");
    auto const table = std::make_shared<fake::table>();
    fake::process::open_in(*table, kernel.buffer(1, 4096));
    for (int tid = 11; tid < 20; ++tid)
        process.add_thread(tid, table);
    process.map(kernel.regular("/x"), 4096); // or it would be looked at again
    int first = 11; // of those that live, until the second one is to be listed, each time
    kernel.event = [&](fake::call_event const& event) {
        auto const second = "/proc/10/task/" + std::to_string(first + 1) + "/dmabuf_fds";
        auto& task = *process.tasks[static_cast<std::size_t>(first - 10)];
        if (event.kind != fake::call::open) return;
        if (event.path == second) fake::process::end_thread(task);
        if (event.path == "/proc/10/task/10/dmabuf_fds" && task.dead) ++first;
    };
    auto const now = sampled(kernel);
    INFO(words(now.coverage));
    CHECK(now.coverage.tables_uncertain == account_of(now)[10][1].descriptors - 1);
    CHECK(now.coverage.tables_uncertain != 0);
    CHECK(holder_of(now, 10).rss_bytes == 4096);
}

TEST_CASE("account: nothing to be found") {
    fake::kernel kernel;
    auto const now = sampled(kernel);
    CHECK(now.holders.empty());
    CHECK(now.buffers.empty());
    CHECK_COMPLETE(now, kernel);
}

TEST_CASE("account: a thread's own table") {
    fake::kernel kernel;
    auto const list = GENERATE(false, true);
    kernel.dmabuf_fds = list;
    auto& process = kernel.add(10, "p");
    auto& thread = process.add_thread(11, std::make_shared<fake::table>());
    fake::process::open_in(*thread.files, kernel.buffer(1, 4096));
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    CHECK(now.coverage.tables == 4); // two, beside those of init and the caller
}

TEST_CASE("account: threads that share one table count it once") {
    fake::kernel kernel;
    auto const list = GENERATE(false, true);
    kernel.dmabuf_fds = list;
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, 4096));
    for (int tid = 11; tid < 30; ++tid)
        process.add_thread(tid);
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    CHECK(now.coverage.tables == 3);
    CHECK(now.coverage.tables_uncertain == 0);
}

TEST_CASE("account: two threads share a table that is not the leader's") {
    fake::kernel kernel;
    auto const list = GENERATE(false, true);
    kernel.dmabuf_fds = list;
    auto& process = kernel.add(10, "p");
    auto const buffer = kernel.buffer(1, 4096);
    process.open(buffer);
    auto& thread = process.add_thread(11, std::make_shared<fake::table>());
    fake::process::open_in(*thread.files, buffer);
    fake::process::open_in(*thread.files, kernel.buffer(2, 100));
    process.add_thread(12, thread.files);
    process.add_thread(13);
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    CHECK(account_of(now)[10][1].descriptors == 2);
    CHECK(now.coverage.tables == 4);
}

TEST_CASE("account: the leader is a zombie, its threads live") {
    fake::kernel kernel;
    auto const list = GENERATE(false, true);
    auto const user = GENERATE(false, true);
    kernel.dmabuf_fds = list;
    kernel.sysfs_buffers = true;
    auto& process = kernel.add(10, "p", 1000);
    process.open(kernel.buffer(1, 4096));
    process.map(kernel.buffer(2, 8192), 4096);
    process.add_thread(11);
    process.add_thread(12);
    process.end_leader();
    if (user) kernel.caller = fake::rights::user(1000);
    auto const now = sampled(kernel, {.names = true});
    INFO(words(now.coverage));
    CHECK(words(account_of(now)) == words(only(kernel.truth(), {10})));
    CHECK(buffer_of(now, 1).size_bytes == 4096);
    CHECK(holder_of(now, 10).rss_bytes == 4096 + 8192);
}

TEST_CASE("account: a zombie holds nothing") {
    fake::kernel kernel;
    kernel.add(10, "z").end_leader();
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
}

TEST_CASE("account: an O_PATH descriptor alone, and beside others") {
    fake::kernel kernel;
    auto& alone = kernel.add(10, "alone");
    auto& both = kernel.add(11, "both");
    auto const a = kernel.buffer(1, 4096);
    auto const b = kernel.buffer(2, 8192);
    alone.open(a, true);
    both.open(a);
    both.open(b, true);
    both.open(b);
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    CHECK(account_of(now)[10][1].path_descriptors == 1);
}

TEST_CASE("account: only an O_PATH descriptor in the whole system") {
    fake::kernel kernel;
    kernel.add(10, "alone").open(kernel.buffer(1, 4096), true);
    auto const now = sampled(kernel);
    CHECK(words(account_of(now)) == words(kernel.truth()));
    CHECK(now.total_bytes == 4096);
    // Nothing tells who exported it or how it is called.
    CHECK(now.coverage.buffers_undescribed == 1);
    CHECK(kernel.open_descriptors() == 0);
}

TEST_CASE("account: a descriptor that can neither read nor write is no O_PATH one") {
    fake::kernel kernel;
    if (GENERATE(false, true)) kernel.major = 5; // without `ino:`
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, 4096, "system", "mode 3"));
    process.open(kernel.buffer(2, 8192, "system", "path"), true);
    process.open(kernel.buffers().at(2));
    for (unsigned access : {0U, 1U, 3U}) {
        process.files()[0].access = access;
        auto const now = sampled(kernel, {.force = source::fd_walk});
        CAPTURE(access);
        CHECK_COMPLETE(now, kernel);
        CHECK(now.coverage.buffers_undescribed == 0); // its fdinfo tells all
    }
}

TEST_CASE("account: O_PATH is not told apart where nobody asks") {
    fake::kernel kernel;
    kernel.add(10, "p").open(kernel.buffer(1, 4096), true);
    auto const now = sampled(kernel, {.path_descriptors = false});
    CHECK(account_of(now)[10][1] == fake::held{1, 0, 0, 0});
}

TEST_CASE("account: a mapping keeps a buffer, partly and several times") {
    fake::kernel kernel;
    kernel.sysfs_buffers = GENERATE(false, true);
    auto const buffer = kernel.buffer(7, 1 << 20, "system", "nl\nname");
    auto& process = kernel.add(10, "mapper");
    process.map(buffer, 4096);
    process.map(buffer, 4096);
    process.map(kernel.regular("/dmabuf:evil"), 4096);
    auto const with_descriptor = GENERATE(false, true);
    if (with_descriptor) process.open(buffer);
    auto const now = sampled(kernel);
    INFO(words(now.coverage));
    CHECK(words(account_of(now)) == words(kernel.truth()));
    CHECK(buffer_of(now, 7).size_bytes == 1 << 20);
    CHECK(buffer_of(now, 7).name == "nl\nname");
    CHECK(holder_of(now, 10).rss_bytes == 1 << 20);
    CHECK(holder_of(now, 10).mapped_bytes == 8192);
    CHECK(now.coverage.complete());
    CHECK(broken_invariant(now) == "");
}

TEST_CASE("account: without the right to map_files a buffer that is only mapped has no size") {
    fake::kernel kernel;
    kernel.caller.checkpoint_restore = false;
    auto& process = kernel.add(10, "mapper");
    process.map(kernel.buffer(7, 1 << 20), 4096);
    process.open(kernel.buffer(8, 4096)); // tells which device is that of DMA-BUFs
    auto const now = sampled(kernel);
    INFO(words(now.coverage));
    CHECK(words(account_of(now)) == words(kernel.truth()));
    CHECK_FALSE(buffer_of(now, 7).size_known);
    CHECK(holder_of(now, 10).unsized_buffers == 1);
    CHECK(holder_of(now, 10).rss_bytes == 4096);
    CHECK(holder_of(now, 10).mapped_bytes == 4096);
    CHECK(now.coverage.buffers_unsized == 1);
    CHECK_FALSE(now.coverage.complete());
    CHECK(broken_invariant(now) == "");
}

TEST_CASE("account: without that right and without any descriptor, a mapping is undecided") {
    fake::kernel kernel;
    kernel.caller.checkpoint_restore = false;
    kernel.add(10, "mapper").map(kernel.buffer(7, 1 << 20), 4096);
    auto const now = sampled(kernel);
    CHECK(now.coverage.undecided == 1);
    CHECK_FALSE(now.coverage.complete());
}

TEST_CASE("account: a mapped path longer than the space is one failure, and hides no mapping "
          "behind it") {
    fake::kernel kernel;
    kernel.map_queries = false;
    auto& process = kernel.add(10, "p");
    process.map(kernel.buffer(1, 4096), 4096);
    process.map(kernel.regular("/" + std::string(GENERATE(32600U, 32768U, 70000U), 'x')), 4096);
    process.map(kernel.buffer(2, 8192), 4096);
    process.map(kernel.regular("/" + std::string(40000, 'y')), 4096);
    process.map(kernel.buffer(3, 100), 4096);
    kernel.add(20, "q").map(kernel.buffer(4, 200), 4096);
    auto const now = sampled(kernel);
    CHECK(words(account_of(now)) == words(kernel.truth()));
    CHECK(broken_invariant(now) == "");
    CHECK(now.coverage.processes_failed == 1);
    CHECK_FALSE(now.coverage.complete());
    CHECK(now.coverage.first_failure ==
          dmabuf::failure{dmabuf::operation::read, EOVERFLOW, {dmabuf::object::maps, 10, 10}});
}

TEST_CASE("account: names of mapped buffers that look alike in maps") {
    fake::kernel kernel;
    kernel.map_queries = GENERATE(false, true);
    kernel.add(10, "p").map(kernel.buffer(1, 4096, "system", "line\nfeed"), 4096);
    kernel.add(20, "q").map(kernel.buffer(2, 4096, "system", "line\\012feed"), 4096);
    kernel.add(30, "r").map(kernel.buffer(3, 4096, "system"), 4096);
    auto const now = sampled(kernel);
    CHECK(now.coverage.complete());
    CHECK(buffer_of(now, 1).name == "line\nfeed");
    // By text alone nobody can tell.
    CHECK(buffer_of(now, 2).name == (kernel.map_queries ? "line\\012feed" : "line\nfeed"));
    CHECK(buffer_of(now, 3).name_known);
    CHECK_FALSE(buffer_of(now, 3).named);
}

TEST_CASE("account: the first process mapped what a later one tells") {
    fake::kernel kernel;
    kernel.caller.checkpoint_restore = false;
    auto const buffer = kernel.buffer(7, 1 << 20);
    kernel.add(10, "mapper").map(buffer, 4096);
    kernel.add(20, "holder").open(buffer);
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    CHECK(now.coverage.undecided == 0);
}

TEST_CASE("account: mappings are left out where nobody asks, and the coverage says so") {
    fake::kernel kernel;
    auto const buffer = kernel.buffer(7, 1 << 20);
    kernel.add(10, "mapper").map(buffer, 4096);
    kernel.add(20, "holder").open(buffer);
    auto const now = sampled(kernel, {.mappings = false});
    CHECK(words(account_of(now)) == words(only(kernel.truth(), {20})));
    CHECK_FALSE(now.coverage.complete());
}

TEST_CASE("account: what only looks like a DMA-BUF is none") {
    fake::kernel kernel;
    auto& process = kernel.add(10, "impostor");
    process.open(kernel.regular("/dmabuf:x"));
    process.map(kernel.regular("/dmabuf:x"), 4096);
    auto const in_memory = kernel.regular("/dmabuf:x"); // on tmpfs, with a buffer's inode
    in_memory->device = {0, 30};
    in_memory->inode = 12;
    process.open(in_memory);
    process.map(in_memory, 4096);
    process.open(kernel.anonymous("dmabuf"));
    process.open(kernel.anonymous("[io_uring]"));
    auto const ring = kernel.anonymous("[io_uring]");
    ring->extra = "SqMask:\t0xf\nUserFiles:\t1\n    0: x\nsize:\t4096\ncount:\t1\n"
                  "exp_name:\tsystem\nname:\tforged\n";
    process.open(ring);
    process.map(ring, 4096);
    auto const with_real_one = GENERATE(false, true);
    if (with_real_one) process.open(kernel.buffer(12, 4096)); // the inode of all anonymous files
    auto const rights = GENERATE(fake::rights::root(), fake::rights::ptrace_only(5));
    kernel.caller = rights;
    auto const now = sampled(kernel);
    INFO(words(now.coverage));
    CHECK(words(account_of(now)) == words(kernel.truth()));
    CHECK(broken_invariant(now) == "");
}

TEST_CASE("account: a mapped buffer is met behind files of more devices than are remembered") {
    fake::kernel kernel;
    kernel.map_queries = GENERATE(false, true);
    kernel.dmabuf_device = {0, 200};
    auto& process = kernel.add(10, "p");
    for (unsigned minor = 30; minor < 80; ++minor) {
        auto const file = kernel.regular("/x");
        file->device = {0, minor};
        process.map(file, 4096);
    }
    fake_sampler sampler({}, fake::system{&kernel});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    CHECK(now.coverage.complete());
    process.map(kernel.buffer(1, 4096, "system", "mapped"), 4096);
    kernel.add(20, "q").open(kernel.buffer(2, 4096, "system", "open"));
    REQUIRE(sampler.sample(now));
    CHECK(words(account_of(now)) == words(kernel.truth()));
    CHECK(buffer_of(now, 1).size_bytes == 4096);
}

TEST_CASE("account: no file server is ever asked") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    auto& process = kernel.add(10, "p");
    auto const mounted = kernel.fuse("/mnt/sshfs/dmabuf:x");
    auto const foreign = kernel.fuse("/dmabuf:x", true);
    auto const plain = kernel.regular("/dmabuf:y");
    for (auto const& file : {mounted, foreign, plain}) {
        process.open(file);
        process.open(file, true);
        process.map(file, 4096);
    }
    auto const last = GENERATE(false, true);
    auto const buffer = kernel.buffer(1, 4096);
    if (last) process.open(buffer);
    auto const rights =
        GENERATE(fake::rights::root(), fake::rights::ptrace_only(5), fake::rights::user(1000));
    kernel.caller = rights;
    auto const now = sampled(kernel);
    CHECK(words(account_of(now)) == words(kernel.truth()));
    for (auto const& file : {mounted, foreign, plain}) {
        CHECK_FALSE(file->asked);
        CHECK_FALSE(file->opened);
    }
    CHECK_FALSE(buffer->opened);
}

TEST_CASE("account: numbers of 64 bits") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    auto& process = kernel.add(10, "big");
    process.open(kernel.buffer(18446744073709551615U, 1ULL << 42));
    process.open(kernel.buffer(4294967297, 5ULL << 30)); // the same low 32 bits as
    process.open(kernel.buffer(1, 7ULL << 30));          // this one
    kernel.add(11, "other").open(kernel.buffers().at(4294967297));
    CHECK_COMPLETE(sampled(kernel), kernel);
}

TEST_CASE("account: the shares of a buffer add up, the lowest pids carry the rest") {
    fake::kernel kernel;
    auto const buffer = kernel.buffer(1, 10);
    for (int pid : {30, 10, 40, 20})
        kernel.add(pid, "p").open(buffer);
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    CHECK(holder_of(now, 10).pss_bytes == 3);
    CHECK(holder_of(now, 20).pss_bytes == 3);
    CHECK(holder_of(now, 30).pss_bytes == 2);
    CHECK(holder_of(now, 40).pss_bytes == 2);
    CHECK(holder_of(now, 10).uss_bytes == 0);
    CHECK(holder_of(now, 10).rss_bytes == 10);
}

TEST_CASE("account: by_process sorts by pss, then rss, then pid") {
    fake::kernel kernel;
    auto const shared = kernel.buffer(1, 4096);
    for (int pid : {10, 20, 30})
        kernel.add(pid, "p").open(shared);
    kernel.at(20).open(kernel.buffer(2, 1));
    auto const sorted = dmabuf::by_process(sampled(kernel));
    REQUIRE(sorted.size() == 3);
    CHECK(sorted[0].pid == 20); // 1365 + 1
    CHECK(sorted[1].pid == 10); // 1366, of less rss
    CHECK(sorted[2].pid == 30);
}

TEST_CASE("account: exporters, the largest first") {
    fake::kernel kernel;
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, 100, "system"));
    process.open(kernel.buffer(2, 300, "udmabuf"));
    process.open(kernel.buffer(3, 100, "system"));
    process.open(kernel.buffer(4, 300, "i915"));
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    REQUIRE(now.exporters.size() == 3);
    CHECK(now.exporters[0].name == "i915");
    CHECK(now.exporters[1].name == "udmabuf");
    CHECK(now.exporters[2].buffers == 2);
}

TEST_CASE("account: exporters with names of up to 63 bytes, by every source and list") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.sysfs_buffers = GENERATE(false, true);
    kernel.debugfs = true;
    auto const common = std::string("mtk_sapu_engine_shm_region-aligned");
    auto const other = common + std::string(63 - common.size(), 'x');
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, 100, common));
    process.open(kernel.buffer(2, 300, other));
    process.map(kernel.buffer(3, 300, other), 300);
    kernel.buffer(4, 700, common);
    dmabuf::sample_options options;
    options.unheld = options.bufinfo = true;
    dmabuf::basic_sampler<fake::system> sampler(options, fake::system{&kernel});
    for (int round = 0; round < 3; ++round) {
        dmabuf::snapshot now;
        REQUIRE(sampler.sample(now));
        CHECK_ACCOUNT(now, kernel, kernel.truth());
        REQUIRE(now.exporters.size() == 2);
        CHECK(now.exporters[0].name == other);
        CHECK(now.exporters[1].name == common);
        REQUIRE(now.unheld.size() == 1);
        CHECK(now.unheld[0].exporter == now.exporters[1].exporter);
        CHECK(now.exporter_of(now.unheld[0]) == common);
    }
}

TEST_CASE("account: a buffer made since a list was read, which alone tells its exporter") {
    fake::kernel kernel;
    kernel.dmabuf_fds = kernel.debugfs = true;
    kernel.add(10, "p").open(kernel.buffer(1, 4096, "system"));
    kernel.add(20, "q");
    kernel.event = [&](fake::call_event const& event) {
        if (event.path == "/proc/20") kernel.at(20).map(kernel.buffer(2, 8192, "udmabuf"), 8192);
    };
    dmabuf::sample_options options;
    options.bufinfo = true;
    options.names = options.bpf = false;
    auto const now = sampled(kernel, options);
    CHECK(now.coverage.sized_by == dmabuf::sizing::bufinfo);
    CHECK(now.exporter_of(buffer_of(now, 2)) == "udmabuf");
}

TEST_CASE("account: cgroups of the holders, and none where it cannot be read") {
    fake::kernel kernel;
    auto const shared = kernel.buffer(1, 4096);
    for (auto const& [pid, cgroup] : std::map<int, std::string>{
             {10, "/app"}, {20, "/app (deleted)"}, {30, "/app"}, {40, "not a path"}}) {
        kernel.add(pid, "p").open(shared);
        kernel.at(pid).cgroup = cgroup;
    }
    dmabuf::sample_options options;
    options.cgroups = true;
    auto const now = sampled(kernel, options);
    CHECK(now.cgroups.size() == 2);
    CHECK(now.cgroup_name(holder_of(now, 10).cgroup) == "/app");
    CHECK(now.cgroup_name(holder_of(now, 20).cgroup) == "/app (deleted)");
    CHECK(holder_of(now, 30).cgroup == holder_of(now, 10).cgroup);
    CHECK(holder_of(now, 40).cgroup == dmabuf::no_cgroup);
    CHECK(now.cgroup_name(dmabuf::no_cgroup).empty());
    CHECK(now.coverage.cgroups_unknown == 1);
    CHECK(now.coverage.first_failure ==
          dmabuf::failure{dmabuf::operation::parse, EBADMSG, {dmabuf::object::cgroup, 40}});
    CHECK(sampled(kernel).cgroups.empty());
    CHECK(sampled(kernel).coverage.cgroups_unknown == 0);
}

TEST_CASE("account: buffers that nobody holds, by either list") {
    bool const sysfs = GENERATE(false, true);
    fake::kernel kernel;
    kernel.sysfs_buffers = sysfs;
    kernel.debugfs = true;
    auto& holder = kernel.add(10, "holder");
    holder.map(kernel.buffer(1, 8192, "i915"), 4096);
    // By an O_PATH descriptor: the rows of bufinfo tell the exporter, sysfs is not asked for it.
    holder.open(kernel.buffer(2, 4096, "system"), !sysfs);
    kernel.buffer(7, 100, "in flight");
    kernel.buffer(5, 50, "udmabuf");
    dmabuf::sample_options options;
    options.unheld = options.bufinfo = true;
    auto now = sampled(kernel, options);
    CHECK_COMPLETE(now, kernel);
    CHECK(now.coverage.listed_by == (sysfs ? dmabuf::listing::sysfs : dmabuf::listing::bufinfo));
    CHECK(now.unheld_bytes == 150);
    REQUIRE(now.unheld.size() == 2);
    CHECK(now.unheld[0].inode == 5);
    CHECK(now.unheld[1].inode == 7);
    CHECK(now.exporter_of(now.unheld[1]) == "in flight");
    CHECK(now.exporter_of(buffer_of(now, 1)) == "i915");

    // Made after the list was read the first time: it may be anybody's who was walked already.
    kernel.event = [&](fake::call_event const& event) {
        if (event.path == "/proc/10") kernel.buffer(9, 1);
    };
    now = sampled(kernel, options);
    kernel.event = nullptr;
    CHECK(now.unheld.size() == 2);

    kernel.debugfs = false;
    options.unheld = true;
    now = sampled(kernel, options);
    CHECK(now.unheld.size() == (sysfs ? 3 : 0));
    CHECK(now.coverage.listed_by == (sysfs ? dmabuf::listing::sysfs : dmabuf::listing::none));
}

TEST_CASE("account: a buffer that was held in the last sample, and is in flight in this one") {
    fake::kernel kernel;
    kernel.sysfs_buffers = true;
    auto const in_flight = kernel.buffer(2, 8192, "udmabuf");
    kernel.add(10, "receiver").open(kernel.buffer(1, 4096, "system"));
    auto& sender = kernel.add(20, "sender");
    sender.open(in_flight);
    dmabuf::sample_options options;
    options.unheld = true;
    dmabuf::basic_sampler<fake::system> sampler(options, fake::system{&kernel});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    CHECK(now.unheld.empty());
    sender.files().clear();
    REQUIRE(sampler.sample(now));
    CHECK(now.buffers.size() == 1);
    REQUIRE(now.unheld.size() == 1);
    CHECK(now.unheld[0].inode == 2);
    CHECK(now.exporter_of(now.unheld[0]) == "udmabuf");
}

/// Sampled by sysfs or by bufinfo, with the unheld buffers.
dmabuf::snapshot sampled_with_list(fake::kernel& kernel) {
    dmabuf::sample_options options;
    options.unheld = options.bufinfo = true;
    return sampled(kernel, options);
}

TEST_CASE("account: buffers of who exits while looked at are leaving, by either list") {
    bool const sysfs = GENERATE(false, true);
    bool const ends = GENERATE(false, true); // or a driver goes on holding it
    unsigned leaving = 0;
    for (unsigned k = 1;; ++k) {
        fake::kernel kernel;
        kernel.sysfs_buffers = sysfs;
        kernel.debugfs = true;
        auto const left = kernel.buffer(7, 700);
        kernel.add(10, "stays").open(kernel.buffer(1, 4096));
        kernel.add(20, "exits").open(left);
        kernel.buffer(9, 900); // in flight
        bool happened = false;
        kernel.event = [&](fake::call_event const& event) {
            if (event.number != k) return;
            happened = true;
            kernel.exit(20);
            if (ends) kernel.release(left);
        };
        auto const now = sampled_with_list(kernel);
        kernel.event = nullptr;
        if (!happened) break;
        CAPTURE(sysfs, ends, k, words(now.coverage));
        CHECK(broken_invariant(now) == "");
        auto const is_in = [](auto const& buffers, std::uint64_t inode) {
            return std::any_of(buffers.begin(), buffers.end(),
                               [&](auto const& one) { return one.inode == inode; });
        };
        CHECK(is_in(now.unheld, 9));
        CHECK_FALSE(is_in(now.unheld, 1));
        bool const held = is_in(now.buffers, 7);
        bool const unheld = is_in(now.unheld, 7);
        // It is in one of three; or it ended, which a list read before that cannot know.
        CHECK(held + unheld + now.coverage.buffers_leaving <= 1);
        if (!ends) CHECK(held + unheld + now.coverage.buffers_leaving == 1);
        leaving += now.coverage.buffers_leaving;
    }
    CHECK((leaving != 0) == !ends); // what has ended is listed no more
}

TEST_CASE("account: programs start and end while looked at, and only what is in flight is unheld, "
          "by either list") {
    fake::kernel kernel;
    kernel.sysfs_buffers = GENERATE(false, true);
    kernel.debugfs = true;
    auto const in_flight = kernel.buffer(1, 4096);
    for (int pid = 10; pid < 15; ++pid)
        kernel.add(pid, "old").open(kernel.buffer(static_cast<std::uint64_t>(pid), 100));
    int next = 100;
    // Each one exits after its descriptors were looked at; a driver still has its buffer. And
    // another one begins, with a buffer that is younger than the walk.
    kernel.event = [&](fake::call_event const& event) {
        for (int pid = 10; pid < 15; ++pid) {
            if (!kernel.has(pid) || event.path != "/proc/" + std::to_string(pid) + "/stat")
                continue;
            kernel.exit(pid);
            ++next;
            auto const young = kernel.buffer(static_cast<std::uint64_t>(next), 100);
            kernel.add(next, "new").open(young);
            kernel.exit(next);
        }
    };
    auto const now = sampled_with_list(kernel);
    INFO(words(now.coverage));
    REQUIRE(now.unheld.size() == 1);
    CHECK(now.unheld[0].inode == in_flight->inode);
    CHECK(now.coverage.buffers_leaving == 5);
    CHECK(now.buffers.empty());
}

TEST_CASE("account: a list of sysfs that fails in the middle is none") {
    fake::kernel kernel;
    kernel.sysfs_buffers = true;
    for (std::uint64_t inode = 1; inode < 4; ++inode)
        kernel.buffer(inode, 4096);
    for (unsigned k = 1;; ++k) {
        wrapped::faults plan;
        dmabuf::sample_options options;
        options.unheld = true;
        plan.fail_at = k;
        plan.error = EIO;
        dmabuf::basic_sampler<faulty_system> sampler(options, faulty_system{{&kernel}, &plan});
        dmabuf::snapshot now;
        if (!sampler.sample(now)) continue;
        CAPTURE(k, plan.failed_on);
        CHECK((now.unheld.size() == 3 || now.coverage.listed_by == dmabuf::listing::none));
        if (now.coverage.listed_by == dmabuf::listing::none) CHECK(now.unheld.empty());
        if (plan.calls < k) break;
    }
}

TEST_CASE("account: hostile names of buffers and processes") {
    auto const name = GENERATE("x\nsize:\t4\nino:\t777", "\nexp_name:\tevil", "", "\x1b[2J",
                               "0123456789012345678901234567890", "\\012", "\xff\xfe", "\n\n\n");
    fake::kernel kernel;
    kernel.sysfs_buffers = GENERATE(false, true);
    auto& process = kernel.add(10, std::string(") S 1 (\n") + "x");
    process.open(kernel.buffer(1, 4096, "system", name));
    kernel.caller = GENERATE(fake::rights::root(), fake::rights::ptrace_only(5));
    auto const now = sampled(kernel);
    CHECK_ACCOUNT(now, kernel, kernel.truth());
    CHECK(holder_of(now, 10).comm == ") S 1 (\nx");
}

TEST_CASE("account: thousands of locks before what the driver shows") {
    fake::kernel kernel;
    auto const buffer = kernel.buffer(1, 4096, "system", "x");
    for (int i = 0; i < 3000; ++i)
        buffer->locks += "lock:\t1: POSIX  ADVISORY  WRITE 12 00:0b:4 0 EOF\n";
    kernel.add(10, "p").open(buffer);
    CHECK_COMPLETE(sampled(kernel), kernel);
}

TEST_CASE("account: many processes, many descriptors, long maps") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    std::vector<fake::file_ptr> buffers;
    for (std::uint64_t i = 0; i < 300; ++i)
        buffers.push_back(kernel.buffer(1 + i * 4294967296, 4096 + i));
    for (int pid = 1000; pid < 1040; ++pid) {
        auto& process = kernel.add(pid, "p");
        for (std::size_t i = 0; i < 60; ++i) {
            process.open(kernel.regular("/f"));
            process.open(buffers[(static_cast<std::size_t>(pid) * 7 + i * 11) % buffers.size()]);
        }
        process.map(buffers[static_cast<std::size_t>(pid) % buffers.size()], 4096);
    }
    for (int i = 0; i < 700; ++i)
        kernel.at(1000).map(kernel.regular(std::string(100, 'x')), 4096);
    kernel.at(1000).map(buffers[299], 8192);
    CHECK_COMPLETE(sampled(kernel), kernel);
}

TEST_CASE("account: the second sample of a sampler") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.sysfs_buffers = GENERATE(false, true);
    populate(kernel);
    fake_sampler sampler({.force = kernel.dmabuf_fds ? source::none : source::fd_walk},
                         fake::system{&kernel});
    dmabuf::snapshot now;
    auto const check = [&] {
        REQUIRE(sampler.sample(now));
        auto expected = kernel.truth();
        if (kernel.dmabuf_fds)
            for (auto& [pid, buffers] : expected)
                for (auto& [inode, held] : buffers)
                    held.path_descriptors = 0;
        CHECK_ACCOUNT(now, kernel, expected);
        CHECK(now.coverage.complete());
    };
    check();
    SECTION("nothing changed") {}
    SECTION("a name changed, and one was set") {
        kernel.buffers().at(1)->name = "renamed";
        kernel.buffers().at(2)->name = "named";
    }
    SECTION("a process exited") {
        kernel.exit(100);
    }
    SECTION("another one with the same pid") {
        kernel.exit(100);
        kernel.add(100, "reborn").open(kernel.buffers().at(3));
    }
    SECTION("a buffer more and one less") {
        kernel.at(200).open(kernel.buffer(99, 123, "late"));
        kernel.exit(100);
    }
    check();
    check();
}

TEST_CASE("account: exporters are remembered while names are asked for again") {
    unsigned reads_of_fdinfo = 0;
    fake::kernel kernel;
    kernel.add(10, "p").open(kernel.buffer(1, 4096, "system", "a"));
    fake_sampler sampler({.names = false}, fake::system{&kernel});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    kernel.event = [&](fake::call_event const& event) {
        reads_of_fdinfo += event.path.find("fdinfo") != event.path.npos;
    };
    REQUIRE(sampler.sample(now));
    CHECK((reads_of_fdinfo == 0) == remembers);
    CHECK(now.exporter_of(buffer_of(now, 1)) == "system");
}

TEST_CASE("account: before 5.18 two buffers of one number are two, if their sizes differ") {
    fake::kernel kernel;
    kernel.major = 5;
    kernel.minor = 10;
    kernel.debugfs = true;
    auto const first = kernel.buffer(1, 4096, "system");
    auto const second = kernel.twin(1, 8192, "drm");
    kernel.add(10, "a").open(first);
    kernel.at(10).open(second);
    kernel.at(10).open(second);
    kernel.add(20, "b").open(second);
    dmabuf::sample_options options;
    options.unheld = options.bufinfo = GENERATE(false, true);
    auto const now = sampled(kernel, options);
    REQUIRE(now.buffers.size() == 2);
    auto const [small, large] =
        now.buffers[0].size_bytes == 4096 ? std::pair{0U, 1U} : std::pair{1U, 0U};
    CHECK(now.buffers[large].size_bytes == 8192);
    CHECK(now.buffers[small].inode == 1);
    CHECK(now.buffers[large].inode == 1);
    CHECK(now.exporter_of(now.buffers[small]) == "system");
    CHECK(now.exporter_of(now.buffers[large]) == "drm");
    CHECK(now.buffers[small].descriptors == 1);
    CHECK(now.buffers[large].descriptors == 3);
    CHECK(now.buffers[large].holders == 2);
    CHECK(now.total_bytes == 12288);
    CHECK(holder_of(now, 10).rss_bytes == 12288);
    CHECK(holder_of(now, 20).rss_bytes == 8192);
    CHECK(now.coverage.inodes_shared == 1);
    CHECK(now.unheld.empty());
    // Again with the same sampler: nothing of the twins is left.
    fake_sampler sampler(options, fake::system{&kernel});
    dmabuf::snapshot again;
    for (int i = 0; i < 2; ++i) {
        REQUIRE(sampler.sample(again));
        CHECK(again.buffers.size() == 2);
        CHECK(again.coverage.inodes_shared == 1);
    }
}

TEST_CASE("account: before 5.18 a buffer is unheld though one of its number is held") {
    fake::kernel kernel;
    kernel.major = 5;
    kernel.minor = 10;
    kernel.debugfs = true;
    kernel.add(10, "a").open(kernel.buffer(1, 4096, "system"));
    auto const size = GENERATE(8192U, 4096U);
    auto const in_flight = kernel.twin(1, size, "drm");
    dmabuf::sample_options options;
    options.unheld = options.bufinfo = true;
    auto const now = sampled(kernel, options);
    REQUIRE(now.buffers.size() == 1);
    CHECK(now.buffers[0].size_bytes == 4096);
    CHECK(now.coverage.inodes_shared == 1); // of one size they cannot be told apart: it is said
    REQUIRE(now.unheld.size() == (size == 8192 ? 1U : 0U));
    if (!now.unheld.empty()) CHECK(now.exporter_of(now.unheld[0]) == "drm");
}

TEST_CASE("account: before 5.18 an inode number may come back, and nothing is remembered") {
    fake::kernel kernel;
    kernel.major = 5;
    kernel.minor = 17;
    kernel.add(10, "p").open(kernel.buffer(1, 4096, "system", "a"));
    fake_sampler sampler({.names = false}, fake::system{&kernel});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    kernel.exit(10);
    kernel.add(11, "q").open(kernel.buffer(1, 8192, "udmabuf", "b"));
    REQUIRE(sampler.sample(now));
    CHECK(buffer_of(now, 1).size_bytes == 8192);
    CHECK(now.exporter_of(buffer_of(now, 1)) == "udmabuf");
}

constexpr auto half = std::uint64_t{1} << 63U;

/// A small buffer is beside the large ones, before or behind them.
void check_only_small(dmabuf::snapshot const& now, std::uint64_t small, std::uint32_t unsized) {
    INFO(words(now.coverage));
    CHECK(broken_invariant(now) == "");
    CHECK(now.coverage.buffers_unsized == unsized);
    CHECK_FALSE(now.coverage.complete());
    CHECK(now.total_bytes == 4096);
    REQUIRE(now.exporters.size() == 1);
    CHECK(now.exporters[0].size_bytes == 4096);
    CHECK(now.exporters[0].buffers == unsized + 1);
    for (auto const& one : now.buffers)
        CHECK(one.size_known == (one.inode == small));
    auto const& who = holder_of(now, 10);
    CHECK(who.rss_bytes == 4096);
    CHECK(who.pss_bytes.value_or(4096) == 4096);
    CHECK(who.uss_bytes.value_or(4096) == 4096);
    CHECK(who.unsized_buffers == unsized);
    CHECK(dmabuf::by_user(now)[0].rss_bytes == 4096);
}

TEST_CASE("account: sizes that cannot be true together are unknown, the others stay") {
    std::uint64_t const small = GENERATE(1U, 50U);
    auto const [size, buffers, holders] =
        GENERATE(std::tuple{half, 1U, 2}, std::tuple{half, 2U, 1}, std::tuple{half / 2, 4U, 1},
                 std::tuple{half / 2, 2U, 2}, std::tuple{~std::uint64_t{0}, 1U, 1},
                 std::tuple{half + half / 2, 3U, 3});
    fake::kernel kernel;
    kernel.dmabuf_fds = kernel.sysfs_buffers = GENERATE(false, true);
    kernel.add(10, "p").open(kernel.buffer(small, 4096));
    for (int pid = 11; pid < 10 + holders; ++pid)
        kernel.add(pid, "q");
    for (std::uint64_t inode = 2; inode < 2 + buffers; ++inode) {
        auto const large = kernel.buffer(inode, size);
        for (int pid = 10; pid < 10 + holders; ++pid)
            kernel.at(pid).open(large);
    }
    check_only_small(sampled(kernel), small, buffers);
}

TEST_CASE("account: the largest sizes that fit are known") {
    fake::kernel kernel;
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, half));
    process.open(kernel.buffer(2, half / 2));
    process.open(kernel.buffer(3, half / 2 - 2));
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    CHECK(now.total_bytes == ~std::uint64_t{0} - 1);
    CHECK(holder_of(now, 10).uss_bytes == now.total_bytes);
}

TEST_CASE("account: a size that cannot be true is known again once the others have gone") {
    fake::kernel kernel;
    auto const large = kernel.buffer(1, half);
    kernel.add(10, "p").open(large);
    kernel.add(20, "q").open(large);
    fake_sampler sampler({}, fake::system{&kernel});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    CHECK_FALSE(buffer_of(now, 1).size_known);
    kernel.exit(20);
    REQUIRE(sampler.sample(now));
    CHECK_ACCOUNT(now, kernel, kernel.truth());
    CHECK(now.coverage.complete());
    CHECK(now.total_bytes == half);
}

TEST_CASE("account: a size that cannot be true, of one process alone") {
    fake::kernel kernel;
    kernel.add(10, "p").open(kernel.buffer(1, 4096));
    kernel.at(10).open(kernel.buffer(2, ~std::uint64_t{0}));
    fake_sampler sampler({}, fake::system{&kernel});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample_process(now, 10));
    check_only_small(now, 1, 1);
    CHECK_FALSE(buffer_of(now, 2).holders.has_value());
    CHECK_FALSE(holder_of(now, 10).pss_bytes.has_value());
}

TEST_CASE("account: address space that does not fit is the largest number") {
    fake::kernel kernel;
    auto const one = kernel.buffer(1, 4096);
    dmabuf::snapshot now = (kernel.add(10, "p").open(one), sampled(kernel));
    now.references[0].mapped_bytes = half;
    now.references.push_back(now.references[0]);
    now.holders[0].reference_count = 2;
    dmabuf::account(now);
    CHECK(now.holders[0].mapped_bytes == ~std::uint64_t{0});
}

TEST_CASE("account: a list whose sizes do not fit beside those that are held is none") {
    bool const sysfs = GENERATE(false, true);
    fake::kernel kernel;
    kernel.sysfs_buffers = sysfs;
    kernel.debugfs = true;
    kernel.add(10, "p").open(kernel.buffer(1, half));
    kernel.buffer(2, half - 1);
    CHECK(sampled_with_list(kernel).unheld_bytes == half - 1);
    kernel.buffer(3, 1);
    auto const now = sampled_with_list(kernel);
    CHECK(now.total_bytes == half);
    CHECK(now.unheld.empty());
    CHECK(now.unheld_bytes == 0);
    CHECK_FALSE(now.coverage.buffers_compared());
    auto const list = sysfs ? dmabuf::object::sysfs_buffers : dmabuf::object::bufinfo;
    CHECK(now.coverage.why_no_list == dmabuf::failure{dmabuf::operation::parse, EBADMSG, {list}});
}

} // namespace
