// SPDX-License-Identifier: MIT
//
// The readers one by one.
#include <dmabuf/kernel/cmdline.hpp>

#include "harness.hpp"

#include <cstring>
#include <iterator>
#include <ranges>

namespace {

using dmabuf::failure;
using dmabuf::object;
using dmabuf::operation;

struct world {
    fake::kernel kernel;
    wrapped::faults plan;
    faulty_system system{{&kernel}, &plan};
    dmabuf::proc_directory<faulty_system> proc = opened(dmabuf::open_proc(system));

    template<class Value>
    static Value opened(dmabuf::result<Value> result) {
        REQUIRE(result);
        return std::move(result).value();
    }
    auto process(int pid) { return opened(dmabuf::open_process(proc, pid)); }
};

template<class Range>
auto numbers(Range&& range) {
    std::vector<std::uint64_t> found;
    for (auto const& item : range) {
        REQUIRE(item);
        found.push_back(static_cast<std::uint64_t>(*item));
    }
    return found;
}

static_assert(std::input_iterator<dmabuf::number_directory<std::int32_t>::iterator>);
static_assert(
    std::sentinel_for<dmabuf::end_of_reader, dmabuf::number_directory<std::int32_t>::iterator>);
static_assert(std::ranges::input_range<dmabuf::number_directory<std::int32_t>>);

TEST_CASE("readers: processes, in order, with a buffer of any size") {
    world w;
    for (int pid : {5, 40000, 4194304})
        w.kernel.add(pid, "p");
    std::vector<std::uint64_t> const expected{1, 5, 900, 40000, 4194304};
    for (std::size_t size : {32U, 40U, 100U, 4096U}) {
        std::vector<char> space(size);
        CHECK(numbers(dmabuf::read_processes(w.proc, dmabuf::read_space(space))) == expected);
    }
    CHECK(numbers(dmabuf::read_processes(w.proc)) == expected);
}

TEST_CASE("readers: nothing is read before begin(), and nothing in *") {
    world w;
    w.kernel.add(10, "p");
    auto const before = w.kernel.calls();
    auto processes = dmabuf::read_processes(w.proc);
    CHECK(w.kernel.calls() == before);
    auto at = processes.begin();
    auto const begun = w.kernel.calls();
    CHECK(begun > before);
    CHECK(**at == 1);
    CHECK(at->value() == 1);
    CHECK(w.kernel.calls() == begun);
}

TEST_CASE("readers: a directory that fails in the middle says so and ends") {
    world w;
    w.kernel.add(10, "p");
    w.plan.fail_at = w.plan.calls + 2; // getdents64
    w.plan.error = EIO;
    auto processes = dmabuf::read_processes(w.proc);
    auto at = processes.begin();
    REQUIRE_FALSE(*at);
    CHECK(at->error() == failure{operation::list, EIO, {object::proc}});
    ++at;
    CHECK(at == processes.end());
    CHECK(w.kernel.open_descriptors() == 1);
}

TEST_CASE("readers: tasks and descriptors") {
    world w;
    auto& made = w.kernel.add(10, "p");
    made.add_thread(12);
    made.add_thread(11);
    made.files()[3] = {w.kernel.regular("/x"), false};
    made.files()[1048575] = {w.kernel.regular("/y"), false};
    auto const process = w.process(10);
    CHECK(numbers(dmabuf::read_tasks(process)) == std::vector<std::uint64_t>{10, 12, 11});
    CHECK(numbers(dmabuf::read_fds(process, 12)) == std::vector<std::uint64_t>{3, 1048575});
    CHECK(numbers(dmabuf::read_fdinfos(process, 10)) == std::vector<std::uint64_t>{3, 1048575});
    auto missing = dmabuf::read_fds(process, 99);
    CHECK(missing.begin()->error() ==
          failure{operation::open, ENOENT, {object::fd_directory, 10, 99}});
}

TEST_CASE("readers: each bufferful is read from its end, where that is asked") {
    world w;
    auto& made = w.kernel.add(10, "p");
    for (int i = 0; i < 5; ++i)
        made.open(w.kernel.regular("/x"));
    auto const process = w.process(10);
    using expected = std::vector<std::uint64_t>;
    auto const backwards = [&](std::size_t size) {
        std::vector<char> space(size);
        auto fds = dmabuf::read_fds(process, 10, dmabuf::read_space(space));
        fds.last_first();
        return numbers(fds);
    };
    // A record has 24 bytes, and those of . and .. are the first.
    CHECK(backwards(24) == expected{0, 1, 2, 3, 4});
    CHECK(backwards(48) == expected{1, 0, 3, 2, 4});
    CHECK(backwards(72) == expected{0, 3, 2, 1, 4});
    CHECK(backwards(4096) == expected{4, 3, 2, 1, 0});
    auto begun = dmabuf::read_fds(process, 10);
    CHECK(**begun.begin() == 0);
    begun.last_first();
    std::int32_t next = 0;
    CHECK(begun.move_on(next));
    CHECK(next == 1);
    made.files().clear();
    CHECK(backwards(4096).empty());
}

/// The last record of each bufferful says that it has `length` bytes.
struct broken_list : fake::system {
    std::uint16_t length = 0;

