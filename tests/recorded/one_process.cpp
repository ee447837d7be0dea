// SPDX-License-Identifier: MIT
//
// One process alone, by every source: the truth about it, no word of others, and for each number
// that is no such process the reason.
#include <dmabuf/diff.hpp>
#include <dmabuf/groups.hpp>

#include "harness.hpp"
#include "systems/bpf_stream.hpp"

namespace {

using dmabuf::failure;
using dmabuf::object;
using dmabuf::operation;
using dmabuf::source;
using system_with_programs = bpf::pinned<counting_system>;
using process_sampler = dmabuf::basic_sampler<system_with_programs>;

/// A system on which all that dmabuf_pin pins is pinned, for one source.
struct scene {
    fake::kernel kernel;
    bpf::bpffs files;
    wrapped::counters count;
    dmabuf::sample_options options;

    explicit scene(source by) {
        options.force = by;
        kernel.dmabuf_fds = by == source::dmabuf_fds;
        auto const walk = [this](std::string bpf::walks::* text) {
            return [this, text](int pid) {
                std::vector<fake::process const*> found;
                if (kernel.has(pid)) found.push_back(&kernel.at(pid));
                return bpf::pin::of(bpf::of(kernel, found).*text);
            };
        };
        if (by != source::bpf_iterator) return;
        files.programs[bpf::descriptors_of_path] = walk(&bpf::walks::descriptors);
        files.programs[bpf::mappings_of_path] = walk(&bpf::walks::mappings);
    }

    process_sampler sampler() {
        return process_sampler(options, system_with_programs{{{&kernel}, &count}, &files});
    }

    dmabuf::snapshot of(int pid) {
        auto one = sampler();
        dmabuf::snapshot now;
        auto const done = one.sample_process(now, pid);
        INFO(describe(done.error()).c_str());
        REQUIRE(done);
        return now;
    }

    failure why_not(int pid) {
        auto one = sampler();
        dmabuf::snapshot now;
        now.total_bytes = 1;
        auto const done = one.sample_process(now, pid);
        INFO("process " << pid);
        REQUIRE_FALSE(done);
        CHECK(now.holders.empty());
        CHECK(now.total_bytes == 0);
        CHECK(done.error().where.pid == pid);
        return done.error();
    }
};

source any_source() {
    return GENERATE(source::fd_walk, source::dmabuf_fds, source::bpf_iterator);
}

/// Two processes share a buffer; one has threads, on its table and on one of their own.
void populate(fake::kernel& kernel) {
    auto const shared = kernel.buffer(1, 10'000'001, "system", "shared");
    auto const own = kernel.buffer(2, 4096, "udmabuf");
    auto& compositor = kernel.add(100, "compositor", 1000);
    compositor.open(shared);
    compositor.open(shared);
    compositor.open(own);
    compositor.open(kernel.regular("/etc/passwd"));
    compositor.map(shared, 4096);
    compositor.map(kernel.buffer(4, 100, "i915", ""), 8192);
    auto const worker = std::make_shared<fake::table>();
    fake::process::open_in(*worker, own);
    compositor.add_thread(450, worker);
    compositor.add_thread(451);
    auto& camera = kernel.add(200, "camera", 7);
    camera.open(shared);
    camera.open(kernel.buffer(3, 8192));
    kernel.add(300, "idle").open(kernel.regular("/etc/hosts"));
    kernel.add(2, "kthreadd", 0).kernel_thread = true;
}

/// The holdings of one process are the truth, to the byte.
void check(dmabuf::snapshot const& now, fake::kernel const& kernel, int pid) {
    INFO(words(now.coverage));
    CHECK(broken_invariant(now) == "");
    auto const truth = only(kernel.truth(), {pid});
    CHECK(words(account_of(now)) == words(truth));
    std::uint64_t rss = 0;
    std::uint64_t mapped = 0;
    for (auto const& [inode, held] : truth.at(pid)) {
        auto const& buffer = buffer_of(now, inode);
        CHECK(buffer.size_bytes == kernel.buffers().at(inode)->size_bytes);
        CHECK(now.exporter_of(buffer) == kernel.buffers().at(inode)->exporter);
        CHECK(buffer.name == kernel.buffers().at(inode)->name.value_or(""));
        CHECK(buffer.descriptors == held.descriptors);
        rss += buffer.size_bytes;
        mapped += held.mapped_bytes;
    }
    CHECK(holder_of(now, pid).rss_bytes == rss);
    CHECK(holder_of(now, pid).mapped_bytes == mapped);
    CHECK(now.total_bytes == rss);
    CHECK(now.coverage.alone_pid == pid);
}

} // namespace

