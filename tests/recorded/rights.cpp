// SPDX-License-Identifier: MIT
//
// Callers without some right, on every kind of kernel: hidden things are counted, never guessed.
#include "harness.hpp"

namespace {

using dmabuf::visibility;

struct world {
    fake::kernel kernel;
    fake::file_ptr shared = kernel.buffer(1, 4096, "system", "shared");

    world() {
        kernel.add(2, "kthreadd", 0).kernel_thread = true;
        kernel.add(10, "mine", 1000).open(shared);
        kernel.add(20, "theirs", 2000).open(shared);
        kernel.at(20).open(kernel.buffer(2, 8192, "udmabuf"));
    }
};

TEST_CASE("rights: an ordinary user sees its own, and the rest counts as denied") {
    world w;
    w.kernel.dmabuf_fds = GENERATE(false, true);
    w.kernel.caller = fake::rights::user(1000);
    w.kernel.at(900).uid = 1000;
    auto const now = sampled(w.kernel);
    CHECK_ACCOUNT(now, w.kernel, only(w.kernel.truth(), {10}));
    CHECK(now.coverage.processes_denied == 2); // init and theirs
    CHECK(now.unread == std::vector{1, 20});
    CHECK(now.coverage.kernel_threads == 1);
    CHECK(now.coverage.processes_seen == 2);
    CHECK_FALSE(now.coverage.complete());
    CHECK(now.coverage.first_failure.error == 0);
    CHECK(w.kernel.open_descriptors() == 0);
}

TEST_CASE("rights: a process of one's own that is not dumpable is denied too") {
    world w;
    w.kernel.caller = fake::rights::user(1000);
    w.kernel.at(10).dumpable = false;
    auto const now = sampled(w.kernel);
    CHECK(now.holders.empty());
    CHECK(now.coverage.processes_denied == 3);
}

TEST_CASE("rights: with CAP_SYS_PTRACE alone fd is refused and fdinfo serves") {
    world w;
    w.kernel.dmabuf_fds = GENERATE(false, true);
    w.kernel.sysfs_buffers = GENERATE(false, true);
    w.kernel.caller = fake::rights::ptrace_only(1000);
    auto const now = sampled(w.kernel);
    CHECK_ACCOUNT(now, w.kernel, w.kernel.truth());
    CHECK(now.coverage.complete());
    CHECK(now.coverage.processes_denied == 0);
}

TEST_CASE("rights: by fdinfo, O_PATH is decided on a second pass once a DMA-BUF was met") {
    fake::kernel kernel;
    auto const buffer = kernel.buffer(1, 4096);
    kernel.add(10, "first", 2000).open(buffer, true);
    kernel.at(10).open(kernel.regular("/x"), true);
    kernel.add(20, "later", 2000).open(buffer);
    kernel.caller = fake::rights::ptrace_only(1000);
    auto const now = sampled(kernel);
    CHECK_COMPLETE(now, kernel);
    CHECK(now.coverage.undecided == 0);
    CHECK(account_of(now)[10][1].path_descriptors == 1);
}

TEST_CASE("rights: by fdinfo, O_PATH stays undecided where no DMA-BUF is met") {
    fake::kernel kernel;
    kernel.add(10, "alone", 2000).open(kernel.buffer(1, 4096), true);
    kernel.caller = fake::rights::ptrace_only(1000);
    auto const now = sampled(kernel);
    CHECK(now.holders.empty());
    CHECK(now.coverage.undecided == 1);
    CHECK_FALSE(now.coverage.complete());
}

TEST_CASE("rights: hidepid") {
    world w;
    w.kernel.hidepid = GENERATE(1, 2, 4);
    w.kernel.caller = fake::rights::user(1000);
    w.kernel.at(900).uid = 1000;
    auto const now = sampled(w.kernel);
    INFO(w.kernel.hidepid);
    CHECK_ACCOUNT(now, w.kernel, only(w.kernel.truth(), {10}));
    CHECK_FALSE(now.coverage.complete());
    if (w.kernel.hidepid == 1) {
        CHECK(now.coverage.processes_denied == 3); // kthreadd cannot be told from others
        CHECK(now.coverage.proc_shows == visibility::everything);
    } else {
        CHECK(now.coverage.processes == 2);
        CHECK(now.coverage.proc_shows == visibility::hidden);
    }
}

TEST_CASE("rights: hidepid does not hide anything from who may trace") {
    world w;
    w.kernel.hidepid = GENERATE(1, 2, 4);
    CHECK_COMPLETE(sampled(w.kernel), w.kernel);
}

TEST_CASE("rights: a pid namespace of one's own") {
    world w;
    w.kernel.pid_namespace = 4026532000;
    auto const now = sampled(w.kernel);
    CHECK_ACCOUNT(now, w.kernel, w.kernel.truth());
    CHECK(now.coverage.proc_shows == visibility::pid_namespace);
    CHECK_FALSE(now.coverage.complete());
}

TEST_CASE("rights: a procfs of another pid namespace numbers processes otherwise") {
    fake::kernel kernel;
    // The caller is 900 there and 1 to itself; its kcmp knows its own numbers only.
    kernel.caller_getpid = GENERATE(1, 5, 10);
    kernel.pid_namespace = 4026532000;
    kernel.at(900).inner_pids = {*kernel.caller_getpid};
    auto& process = kernel.add(10, "threads");
    process.open(kernel.buffer(1, 4096));
    process.add_thread(11);
    auto& thread = process.add_thread(12, std::make_shared<fake::table>());
    fake::process::open_in(*thread.files, kernel.buffer(2, 8192));
    // The tasks 10 to 12 of the caller are others, which share one table: kcmp must not be
    // believed.
    auto const one_table = std::make_shared<fake::table>();
    for (int inner : {10, 11, 12}) {
        auto& other = kernel.add(1000 + inner, "other");
        other.inner_pids = {inner};
        other.leader().files = one_table;
    }
    unsigned compared = 0;
    kernel.event = [&](auto const& event) { compared += event.kind == fake::call::compare; };
    auto const now = sampled(kernel);
    INFO(words(now.coverage));
    CHECK(compared == 0);
    CHECK_FALSE(now.coverage.complete());
    CHECK(now.coverage.tables_uncertain != 0);
    CHECK(holder_of(now, 10).rss_bytes == 4096 + 8192);
    CHECK(broken_invariant(now) == "");
}

TEST_CASE("rights: the procfs of the initial pid namespace shows all, whoever reads it") {
    world w; // 2 is kthreadd
    w.kernel.dmabuf_fds = GENERATE(false, true);
    w.kernel.pid_namespace = 4026532000;
    w.kernel.caller_getpid = 1;
    w.kernel.at(900).inner_pids = {1};
    w.kernel.at(10).add_thread(11);
    w.kernel.at(20).leader().files = w.kernel.at(10).leader().files;
    unsigned compared = 0;
    w.kernel.event = [&](auto const& event) { compared += event.kind == fake::call::compare; };
    auto const now = sampled(w.kernel, {.counts = true});
    INFO(words(now.coverage));
    CHECK(now.coverage.proc_shows == visibility::everything);
    CHECK(now.coverage.complete());
    CHECK(compared == 0); // kcmp's numbers are those of the caller's own namespace
    CHECK(now.coverage.tables_uncertain == (w.kernel.dmabuf_fds ? 0 : 1));
    for (auto const& one : now.counts)
        CHECK_FALSE(one.others_known); // which processes share a table cannot be told
    CHECK(holder_of(now, 10).rss_bytes == 4096);
    CHECK(holder_of(now, 20).pss_bytes == 2048);
}

TEST_CASE("rights: a second process that is no kernel thread is of another pid namespace") {
    fake::kernel kernel;
    kernel.pid_namespace = 4026532000;
    kernel.shows_caller = GENERATE(false, true); // or mounted with pidns=
    kernel.at(900).inner_pids = {5};
    kernel.caller_getpid = 5;
    if (GENERATE(false, true)) kernel.add(2, "kthreadd", 0);
    auto const now = sampled(kernel);
    CHECK(now.coverage.proc_shows == visibility::pid_namespace);
    CHECK_FALSE(now.coverage.complete());
}

TEST_CASE("rights: hidepid of the host's procfs, which a container looks at") {
    world w;
    w.kernel.pid_namespace = 4026532000;
    w.kernel.at(900).inner_pids = {5};
    w.kernel.caller_getpid = 5;
    w.kernel.hidepid = GENERATE(0, 1, 2, 4);
    w.kernel.at(900).uid = 1000;
    INFO(w.kernel.hidepid);
    CHECK(sampled(w.kernel).coverage.proc_shows == visibility::everything);
    w.kernel.caller = fake::rights::user(1000);
    auto const now = sampled(w.kernel);
    CHECK_FALSE(now.coverage.complete());
    // With 1 nobody but who may trace it can tell what the second process is.
    CHECK(now.coverage.proc_shows == (w.kernel.hidepid == 0   ? visibility::everything
                                      : w.kernel.hidepid == 1 ? visibility::unknown
                                                              : visibility::hidden));
}

TEST_CASE("rights: a caller of many groups is in no container") {
    fake::kernel kernel;
    auto& self = kernel.at(900);
    self.groups = GENERATE(0U, 300U, 370U, 371U, 372U, 373U, 374U, 400U, 65536U);
    if (GENERATE(false, true)) self.inner_pids = {7};
    auto& process = kernel.add(10, "threads");
    process.open(kernel.buffer(1, 4096));
    process.add_thread(11);
    auto const now = sampled(kernel);
    CAPTURE(self.groups, self.inner_pids.size());
    bool const own = self.inner_pids.empty();
    CHECK(now.coverage.proc_shows == (own ? visibility::everything : visibility::pid_namespace));
    CHECK(now.coverage.tables_uncertain == (own ? 0 : 1)); // whether kcmp's numbers are its own
}

TEST_CASE("rights: before 5.14, one's own process whose leader has exited is one's own") {
    fake::kernel kernel;
    kernel.major = 5;
    kernel.minor = GENERATE(3U, 13U);
    kernel.caller = fake::rights::user(1000);
    kernel.at(900).uid = 1000;
    auto& process = kernel.add(10, "mine", 1000);
    process.open(kernel.buffer(1, 4096));
    process.add_thread(11);
    process.end_leader();
    kernel.add(20, "my zombie", 1000).end_leader();
    auto& theirs = kernel.add(30, "theirs", 2000);
    theirs.open(kernel.buffer(2, 8192));
    theirs.add_thread(31);
    theirs.end_leader();
    auto& hidden = kernel.add(40, "not dumpable", 1000);
    hidden.dumpable = false;
    hidden.open(kernel.buffer(3, 100));
    hidden.add_thread(41);
    auto const now = sampled(kernel);
    CHECK_ACCOUNT(now, kernel, only(kernel.truth(), {10}));
    CHECK(now.coverage.processes_denied == 3); // init, theirs, and what is not dumpable
    CHECK(now.coverage.processes_gone == 1);   // a zombie holds nothing
}

TEST_CASE("rights: a thread of one's own that exits just then, before 5.14, is not denied") {
    for (unsigned k = 1;; ++k) {
        fake::kernel kernel;
        kernel.major = 5;
        kernel.minor = 13;
        kernel.caller = fake::rights::user(1000);
        kernel.at(900).uid = 1000;
        auto& process = kernel.add(10, "mine", 1000);
        process.open(kernel.buffer(1, 4096));
        auto& thread = process.add_thread(11, std::make_shared<fake::table>());
        bool happened = false;
        kernel.event = [&](fake::call_event const& event) {
            if (event.number == k) happened = thread.exiting = true, thread.files = nullptr;
        };
        auto const now = sampled(kernel);
        kernel.event = nullptr;
        if (!happened) break;
        CAPTURE(k, words(now.coverage));
        CHECK(now.coverage.processes_denied == 1); // init
        CHECK(words(account_of(now)) == words(kernel.truth()));
    }
}

TEST_CASE("rights: a process that shuts the caller out in the middle is marked as partly seen") {
    unsigned partly = 0;
    for (unsigned k = 1;; ++k) {
        fake::kernel kernel;
        kernel.caller = fake::rights::user(1000);
        kernel.at(900).uid = 1000;
        auto const buffer = kernel.buffer(1, 4096);
        auto& process = kernel.add(10, "mine", 1000);
        process.open(buffer);
        process.map(buffer, 4096);
        process.open_in(*process.add_thread(11, std::make_shared<fake::table>()).files, buffer);
        bool happened = false;
        kernel.event = [&](fake::call_event const& event) {
            if (event.number == k) happened = true, process.dumpable = false;
        };
        auto const now = sampled(kernel);
        kernel.event = nullptr;
        if (!happened) break;
        CAPTURE(k, words(now.coverage));
        if (now.holders.empty()) continue;
        bool const whole = words(account_of(now)) == words(kernel.truth());
        CHECK((whole || now.holders[0].partly_seen));
        CHECK(now.holders[0].partly_seen == (now.coverage.processes_denied == 2)); // and init
        CHECK(now.holders[0].partly_seen == (now.unread == std::vector{1, 10}));
        partly += now.holders[0].partly_seen ? 1U : 0U;
    }
    CHECK(partly != 0);
}

TEST_CASE("rights: without kcmp every task is walked, and sets stay exact") {
    fake::kernel kernel;
    kernel.kcmp = false;
    auto& process = kernel.add(10, "threads");
    auto const buffer = kernel.buffer(1, 4096);
    process.open(buffer);
    process.add_thread(11);
    process.add_thread(12);
    kernel.add(20, "other").open(buffer);
    auto const now = sampled(kernel);
    CHECK(now.coverage.tables_uncertain == 2);
    CHECK(account_of(now)[10][1].descriptors == 3); // an upper bound
    CHECK(holder_of(now, 10).rss_bytes == 4096);
    CHECK(holder_of(now, 10).pss_bytes == 2048);
    CHECK(now.coverage.complete());
}

TEST_CASE("rights: a kernel before 5.14 shows no ino") {
    world w;
    w.kernel.major = 5;
    w.kernel.minor = GENERATE(3U, 13U);
    CHECK_COMPLETE(sampled(w.kernel), w.kernel);
}

TEST_CASE("rights: a kernel before 5.14 shows fdinfo to the owner only") {
    world w;
    w.kernel.major = 5;
    w.kernel.minor = 13;
    w.kernel.caller = fake::rights::ptrace_only(1000);
    auto const now = sampled(w.kernel);
    CHECK_ACCOUNT(now, w.kernel, only(w.kernel.truth(), {10}));
    CHECK(now.coverage.processes_denied == 2);
    CHECK_FALSE(now.coverage.complete());
}

TEST_CASE("rights: of a kernel before 5.3 the references are counted, and nothing is complete") {
    world w;
    w.kernel.major = GENERATE(4U, 5U);
    w.kernel.minor = 2;
    fake_sampler sampler({}, fake::system{&w.kernel});
    dmabuf::snapshot now;
    w.kernel.at(10).map(w.shared, 4096);
    w.kernel.at(10).open(w.kernel.anonymous("[eventpoll]"));
    for (int i = 0; i < 2; ++i) {
        REQUIRE(sampler.sample(now));
        CHECK(now.buffers.empty());
        CHECK(now.holders.empty());
        CHECK_FALSE(now.coverage.complete());
        CHECK(now.coverage.first_failure.error == 0);
        auto const& old = now.coverage.indistinct;
        CHECK(old.kernel_major == w.kernel.major);
        CHECK(old.kernel_minor == 2);
        CHECK(old.holders == 2);
        CHECK(old.descriptors == 3);
        CHECK(old.mappings == 1);
    }
    CHECK(w.kernel.open_descriptors() <= 1); // the sampler keeps /proc
}

TEST_CASE("rights: a kernel before 5.3 without DMA-BUFs is not complete either") {
    fake::kernel kernel;
    kernel.major = 4;
    kernel.minor = 19;
    kernel.add(10, "p").open(kernel.anonymous("[eventpoll]"));
    auto const now = sampled(kernel);
    CHECK(now.holders.empty());
    CHECK(now.coverage.indistinct.kernel_minor == 19);
    CHECK(now.coverage.indistinct.holders == 0);
    CHECK_FALSE(now.coverage.complete());
}

TEST_CASE("rights: no /proc") {
    fake::kernel kernel;
    kernel.proc_mounted = false;
    fake_sampler sampler({}, fake::system{&kernel});
    dmabuf::snapshot now;
    auto const done = sampler.sample(now);
    REQUIRE_FALSE(done);
    CHECK(dmabuf::describe(done.error()) == "cannot open /proc: no such file (ENOENT)");
}

TEST_CASE("rights: too few descriptors left is a failure, never an empty account") {
    world w;
    for (std::size_t limit = 0; limit < 8; ++limit) {
        w.kernel.descriptor_limit = limit;
        fake_sampler sampler({}, fake::system{&w.kernel});
        dmabuf::snapshot now;
        auto const done = sampler.sample(now);
        INFO(limit << ": " << words(now.coverage));
        if (!done) {
            CHECK(done.error().error == EMFILE);
            continue;
        }
        bool const right = difference(now, w.kernel, w.kernel.truth()).empty();
        CHECK((right || !now.coverage.complete()));
        CHECK((!now.coverage.complete() || right));
        if (limit >= 6) CHECK(right);
    }
}

TEST_CASE("rights: with three descriptors left, what could not be opened is named") {
    world w;
    w.kernel.descriptor_limit = 3;
    fake_sampler sampler({}, fake::system{&w.kernel});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now)); // /proc, its listing and /proc/P
    INFO(words(now.coverage));
    CHECK(w.kernel.open_descriptors() == 1);
    CHECK(w.kernel.most_open_descriptors() == 3);
    CHECK(broken_invariant(now) == "");
    CHECK_FALSE(now.coverage.complete());
    auto const& seen = now.coverage;
    CHECK(seen.processes_failed == 5);
    CHECK(dmabuf::describe(seen.first_failure) ==
          "cannot open /proc/1/task/1/fd: too many open files (EMFILE)");
}