    long list(int fd, std::span<char> space) const {
        long const got = fake::system::list(fd, space);
        if (got > 0) std::memcpy(space.data() + got - 24 + 16, &length, sizeof length);
        return got;
    }
};

TEST_CASE(
    "readers: a record that cannot be one ends a directory, or its bufferful read from the end") {
    fake::kernel kernel;
    auto& made = kernel.add(10, "p");
    for (int i = 0; i < 3; ++i)
        made.open(kernel.regular("/x"));
    broken_list const system{{&kernel},
                             GENERATE(std::uint16_t(0), std::uint16_t(19), std::uint16_t(25))};
    bool const from_the_end = GENERATE(false, true);
    auto const proc = world::opened(dmabuf::open_proc(system));
    auto const process = world::opened(dmabuf::open_process(proc, 10));
    auto fds = dmabuf::read_fds(process, 10);
    if (from_the_end) fds.last_first();
    std::vector<dmabuf::result<std::int32_t>> items;
    for (auto const& item : fds)
        items.push_back(item);
    REQUIRE(items.size() == (from_the_end ? 1 : 3));
    CHECK(items.back().error() ==
          failure{operation::list, EBADMSG, {object::fd_directory, 10, 10}});
    if (!from_the_end) CHECK(*items[1] == 1);
}

TEST_CASE("readers: stat and status of a process and of a task, and of nobody") {
    world w;
    w.kernel.add(10, "a\nb", 77).add_thread(11);
    auto const process = w.process(10);
    auto const stat = dmabuf::read_stat(process);
    REQUIRE(stat);
    CHECK(stat->pid == 10);
    CHECK(stat->comm == "a\nb");
    CHECK(stat->threads == 2);
    CHECK(stat->start_ticks == 110);
    CHECK(dmabuf::read_stat(process, 11).value().pid == 11);
    CHECK(dmabuf::read_process_status(process).value().uid == 77);
    CHECK(dmabuf::read_stat(process, 99).error() ==
          failure{operation::open, ENOENT, {object::stat, 10, 99}});
    w.kernel.exit(10);
    CHECK(dmabuf::read_stat(process).error() ==
          failure{operation::open, ESRCH, {object::stat, 10}});
    w.kernel.add(10, "reborn");
    CHECK(dmabuf::read_stat(process).error().gone()); // that is somebody else
    CHECK(dmabuf::open_process(w.proc, 11).error() ==
          failure{operation::open, ENOENT, {object::process, 11}});
}

TEST_CASE("readers: a file that does not fit is refused, not cut") {
    world w;
    w.kernel.add(10, std::string(2000, 'x'));
    auto const stat = dmabuf::read_stat(w.process(10));
    REQUIRE_FALSE(stat);
    CHECK(stat.error().error == EOVERFLOW);
}

TEST_CASE("readers: dmabuf_fds, with reads of any size") {
    world w;
    w.kernel.dmabuf_fds = true;
    auto& made = w.kernel.add(10, "p");
    std::vector<std::uint64_t> expected;
    for (std::uint64_t i = 0; i < 50; ++i) {
        expected.push_back(i * i * i * i * i * i * i * i);
        made.open(w.kernel.buffer(expected.back(), 4096));
    }
    auto const process = w.process(10);
    for (std::size_t size : {1U, 2U, 3U, 5U, 100U, 5000U}) {
        std::vector<char> space(size);
        CHECK(numbers(dmabuf::read_dmabuf_fds(process, 10, dmabuf::read_space(space))) == expected);
    }
}

TEST_CASE("readers: dmabuf_fds keeps back the number that a failing read cut off") {
    world w;
    w.kernel.dmabuf_fds = true;
    w.kernel.add(10, "p").open(w.kernel.buffer(12345, 4096));
    w.kernel.at(10).open(w.kernel.buffer(67890, 4096));
    auto const process = w.process(10);
    w.plan.most_bytes = 8; // "12345 67"
    w.plan.fail_at = w.plan.calls + 3;
    w.plan.error = EACCES;
    std::vector<dmabuf::result<std::uint64_t>> items;
    for (auto const& item : dmabuf::read_dmabuf_fds(process, 10))
        items.push_back(item);
    REQUIRE(items.size() == 2);
    CHECK(*items[0] == 12345);
    CHECK(items[1].error() == failure{operation::read, EACCES, {object::dmabuf_fds, 10, 10}});
}

std::string newlines(std::uint64_t i) {
    return std::string(static_cast<std::size_t>(i % 31), '\n');
}

TEST_CASE("readers: maps, with reads and memory of any size that holds a line") {
    world w;
    auto& made = w.kernel.add(10, "p");
    for (std::uint64_t i = 0; i < 200; ++i)
        made.map(w.kernel.buffer(i, 4096, "system", newlines(i)), 4096 + i * 4096);
    auto const process = w.process(10);
    for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
        for (std::size_t size : {300U, 4096U}) {
            w.plan.most_bytes = bytes;
            std::vector<char> space(size);
            std::uint64_t i = 0;
            for (auto const& item : dmabuf::read_maps(process, 10, dmabuf::read_space(space))) {
                REQUIRE(item);
                CHECK(item->inode == i);
                CHECK(item->size_bytes() == 4096 + i * 4096);
                CHECK(item->device == w.kernel.dmabuf_device);
                CHECK(dmabuf::parse_mapped_name(item->path).value() == newlines(i));
                ++i;
            }
            CHECK(i == 200);
        }
    }
}