TEST_CASE("one process: the truth, by every source, all else is unknown") {
    auto const by = any_source();
    scene all(by);
    populate(all.kernel);
    all.kernel.debugfs = true; // bufinfo tells the exporter of a buffer that is only mapped
    all.options.bufinfo = true;
    all.options.counts = GENERATE(false, true);
    all.options.unheld = true; // which is not obeyed
    for (int const pid : {100, 200}) {
        auto const now = all.of(pid);
        CHECK(now.coverage.found_by == by);
        CHECK(now.coverage.found_all_held());
        CHECK_FALSE(now.coverage.complete());
        CHECK_FALSE(now.coverage.buffers_compared());
        check(now, all.kernel, pid);
        auto const& who = holder_of(now, pid);
        CHECK_FALSE(who.pss_bytes.has_value());
        CHECK_FALSE(who.uss_bytes.has_value());
        CHECK(who.uid == (pid == 100 ? 1000 : 7));
        CHECK(who.start_ticks == all.kernel.at(pid).start_ticks);
        for (auto const& one : now.buffers)
            CHECK_FALSE(one.holders.has_value());
        for (auto const& one : now.counts)
            CHECK_FALSE(one.others_known);
    }
    CHECK(all.count.open_now == 0);
}

TEST_CASE("one process: the caller's own") {
    scene all(any_source());
    populate(all.kernel);
    all.kernel.at(all.kernel.caller_pid).open(all.kernel.buffer(9, 4096, "system", "mine"));
    check(all.of(all.kernel.caller_pid), all.kernel, all.kernel.caller_pid);
}

TEST_CASE("one process: no other process is looked at") {
    scene all(any_source());
    populate(all.kernel);
    all.kernel.event = [](fake::call_event const& event) {
        std::string_view const path = event.path;
        CAPTURE(path);
        CHECK_FALSE(path.starts_with("/proc/200"));
        CHECK_FALSE(path.starts_with("/proc/300"));
        CHECK((event.kind != fake::call::list || path != "/proc"));
    };
    (void)all.of(100);
}

TEST_CASE("one process: one that holds nothing is an answer") {
    scene all(any_source());
    populate(all.kernel);
    auto const now = all.of(300);
    CHECK(now.holders.empty());
    CHECK(now.coverage.alone_pid == 300);
    CHECK(now.coverage.processes_seen == 1);
    CHECK(now.coverage.found_all_held());
    CHECK(broken_invariant(now) == "");
}

TEST_CASE("one process: a number that is none that can hold buffers is refused, with the reason") {
    scene all(any_source());
    populate(all.kernel);
    for (int const nobody : {999, 2147483647, 0, -1})
        CHECK(all.why_not(nobody) == failure{operation::open, ENOENT, {object::process, nobody}});
    for (int const thread : {450, 451}) {
        auto const why = all.why_not(thread);
        CHECK(why == failure{operation::identify, ECHILD, {object::process, thread}});
        CHECK(describe(why) == "cannot identify /proc/" + std::to_string(thread) +
                                   ": a thread, not a process (ECHILD)");
    }
    CHECK(all.why_not(2) == failure{operation::identify, ENOEXEC, {object::process, 2}});
    all.kernel.at(200).end_leader(); // and no other thread: it is not reaped
    CHECK(all.why_not(200) == failure{operation::read, ESRCH, {object::process, 200}});
}

TEST_CASE("one process: a thread is told from the process after another look, too") {
    scene all(any_source());
    populate(all.kernel);
    all.kernel.debugfs = all.options.bufinfo = true;
    auto one = all.sampler();
    dmabuf::snapshot now;
    REQUIRE(one.sample_process(now, 100));
    CHECK(one.sample_process(now, 999).error().error == ENOENT);
    CHECK(one.sample_process(now, 450).error().error == ECHILD);
    CHECK(one.sample_process(now, 2).error().error == ENOEXEC);
    REQUIRE(one.sample_process(now, 100));
    check(now, all.kernel, 100);
}

TEST_CASE("one process: where the caller may not read it, that is said, the pinned programs may") {
    auto const by = any_source();
    scene all(by);
    populate(all.kernel);
    all.kernel.caller = fake::rights::user(4711);
    if (by == source::bpf_iterator) {
        check(all.of(100), all.kernel, 100);
        CHECK(all.of(300).holders.empty());
    } else {
        CHECK(all.why_not(100) == failure{operation::read, EACCES, {object::process, 100}});
        CHECK(all.why_not(300) == failure{operation::read, EACCES, {object::process, 300}});
    }
    CHECK(all.why_not(2).error == ENOEXEC);
    CHECK(all.why_not(450).error == ECHILD);
    all.kernel.hidepid = 1;
    if (by != source::bpf_iterator) CHECK(all.why_not(100).error == EPERM);
    all.kernel.hidepid = 2;
    if (by != source::bpf_iterator) CHECK(all.why_not(100).error == ENOENT);
}