TEST_CASE("rights: no /sys is no news where a descriptor tells everything, and said where a list "
          "was asked "
          "for") {
    world w;
    auto const plain = sampled(w.kernel);
    CHECK_COMPLETE(plain, w.kernel);
    // The list that was asked last is named: sysfs's is gone since Linux 7.0.
    auto const [bpf, bufinfo, named] = GENERATE(table<bool, bool, char const*>(
        {{true, true, "cannot open /sys/kernel/debug/dma_buf/bufinfo: no such file (ENOENT)"},
         {true, false, "cannot open /sys/fs/bpf/dmabuf/buffers: no such file (ENOENT)"},
         {false, false, "cannot open /sys/kernel/dmabuf/buffers: no such file (ENOENT)"}}));
    dmabuf::sample_options options;
    options.unheld = true;
    options.bpf = bpf;
    options.bufinfo = bufinfo;
    auto const now = sampled(w.kernel, options);
    CHECK_COMPLETE(now, w.kernel);
    CHECK(now.unheld.empty());
    CHECK(now.coverage.listed_by == dmabuf::listing::none);
    CHECK(dmabuf::describe(now.coverage.why_no_list) == named);
}

TEST_CASE("rights: other files on the device of anonymous inodes, and a changed boot") {
    world w;
    w.kernel.dmabuf_device = {0, 4711};
    w.kernel.anonymous_device = {0, 4712};
    w.kernel.at(10).open(w.kernel.anonymous("[timerfd]"));
    CHECK_COMPLETE(sampled(w.kernel), w.kernel);
}

} // namespace