TEST_CASE("readers: a line of maps that does not fit is a failure, not half a line, and the next "
          "one follows") {
    for (std::size_t length = 100; length < 700; ++length) {
        world w;
        auto& made = w.kernel.add(10, "p");
        bool const last = length % 2 != 0;
        made.map(w.kernel.regular("/first"), 4096);
        made.map(w.kernel.regular("/" + std::string(length, 'x')), 4096);
        if (!last) made.map(w.kernel.regular("/next"), 4096);
        auto const process = w.process(10);
        std::vector<char> space(200);
        std::vector<std::string> found;
        w.plan.most_bytes = length % 3 != 0 ? 0 : 50;
        for (auto const& item : dmabuf::read_maps(process, 10, dmabuf::read_space(space))) {
            found.push_back(item ? std::string(item->path) : "failed");
            if (!item)
                CHECK(item.error() == failure{operation::read, EOVERFLOW, {object::maps, 10, 10}});
        }
        CAPTURE(length);
        bool const fits = 73 + 1 + length + 1 <= space.size();
        std::vector<std::string> expected{"/first"};
        expected.push_back(fits ? "/" + std::string(length, 'x') : "failed");
        if (!last) expected.push_back("/next");
        CHECK(found == expected);
    }
}

struct mapped {
    std::vector<std::uint64_t> inodes;
    std::vector<std::string> names; ///< "-": no DMA-BUF's
    std::optional<failure> failed;
    bool can_query = false;
};

mapped files_of(world& w, int pid, int tid, bool queries = true) {
    auto const process = w.process(pid);
    auto files = dmabuf::read_mapped_files(process, tid, queries);
    mapped all;
    for (auto const& found : files) {
        if (!found) {
            all.failed = found.error();
            continue;
        }
        all.inodes.push_back(found->inode);
        auto const name = files.name_of(*found);
        REQUIRE((name || name.error().gone()));
        all.names.push_back(name && *name ? std::string(**name) : "-");
    }
    all.can_query = files.can_query();
    return all;
}

/// Mapped: a buffer, a file with a long path, and two buffers whose names look alike in maps.
void map_some(world& w, int pid) {
    auto& made = w.kernel.add(pid, "p");
    made.map(w.kernel.buffer(1, 4096, "system"), 4096);
    made.map(w.kernel.regular("/" + std::string(500, 'x')), 8192);
    made.map(w.kernel.buffer(2, 4096, "system", "line\nfeed"), 4096);
    made.map(w.kernel.buffer(3, 4096, "system", "line\\012feed"), 4096);
}

