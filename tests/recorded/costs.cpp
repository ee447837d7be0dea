// SPDX-License-Identifier: MIT
//
// The system calls of a repeated sample, exactly: one call more fails here.
#include "harness.hpp"

namespace {

/// A system of like processes.
struct shape {
    int processes = 10;
    int ordinary = 0;   ///< descriptors of other files, each
    int buffers = 0;    ///< each its own
    int again = 0;      ///< further descriptors of its first buffer
    int threads = 0;    ///< beside the leader, on its table
    int own_tables = 0; ///< threads with a table of their own
    bool maps = false;
};

struct costs {
    unsigned first = 0, repeated = 0;
};

class machine {
public:
    explicit machine(dmabuf::sample_options options, bool lists = false)
        : options_(options)
        , lists_(lists) {}

    costs of(shape const& what) const {
        fake::kernel kernel;
        kernel.dmabuf_fds = kernel.sysfs_buffers = lists_;
        // It has a buffer, so that what a DMA-BUF looks like is learned in either case.
        kernel.add(2, "learned from").open(kernel.buffer(1000000, 4096));
        for (int p = 0; p < what.processes; ++p)
            add(kernel, 1000 + 100 * p, what);
        wrapped::counters count;
        dmabuf::basic_sampler<counting_system> sampler(options_,
                                                       counting_system{{&kernel}, &count});
        dmabuf::snapshot now;
        costs result;
        REQUIRE(sampler.sample(now));
        result.first = count.all();
        REQUIRE(sampler.sample(now));
        result.repeated = count.all() - result.first;
        CHECK(words(account_of(now)) == words(kernel.truth()));
        CHECK(count.most_open <= 6);
        return result;
    }

    /// Of each process more or less, as `b` is more than `a`.
    costs between(shape const& a, shape const& b) const {
        auto const before = of(a);
        auto const after = of(b);
        return {(after.first - before.first) / 10, (after.repeated - before.repeated) / 10};
    }

private:
    static void add(fake::kernel& kernel, int pid, shape const& what) {
        auto& process = kernel.add(pid, "p");
        if (what.maps) process.map(kernel.regular("/lib"), 4096);
        for (int i = 0; i < what.ordinary; ++i)
            process.open(kernel.regular("/f"));
        for (int i = 0; i < what.buffers; ++i) {
            auto const inode = static_cast<std::uint64_t>(pid * 100 + i);
            auto const buffer = kernel.buffer(inode, 4096, "system", "name");
            process.open(buffer);
            for (int j = 0; i == 0 && j < what.again; ++j)
                process.open(buffer);
        }
        for (int i = 0; i < what.threads + what.own_tables; ++i)
            process.add_thread(pid + 1 + i, i < what.threads
                                                ? nullptr
                                                : std::make_shared<fake::table>(process.files()));
    }