TEST_CASE("one process: a look at all processes, before or after, is not changed by it") {
    auto const by = GENERATE(source::fd_walk, source::dmabuf_fds);
    scene all(by);
    populate(all.kernel);
    all.options.exporters = false; // only descriptors and lists tell that of a mapping
    auto one = all.sampler();
    dmabuf::snapshot now;
    for (int i = 0; i < 2; ++i) {
        REQUIRE(one.sample(now));
        CHECK(words(account_of(now)) == words(all.kernel.truth()));
        CHECK(now.coverage.alone_pid == 0);
        CHECK(now.coverage.complete());
        CHECK(*buffer_of(now, 1).holders == 2);
        REQUIRE(one.sample_process(now, 200));
        CHECK(words(account_of(now)) == words(only(all.kernel.truth(), {200})));
        CHECK(broken_invariant(now) == "");
    }
}

TEST_CASE("one process: sums that are made anew, by group or in all, stay unknown") {
    scene all(source::fd_walk);
    populate(all.kernel);
    auto now = all.of(100);
    account(now);
    CHECK(broken_invariant(now) == "");
    auto const users = by_user(now);
    REQUIRE(users.size() == 1);
    CHECK(users[0].rss_bytes == now.total_bytes);
    CHECK_FALSE(users[0].pss_bytes.has_value());
    CHECK_FALSE(users[0].uss_bytes.has_value());
    auto const later = all.of(100);
    CHECK(diff(now, later).holders.empty());
    all.kernel.at(100).open(all.kernel.buffer(50, 4096));
    auto const changed = diff(now, all.of(100));
    REQUIRE(changed.holders.size() == 1);
    CHECK(changed.holders[0].buffers_gained == 1);
    CHECK(changed.holders[0].pss_bytes.before.how == dmabuf::certainty::unknown);
    REQUIRE(changed.buffers.size() == 1);
    CHECK(changed.buffers[0].what == dmabuf::change::appeared);
}

TEST_CASE("one process: where the programs do not serve, the reason is kept, and /proc serves") {
    scene all(source::bpf_iterator);
    populate(all.kernel);
    int error = 0;
    SECTION("not pinned") {
        all.files.programs.clear();
        error = ENOENT;
    }
    SECTION("one of two is pinned") {
        all.files.programs.erase(bpf::mappings_of_path);
        error = ENOENT;
    }
    SECTION("before 6.1") {
        all.files.walks_one_process = false;
        error = E2BIG;
    }
    SECTION("/proc has other numbers than the caller") {
        all.kernel.at(all.kernel.caller_pid).inner_pids = {1};
        error = EXDEV;
    }
    SECTION("the walk is cut off") {
        all.files.programs[bpf::descriptors_of_path] = [&](int pid) {
            auto const whole = bpf::of(all.kernel, {&all.kernel.at(pid)}).descriptors;
            return bpf::pin::of(whole.substr(0, whole.size() - 8));
        };
        error = EBADMSG;
    }
    auto const now = all.of(100);
    CHECK(now.coverage.found_by == source::fd_walk);
    CHECK(now.coverage.why_no_bpf.error == error);
    if (error == EXDEV) // nor does kcmp serve: tables may be read twice
        CHECK(now.coverage.tables_uncertain == 2);
    else
        CHECK(words(account_of(now)) == words(only(all.kernel.truth(), {100})));
    CHECK(broken_invariant(now) == "");
    CHECK(all.files.open.empty());
    CHECK(all.files.open_programs.empty());
}

TEST_CASE("one process: by the pinned programs it is ten calls, and two more at first") {
    scene all(source::bpf_iterator);
    populate(all.kernel);
    auto one = all.sampler();
    dmabuf::snapshot now;
    REQUIRE(one.sample_process(now, 100)); // and opens /proc
    CHECK(all.files.calls == 2 + 10);
    auto const before = all.count.all();
    for (int const pid : {100, 200}) {
        all.files.calls = 0;
        REQUIRE(one.sample_process(now, pid));
        CHECK(all.files.calls == 10); // a link, a walk, the link's end, one read, close; twice
    }
    CHECK(all.count.all() == before);
    REQUIRE(one.sample_process(now, 300)); // open and close of /proc/P, statx of task/, stat
    CHECK(all.count.all() == before + 6);
}

TEST_CASE("one process: a table that may not be read is missing, and said to be") {
    scene all(source::fd_walk);
    populate(all.kernel);
    all.kernel.caller = fake::rights::user(1000);
    all.kernel.map_queries = true;
    unsigned opened = 0; // after the leader's table the process runs a set-user-ID program
    all.kernel.event = [&](fake::call_event const& event) {
        if (event.path == "/proc/100/task/450/fd" && ++opened == 1)
            all.kernel.at(100).dumpable = false;
    };
    auto one = all.sampler();
    dmabuf::snapshot now;
    REQUIRE(one.sample_process(now, 100));
    CHECK(now.coverage.processes_denied == 1);
    CHECK_FALSE(now.coverage.found_all_held());
    CHECK_FALSE(now.references.empty());
    CHECK(broken_invariant(now) == "");
}