TEST_CASE("readers: mapped files, by query or by text") {
    world w;
    map_some(w, 10);
    auto const by_query = files_of(w, 10, 10);
    CHECK(by_query.can_query);
    CHECK(by_query.names == std::vector<std::string>{"", "-", "line\nfeed", "line\\012feed"});
    w.kernel.minor = 10;
    auto const by_text = files_of(w, 10, 10);
    CHECK_FALSE(by_text.can_query);
    CHECK(by_text.inodes == by_query.inodes);
    CHECK(by_text.inodes.size() == 4);
    CHECK(by_text.names == std::vector<std::string>{"", "-", "line\nfeed", "line\nfeed"});
    auto const before = w.kernel.calls();
    CHECK_FALSE(files_of(w, 10, 10, by_text.can_query).can_query);
    CHECK(w.kernel.calls() - before == 6); // twice open and close, two reads
}

/// Answers query number `wrong_at` with a mapping that begins and ends where these say, as no
/// kernel does.
struct stuck_system : fake::system {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    unsigned wrong_at = 0;
    unsigned* queries = nullptr;

    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                      std::span<char> space) const {
        int const error = fake::system::query_mapping(fd, from, found, space);
        if (++*queries == wrong_at) found.begin = begin, found.end = end;
        return error;
    }
};

TEST_CASE("readers: a mapping that does not end ahead is refused, and asked for once") {
    world w;
    map_some(w, 10);
    auto const first = w.kernel.at(10).mappings[0];
    struct {
        std::uint64_t begin;
        std::uint64_t end;
    } const wrong[] = {{0, 0}, {first.begin, first.end}, {first.end + 8192, first.end + 4096}};
    for (auto const& [begin, end] : wrong)
        for (unsigned const wrong_at : {1U, 2U}) {
            if (wrong_at == 1 && end == first.end) continue; // there it does lie ahead
            CAPTURE(begin, end, wrong_at);
            unsigned asked = 0;
            stuck_system const system{{&w.kernel}, begin, end, wrong_at, &asked};
            auto const process = world::opened(dmabuf::open_process(10, system));
            unsigned found = 0;
            std::optional<failure> failed;
            for (auto const& item : dmabuf::read_mapped_files(process, 10))
                item ? void(++found) : void(failed = item.error());
            CHECK(asked == wrong_at);
            // Where the first query is no use the text serves.
            CHECK(found == (wrong_at == 1 ? 4 : 1));
            CHECK(failed.has_value() == (wrong_at == 2));
            if (failed)
                CHECK(*failed == failure{operation::query, EBADMSG, {object::maps, 10, 10}});
        }
}

TEST_CASE(
    "readers: where the first query fails the text serves, where a later one does it is said") {
    for (int const error : {EPERM, ENOSYS, EINVAL, EIO, ENOMEM, ENOTTY, EFAULT}) {
        for (unsigned k = 1; k <= 4; ++k) {
            world w;
            map_some(w, 10);
            auto const process = w.process(10);
            w.plan.fail_at = w.plan.calls + 1 + k; // behind the opening
            w.plan.error = error;
            unsigned found = 0;
            std::optional<failure> failed;
            auto files = dmabuf::read_mapped_files(process, 10);
            for (auto const& item : files)
                item ? void(++found) : void(failed = item.error());
            CAPTURE(error, k);
            CHECK(found == (k == 1 ? 4 : k - 1));
            CHECK(failed.has_value() == (k > 1));
            if (failed) CHECK(*failed == failure{operation::query, error, {object::maps, 10, 10}});
            CHECK(files.can_query() == (k > 1 || error != ENOTTY));
        }
    }
    CHECK(dmabuf::describe(failure{operation::query, EIO, {object::maps, 10, 11}}) ==
          "cannot query /proc/10/task/11/maps: input/output error (EIO)");
}