    dmabuf::sample_options options_;
    bool lists_;
};

dmabuf::sample_options only_sizes() {
    dmabuf::sample_options options;
    options.exporters = options.names = options.path_descriptors = options.mappings = false;
    return options;
}

TEST_CASE("costs: fd_walk, sizes") {
    machine const walk(only_sizes());
    // open and close of /proc/P, statx of its task/; open, two getdents64 and close of its fd/; and
    // since that showed nothing, statx of task/ again
    CHECK(walk.between({.processes = 0}, {}).repeated == 7 + 1);
    // a statx
    CHECK(walk.between({}, {.ordinary = 10}).repeated == 10);
    // and open, read and close of its stat
    CHECK(walk.between({.processes = 0}, {.buffers = 1}).repeated == 7 + 1 + 3);
    CHECK(walk.between({.buffers = 1}, {.buffers = 11}).repeated == 10);
    CHECK(walk.between({.buffers = 1}, {.buffers = 1, .again = 10}).repeated == 10);
    // open, getdents64 and close of task/, once; and a kcmp each
    CHECK(walk.between({.buffers = 1}, {.buffers = 1, .threads = 1}).repeated == 3 + 1);
    CHECK(walk.between({.threads = 1}, {.threads = 11}).repeated == 10);
    // Where they showed nothing, the size of fd/ is asked for in place of their number.
    CHECK(walk.between({.ordinary = 1}, {.ordinary = 1, .threads = 1}).repeated == 3 + 1);
    // Without a descriptor that does not help, and they are listed again.
    CHECK(walk.between({}, {.threads = 1}).repeated == 3 + 1 + 1 + 3);
    // Another table is looked at as the first one, and whether its task and the leader live.
    CHECK(walk.between({.buffers = 1}, {.buffers = 1, .own_tables = 1}).repeated ==
          3 + 1 + 4 + 1 + 3 + 3);
}

TEST_CASE("costs: fd_walk, what else can be asked for") {
    shape const mapped{.maps = true};
    auto options = only_sizes();
    options.mappings = true;
    // open, a read and one that sees the end, close
    CHECK(machine(options).between({.processes = 0}, mapped).repeated == 7 + 4);
    options = only_sizes();
    options.exporters = options.names = true;
    // fdinfo once per buffer: open, read, close
    CHECK(machine(options).between({.buffers = 1}, {.buffers = 11}).repeated == 10 + 10 * 3);
    CHECK(machine(options).between({.buffers = 1}, {.buffers = 1, .again = 10}).repeated == 10);
    options = only_sizes();
    options.exporters = true; // is remembered
    CHECK(machine(options).between({.buffers = 1}, {.buffers = 11}).first == 10 + 10 * 3);
    CHECK(machine(options).between({.buffers = 1}, {.buffers = 11}).repeated ==
          10 + (remembers ? 0 : 10 * 3));
    options = only_sizes();
    options.path_descriptors = true; // a statx of the link
    CHECK(machine(options).between({.buffers = 1}, {.buffers = 11}).repeated == 20);
}

TEST_CASE("costs: dmabuf_fds with sysfs") {
    machine const lists(only_sizes(), true);
    // open and close of /proc/P, statx of its task/; open, read and close of its list; and again
    // statx of task/
    CHECK(lists.between({.processes = 0}, {}).repeated == 6 + 1);
    CHECK(lists.between({}, {.ordinary = 10}).repeated == 0);
    // open, read and close of its stat
    CHECK(lists.between({.processes = 0}, {.buffers = 1}).repeated == 6 + 3 + (remembers ? 0 : 3));
    CHECK(lists.between({.buffers = 1}, {.buffers = 11}).repeated == (remembers ? 0 : 30));
    CHECK(lists.between({.buffers = 1}, {.buffers = 1, .again = 10}).first == 0);
    // and of the buffer's size
    CHECK(lists.between({.buffers = 1}, {.buffers = 11}).first == 30);
    CHECK(lists.between({.buffers = 1}, {.buffers = 1, .threads = 1}).repeated == 3 + 1);
    CHECK(lists.between({.threads = 1}, {.threads = 11}).repeated == 10);
    auto options = only_sizes();
    options.exporters = true;
    CHECK(machine(options, true).between({.buffers = 1}, {.buffers = 11}).first == 60);
    CHECK(machine(options, true).between({.buffers = 1}, {.buffers = 11}).repeated ==
          (remembers ? 0 : 60));
    // A statx and fdinfo tell a name, and all that sysfs would.
    options.names = true;
    CHECK(machine(options, true).between({.buffers = 1}, {.buffers = 11}).first == 10 + 30);
    CHECK(machine(options, true).between({.buffers = 1}, {.buffers = 11}).repeated == 10 + 30);
}

TEST_CASE("costs: one process alone, whatever the number of others") {
    for (bool const lists : {false, true}) {
        fake::kernel kernel;
        kernel.dmabuf_fds = kernel.sysfs_buffers = lists;
        auto const shared = kernel.buffer(1, 4096, "system", "name");
        for (int pid = 10; pid < GENERATE(12, 60); ++pid)
            kernel.add(pid, "p").open(shared);
        for (std::uint64_t inode = 2; inode < 12; ++inode)
            kernel.at(10).open(kernel.buffer(inode, 4096));
        kernel.add(9, "idle").open(kernel.regular("/f"));
        wrapped::counters count;
        dmabuf::basic_sampler<counting_system> sampler(only_sizes(),
                                                       counting_system{{&kernel}, &count});
        dmabuf::snapshot now;
        auto const calls_of = [&](int pid) {
            auto const before = count.all();
            REQUIRE(sampler.sample_process(now, pid));
            return count.all() - before;
        };
        (void)calls_of(10);
        // open and close of /proc/P, statx of its task/; open, two getdents64 and close of its fd/;
        // a statx each; open, read and close of its stat. Or open, read and close of the list.
        unsigned const sizes = remembers ? 0 : 11 * 3;
        CHECK(calls_of(10) == (lists ? 6 + 3 + sizes : 7 + 11 + 3));
        // Where nothing is held: task/ again, and 6 calls that tell a process from a kernel thread
        CHECK(calls_of(9) == (lists ? 6 + 1 + 6 : 7 + 1 + 1 + 6));
        CHECK(count.most_open <= 6);
    }
}

TEST_CASE("costs: while no buffer is met, one file of each device is asked for its name") {
    fake::kernel kernel;
    for (int pid = 10; pid < 20; ++pid) {
        auto& process = kernel.add(pid, "p");
        for (unsigned minor : {30U, 31U, 30U}) {
            auto const file = kernel.regular("/x");
            file->device = {0, minor};
            process.map(file, 4096);
        }
        process.map(kernel.regular("/on a disk"), 4096);
    }
    wrapped::counters count;
    dmabuf::basic_sampler<counting_system> sampler({}, counting_system{{&kernel}, &count});
    dmabuf::snapshot now;
    // one for each mapping and one that sees the end, also of those that the kernel has by itself
    unsigned const usual = 10 * (4 + 1) + 2;
    REQUIRE(sampler.sample(now));
    CHECK(count.query == usual + 2);
    REQUIRE(sampler.sample(now));
    CHECK(count.query == 2 * usual + 2);
}

/// How often a path with this end is opened while one sample is taken, which must be the truth.
unsigned openings(fake::kernel& kernel, std::string_view end, dmabuf::sample_options options) {
    unsigned found = 0;
    auto const before = kernel.event;
    kernel.event = [&](fake::call_event const& event) {
        if (before) before(event);
        found += event.kind == fake::call::open && event.path.ends_with(end);
    };
    auto const now = sampled(kernel, options);
    kernel.event = before;
    CHECK(words(account_of(now)) == words(kernel.truth()));
    return found;
}

TEST_CASE("costs: debugfs is read once where the second look tells nothing more") {
    fake::kernel kernel;
    kernel.debugfs = true;
    kernel.add(10, "p").open(kernel.buffer(1, 4096));
    kernel.add(11, "q").open(kernel.buffer(2, 4096));
    dmabuf::sample_options options;
    options.unheld = options.bufinfo = true;
    unsigned expected = 2;
    bool ended = false;
    SECTION("all is held, and described") {
        expected = 1;
    }
    SECTION("a buffer is held by nobody") {
        kernel.buffer(3, 4096);
    }
    SECTION("a buffer is mapped alone, and of an exporter that only the list tells") {
        kernel.at(10).map(kernel.buffer(3, 4096), 4096);
    }
    SECTION("a process ends meanwhile") {
        kernel.event = [&](fake::call_event const& event) {
            if (!ended && event.path.ends_with("/11/task")) ended = true, kernel.exit(11);
        };
    }
    CHECK(openings(kernel, "/bufinfo", options) == expected);
    fake::kernel without_buffers;
    without_buffers.debugfs = true;
    CHECK(openings(without_buffers, "/bufinfo", options) == 1);
}

TEST_CASE("costs: without unheld buffers debugfs is read only where something is unknown") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.debugfs = true;
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, 4096, "system"));
    unsigned lists = 0;
    kernel.event = [&](fake::call_event const& event) {
        lists += event.kind == fake::call::open && event.path.ends_with("/bufinfo");
    };
    dmabuf::sample_options options;
    options.bufinfo = true;
    options.names = options.bpf = false;
    dmabuf::basic_sampler<fake::system> sampler(options, fake::system{&kernel});
    dmabuf::snapshot now;
    auto const lists_read = [&] {
        lists = 0;
        REQUIRE(sampler.sample(now));
        CHECK(words(account_of(now)) == words(kernel.truth()));
        CHECK(now.coverage.sized_by ==
              (kernel.dmabuf_fds ? dmabuf::sizing::bufinfo : dmabuf::sizing::descriptors));
        CHECK(now.coverage.buffers_undescribed == 0);
        return lists;
    };
    unsigned const by_table = kernel.dmabuf_fds ? 1 : 0;
    CHECK(lists_read() == by_table);
    CHECK(lists_read() == (remembers ? 0 : by_table));
    process.open(kernel.buffer(2, 4096, "udmabuf"));
    CHECK(lists_read() == by_table);
    process.map(kernel.buffer(3, 4096, "i915"), 4096); // by no table: the list alone tells
    CHECK(lists_read() == (remembers ? 1 : 1 + by_table));
    CHECK(now.exporter_of(buffer_of(now, 3)) == "i915");
    CHECK(lists_read() == (remembers ? 0 : 1 + by_table));
}