TEST_CASE("readers: a task without a memory map has no mapped files") {
    world w;
    map_some(w, 10);
    w.kernel.at(10).add_thread(11);
    w.kernel.at(10).end_leader();
    auto const leader = files_of(w, 10, 10);
    REQUIRE(leader.failed);
    CHECK(leader.failed->gone());
    CHECK(leader.inodes.empty());
    CHECK(files_of(w, 10, 11).inodes.size() == 4);
    w.kernel.add(12, "nothing mapped");
    auto const nothing = files_of(w, 12, 12);
    CHECK(nothing.inodes.empty());
    CHECK(nothing.can_query);
    CHECK(leader.can_query);
}

TEST_CASE("readers: the name of a mapping is asked only while it is that file's") {
    world w;
    map_some(w, 10);
    auto const process = w.process(10);
    auto files = dmabuf::read_mapped_files(process, 10);
    auto at = files.begin();
    REQUIRE(*at);
    auto const first = **at;
    auto& mapped = w.kernel.at(10).mappings;
    failure const none{operation::query, ENOENT, {object::maps, 10, 10}};
    for (auto const& other : {w.kernel.buffer(9, 4096, "system", "another"), w.kernel.regular("/x"),
                              w.kernel.regular("/" + std::string(500, 'x'))}) {
        mapped[0].file = other;
        CHECK(files.name_of(first).error() == none);
    }
    mapped.clear();
    CHECK(files.name_of(first).error() == none);
}

TEST_CASE("readers: fdinfo of any length, around what fits one read") {
    world w;
    auto const buffer = w.kernel.buffer(1, 4096, "system", "name\nof two lines");
    w.kernel.add(10, "p").open(buffer);
    auto const process = w.process(10);
    constexpr std::size_t more = 125; // bytes of the other lines, or fewer
    for (std::size_t bytes = 1024 - more; bytes < 2048 + 9; ++bytes) {
        buffer->locks = "lock:\t" + std::string(bytes % 64, 'l') + "\n";
        while (buffer->locks.size() < bytes)
            buffer->locks += "lock:\t" + std::string(bytes % 7, 'l') + "\n";
        auto const info = dmabuf::read_fdinfo(process, 10, 0);
        REQUIRE(info);
        CHECK(info->is_dmabuf());
        CHECK(info->name->view() == "name\nof two lines");
    }
}

/// The text of an inotify's fdinfo: a line for each watch.
std::string watches(unsigned count) {
    std::string text;
    for (unsigned i = 0; i < count; ++i)
        text += "inotify wd:" + std::to_string(i) +
                " ino:9e7e sdev:800013 mask:800afce ignored_mask:0 fhandle-bytes:8 "
                "fhandle-type:1 f_handle:7e9e0000640d1b6d\n";
    return text;
}

unsigned reads_of_fdinfo(world& w, std::optional<std::int32_t> mount = {}) {
    unsigned reads = 0;
    w.kernel.event = [&](fake::call_event const& event) {
        reads += event.kind == fake::call::read;
    };
    auto const info = dmabuf::read_fdinfo(w.process(10), 10, 0, mount);
    w.kernel.event = nullptr;
    REQUIRE(info);
    CHECK_FALSE(info->is_dmabuf());
    return reads;
}

TEST_CASE("readers: of a long fdinfo that is no DMA-BUF's, only the beginning is read") {
    world w;
    auto const inotify = w.kernel.anonymous("inotify");
    w.kernel.add(10, "p").open(inotify);
    inotify->extra = watches(100000);
    CHECK(reads_of_fdinfo(w) == 1);
    // Its own lines come behind those of locks; only another mount tells before.
    inotify->extra = "";
    for (int i = 0; i < 1000; ++i)
        inotify->locks += "lock:\t1: POSIX  ADVISORY  WRITE 12 00:0b:4 0 EOF\n";
    auto const all = static_cast<unsigned>(inotify->locks.size() / 1024);
    CHECK(reads_of_fdinfo(w) >= all);
    CHECK(reads_of_fdinfo(w, 21) == 1);   // the mount of DMA-BUFs
    CHECK(reads_of_fdinfo(w, 30) >= all); // its own
    inotify->extra = watches(100000);
    CHECK(reads_of_fdinfo(w) <= all + 2);
}