TEST_CASE("costs: counts cost an fdinfo for each buffer, and comparisons of holders alone") {
    fake::kernel kernel;
    constexpr unsigned holders = 64;
    kernel.add(9, "holds nothing").open(kernel.regular("/f"));
    for (unsigned at = 0; at < holders; ++at) {
        auto& process = kernel.add(static_cast<int>(10 + at), "p");
        auto const buffer = kernel.buffer(1 + at, 4096);
        process.open(buffer);
        process.map(buffer, 4096);
    }
    dmabuf::sample_options options;
    options.bpf = options.names = false;
    auto const calls = [&](bool counts) {
        options.counts = counts;
        wrapped::counters count;
        dmabuf::basic_sampler<counting_system> sampler(options, counting_system{{&kernel}, &count});
        dmabuf::snapshot now;
        REQUIRE(sampler.sample(now));
        count = {};
        REQUIRE(sampler.sample(now));
        CHECK(now.counts.size() == (counts ? holders : 0));
        return count;
    };
    auto const without = calls(false);
    auto const with = calls(true);
    CHECK(without.compare == 0);
    constexpr unsigned log2 = 6;
    CHECK(with.compare <= 2 * holders * (log2 + 2 + 1));
    // An fdinfo for each buffer; one look at each task, for its table and its mappings.
    unsigned const fdinfos = remembers ? 3 * holders : 0;
    CHECK(with.all() - with.compare == without.all() + fdinfos + 3 * holders);
}