TEST_CASE("readers: the walk over fdinfo reads a hundred thousand watches no further than told") {
    world w;
    auto& made = w.kernel.add(10, "p");
    auto const inotify = w.kernel.anonymous("inotify");
    inotify->extra = watches(100000);
    auto const locked = w.kernel.regular("/x");
    for (int i = 0; i < 10000; ++i)
        locked->locks += "lock:\t1: POSIX  ADVISORY  WRITE 12 08:01:4 0 EOF\n";
    auto const buffer = w.kernel.buffer(1, 4096, "system", "long");
    buffer->locks = locked->locks;
    made.open(inotify);
    made.open(w.kernel.buffer(2, 4096));
    made.open(locked);
    made.open(buffer);
    auto const process = w.process(10);
    dmabuf::dmabuf_filesystem known;
    std::map<std::string, unsigned> reads;
    w.kernel.event = [&](fake::call_event const& event) {
        reads[event.path] += event.kind == fake::call::read;
    };
    std::vector<std::uint64_t> found;
    for (auto const& item : dmabuf::walk_fdinfos(process, 10, known)) {
        REQUIRE(item);
        found.push_back(*item->info.inode);
    }
    w.kernel.event = nullptr;
    CHECK(found == std::vector<std::uint64_t>{2, 1});
    auto const of = [&](int fd) {
        return reads["/proc/10/task/10/fdinfo/" + std::to_string(fd) + "/"];
    };
    CHECK(of(0) == 1);
    CHECK(of(1) == 1);
    CHECK(of(2) == 1);
    CHECK(of(3) > 400); // all of it: its own lines are the last
}

TEST_CASE("readers: sysfs, and a buffer that goes away between listing and reading") {
    world w;
    w.kernel.sysfs_buffers = true;
    w.kernel.buffer(1, 4096, "system");
    w.kernel.buffer(18446744073709551615U, 1ULL << 40, "udmabuf");
    auto const tree = world::opened(dmabuf::open_sysfs_buffers(w.system));
    std::vector<dmabuf::sysfs_buffer> found;
    for (auto const& item : dmabuf::read_sysfs_buffers(tree)) {
        REQUIRE(item);
        found.push_back(*item);
    }
    REQUIRE(found.size() == 2);
    CHECK(found[1].inode == 18446744073709551615U);
    CHECK(found[1].size_bytes == 1ULL << 40);
    CHECK(found[1].exporter == "udmabuf");

    w.plan.fail_at = w.plan.calls + 3; // the first size
    w.plan.error = ENOENT;
    std::vector<dmabuf::result<dmabuf::sysfs_buffer>> items;
    for (auto const& item : dmabuf::read_sysfs_buffers(tree))
        items.push_back(item);
    REQUIRE(items.size() == 2);
    CHECK(items[0].error() == failure{operation::open, ENOENT, {object::sysfs_size, 0, 0, -1, 1}});
    CHECK(items[1]);
    w.kernel.sysfs_buffers = false;
    CHECK(dmabuf::open_sysfs_buffers(w.system).error().gone());
}

TEST_CASE("readers: the path that a caller gave may go before the range begins") {
    world w;
    w.kernel.debugfs = true;
    w.kernel.buffer(1, 4096, "system");
    std::string path = "/sys/kernel/debug/dma_buf/bufinfo";
    auto list = dmabuf::read_bufinfo(w.system, {}, path.c_str());
    path.assign(path.size(), 'x');
    int rows = 0;
    for (auto const& row : list) {
        REQUIRE(row);
        ++rows;
    }
    CHECK(rows == 1);

    // Too long to be kept is too long to be opened, cut off.
    path.assign(300, '/');
    auto const calls = w.plan.calls;
    for (auto const& row : dmabuf::read_android_buffers(w.system, {}, path.c_str()))
        CHECK(row.error() == failure{operation::open, ENAMETOOLONG, {object::bpf_android_buffers}});
    for (auto const& row :
         dmabuf::read_bpf_references(dmabuf::bpf_content::descriptors, {}, w.system, path.c_str()))
        CHECK(row.error() == failure{operation::open, ENAMETOOLONG, {object::bpf_descriptors}});
    CHECK(w.plan.calls == calls);
}