TEST_CASE("costs: that kcmp does not serve is learned once, and not anew in every sample") {
    fake::kernel kernel;
    kernel.kcmp = GENERATE(false, true);
    kernel.kcmp_filtered = true;
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, 4096));
    process.add_thread(11);
    wrapped::counters count;
    dmabuf::basic_sampler<counting_system> sampler({}, counting_system{{&kernel}, &count});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    CHECK(count.compare <= 3);
    auto const learned = count.compare;
    REQUIRE(sampler.sample(now));
    CHECK(count.compare == learned);
}

TEST_CASE("costs: the cgroup of each holder is read once, and of nobody else") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    for (int pid = 10; pid < 20; ++pid) {
        auto& process = kernel.add(pid, "p");
        process.add_thread(pid + 100);
        if (pid % 2 == 0) process.open(kernel.buffer(static_cast<std::uint64_t>(pid), 4096));
    }
    dmabuf::sample_options options;
    options.cgroups = true;
    CHECK(openings(kernel, "/cgroup", options) == 5);
    options.cgroups = false;
    CHECK(openings(kernel, "/cgroup", options) == 0);
}

TEST_CASE("costs: no more than six descriptors at a time, by every source") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.sysfs_buffers = GENERATE(false, true);
    kernel.caller = GENERATE(fake::rights::root(), fake::rights::ptrace_only(5));
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, 4096));
    process.map(kernel.buffer(2, 4096), 4096);
    process.add_thread(11);
    sampled(kernel);
    CHECK(kernel.most_open_descriptors() <= 6);
    CHECK(kernel.open_descriptors() == 0);
}

} // namespace