TEST_CASE("readers: the walk names the descriptor, and a failing one does not end it") {
    world w;
    auto& made = w.kernel.add(10, "p");
    made.open(w.kernel.buffer(1, 4096));
    made.open(w.kernel.regular("/x"));
    made.open(w.kernel.buffer(2, 8192), true);
    auto const process = w.process(10);
    dmabuf::dmabuf_filesystem known;
    std::vector<dmabuf::dmabuf_descriptor> found;
    for (auto const& item : dmabuf::walk_fds(process, 10, known)) {
        REQUIRE(item);
        found.push_back(*item);
    }
    REQUIRE(found.size() == 2);
    CHECK(found[0].fd == 0);
    CHECK(found[0].inode == 1);
    CHECK_FALSE(found[0].path);
    CHECK(found[1].fd == 2);
    CHECK(found[1].size_bytes == 8192);
    CHECK(found[1].path);
    CHECK(known.device() == w.kernel.dmabuf_device);

    w.plan.fail_at = w.plan.calls + 3; // statx of the first
    w.plan.error = EIO;
    std::vector<dmabuf::result<dmabuf::dmabuf_descriptor>> items;
    for (auto const& item : dmabuf::walk_fds(process, 10, known))
        items.push_back(item);
    REQUIRE(items.size() == 2);
    CHECK(items[0].error() == failure{operation::status, EIO, {object::fd, 10, 10, 0}});
    CHECK(items[1]->inode == 2);
}

// --- command lines
// --------------------------------------------------------------------------------

TEST_CASE("readers: a command line is whole, or said to be cut") {
    using namespace std::string_view_literals;
    world w;
    w.kernel.add(10, "p").command_line = "p\0-x\0a b\0"sv;
    auto const process = w.process(10);
    auto const read = [&](std::size_t size) {
        std::vector<char> space(size);
        auto const line = dmabuf::read_command_line(process, space);
        REQUIRE(line);
        return std::pair(std::string(line->arguments), line->cut);
    };
    std::pair const whole(std::string("p\0-x\0a b"sv), false);
    CHECK(read(4096) == whole);
    CHECK(read(10) == whole);
    CHECK(read(9) == whole); // which fills the space, and is all the same whole
    CHECK(read(8) == std::pair(std::string("p\0-x\0a b"sv), true));
    CHECK(read(6) == std::pair(std::string("p\0-x\0a"sv), true));
    CHECK(read(2) == std::pair(std::string("p"), true));
}

TEST_CASE("readers: kernel threads and zombies have no command line") {
    world w;
    auto& zombie = w.kernel.add(10, "zombie");
    zombie.command_line = std::string("zombie\0", 7);
    zombie.end_leader();
    auto& thread = w.kernel.add(11, "kthread");
    thread.kernel_thread = true;
    std::array<char, 16> space;
    for (int const pid : {10, 11}) {
        auto const line = dmabuf::read_command_line(w.process(pid), space);
        REQUIRE(line);
        CHECK(line->arguments.empty());
        CHECK_FALSE(line->cut);
    }
}

TEST_CASE("readers: the command line of a process that ends, and every call that fails") {
    world w;
    w.kernel.add(10, "p").command_line = "0123456789";
    auto const process = w.process(10);
    std::array<char, 4> space;
    auto const before = w.plan.calls;
    REQUIRE(dmabuf::read_command_line(process, space));
    CHECK(w.plan.calls == before + 3); // an open, a read, and one that sees that there is more
    for (unsigned which = 1; which <= 3; ++which) {
        w.plan.fail_at = w.plan.calls + which;
        w.plan.error = EIO;
        auto const line = dmabuf::read_command_line(process, space);
        REQUIRE_FALSE(line);
        CHECK(line.error() == failure{which == 1 ? operation::open : operation::read,
                                      EIO,
                                      {object::command_line, 10}});
        CHECK(w.kernel.open_descriptors() == 2); // /proc and /proc/10
    }
    w.kernel.exit(10);
    auto const gone = dmabuf::read_command_line(process, space);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().gone());
}

} // namespace

TEST_CASE("readers: one read tells the cgroup where the unified hierarchy is the last") {
    world w;
    auto& made = w.kernel.add(10, "p");
    bool const unified_last = GENERATE(true, false);
    made.cgroup = unified_last ? "/a" : "/a\n2:memory:/b";
    unsigned reads = 0;
    w.kernel.event = [&](fake::call_event const& event) {
        reads += event.kind == fake::call::read;
    };
    std::array<char, 256> space;
    auto const process = w.process(10);
    auto const path = dmabuf::read_cgroup(process, space);
    w.kernel.event = nullptr;
    REQUIRE(path);
    CHECK(*path == (unified_last ? "/a" : "/b"));
    CHECK(reads == (unified_last ? 1U : 2U));
}
