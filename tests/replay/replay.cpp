// SPDX-License-Identifier: MIT
//
// Recording and replaying: single calls, whole samples of a kernel in memory and of this machine.
#include "replay/anonymise.hpp"
#include "support.hpp"

#include <array>
#include <fcntl.h>
#include <set>

namespace {

replay::replayed_system system_of(std::string const& lines) {
    return replay::replayed_system(support::parsed("dmabuf-recording 1\n" + lines + "end\n"));
}

std::string read_all(replay::replayed_system const& system, int fd, std::size_t piece = 3) {
    std::string text;
    std::array<char, 64> space;
    for (;;) {
        long const got = system.read(fd, std::span(space).first(piece));
        if (got <= 0) return got == 0 ? text : text + "!" + std::to_string(-got);
        text.append(space.data(), static_cast<std::size_t>(got));
    }
}

/// A kernel with a bit of everything.
void furnish(fake::kernel& kernel) {
    auto& compositor = kernel.add(100, "compositor", 0);
    auto& player = kernel.add(101, "player\n) x");
    auto& idle = kernel.add(102, "idle");
    auto const frame = kernel.buffer(5, 4096 * 25, "system", "frame");
    auto const nasty = kernel.buffer(6, 8192, "udmabuf", "a\nname:\tb\x1b\xff\"");
    auto const mapped = kernel.buffer(7, 12288, "system");
    compositor.open(frame);
    compositor.open(nasty);
    compositor.open(kernel.anonymous("eventfd"));
    compositor.map(mapped, 8192);
    player.open(frame);
    player.open(frame, true);
    player.open(kernel.regular("/home/user/secret"));
    player.add_thread(111);
    auto own = std::make_shared<fake::table>();
    fake::process::open_in(*own, nasty);
    player.add_thread(112, own);
    player.map(frame, 4096);
    idle.open(kernel.regular("/tmp/x"));
}

void check_round_trip(support::recorded const& done, unsigned samples = 1) {
    for (auto const* const kept : {&done.recording, &done.needed}) {
        auto const text = replay::write(*kept);
        auto const again = support::replay_it(support::parsed(text), samples);
        CHECK(again.missing == "");
        CHECK_FALSE(again.failed);
        CHECK(again.left_open == 0);
        CHECK(support::dump(again.now) == support::dump(done.now));
        CHECK(again.now.begin_ns == done.now.begin_ns);
        CHECK(again.now.end_ns == done.now.end_ns);
    }
}

/// A call that an older library did not make: see replay/older_recording.hpp.
bool follows_from_the_rest(std::string const& key) {
    return key.starts_with("kcmp ") || key.find("/fdinfo/") != key.npos;
}

} // namespace

TEST_CASE("tables that were compared have an order, whichever two are asked about") {
    // By address: 5 and 8 share a table below that of 1, 2 and 7; 3 has one between.
    auto const system = system_of("kcmp 2 1 0\nkcmp 5 1 1\nkcmp 7 2 0\nkcmp 3 1 1\nkcmp 3 5 2\n"
                                  "kcmp 8 1 1\nkcmp 8 5 0\n");
    int const by_address[] = {5, 8, 3, 1, 2, 7};
    auto const table = [](int task) { return task == 5 || task == 8 ? 0 : task == 3 ? 1 : 2; };
    for (int const a : by_address)
        for (int const b : by_address) {
            CAPTURE(a, b);
            int const order = table(a) == table(b) ? 0 : table(a) < table(b) ? 1 : 2;
            CHECK(system.compare_descriptor_tables(a, b) == order);
        }
    CHECK(system.missing() == "");
    CHECK(system.compare_descriptor_tables(1, 9) == -ENOSYS);
    CHECK(system.missing() == "kcmp 1 9");
}

TEST_CASE("tables in a ring, which no kernel shows, keep replay from nothing") {
    auto const system = system_of("kcmp 1 2 1\nkcmp 2 3 1\nkcmp 3 1 1\nkcmp 4 4 0\n");
    CHECK(system.compare_descriptor_tables(1, 2) == 1);
    CHECK(system.compare_descriptor_tables(1, 1) == 0);
    CHECK(system.compare_descriptor_tables(4, 1) == 1);
    CHECK(system.missing() == "");
}

TEST_CASE("where kcmp was refused it is refused for tasks that were not asked about") {
    auto const system = system_of("kcmp 1 2 !EPERM\n");
    CHECK(system.compare_descriptor_tables(1, 1) == -EPERM);
    CHECK(system.compare_descriptor_tables(3, 2) == -EPERM);
}

TEST_CASE("a descriptor whose link can neither be read nor written was taken for an O_PATH one") {
    auto const system = system_of("lstat /proc/7/task/7/fd/3 5 64 0:11 120000 1 0\n"
                                  "lstat /proc/7/task/7/fd/4 5 64 0:11 120700 1 0\n");
    int const fd = system.open(AT_FDCWD, "/proc/7/task/7/fdinfo/3", O_RDONLY);
    REQUIRE(fd >= 0);
    std::array<char, 256> space;
    long const length = system.read(fd, space);
    REQUIRE(length > 0);
    auto const info = dmabuf::parse_fdinfo({space.data(), static_cast<std::size_t>(length)});
    REQUIRE(info);
    CHECK(info->is_path());
    CHECK(system.open(AT_FDCWD, "/proc/7/task/7/fdinfo/4", O_RDONLY) == -ENOSYS);
}

namespace {

/// In a container that has the /proc of its host.
void contain_caller(fake::kernel& kernel) {
    kernel.pid_namespace = 4026532000;
    kernel.caller_getpid = 5;
    kernel.at(900).inner_pids = {5};
}

} // namespace

TEST_CASE("an older recording that did not ask whose procfs it was takes it for a container's") {
    fake::kernel kernel;
    kernel.add(2, "kthreadd", 0).kernel_thread = true;
    kernel.add(10, "p").open(kernel.buffer(1, 4096));
    contain_caller(kernel);
    auto done = support::record(kernel);
    CHECK(done.now.coverage.proc_shows == dmabuf::visibility::everything);
    check_round_trip(done);
    std::erase_if(done.recording.entries, [](replay::entry const& one) {
        return one.path == "/proc/2/stat" ||
               (one.path == "/proc/1" && one.what == replay::call::stat);
    });
    auto const again = support::replay_it(done.recording);
    CHECK(again.missing == "");
    CHECK(again.now.coverage.proc_shows == dmabuf::visibility::pid_namespace);
    CHECK(again.now.holders.size() == 1);
    // Where the caller's numbers are those of /proc, nothing of it was asked.
    dmabuf::file_status status;
    CHECK(system_of("open /proc\n").status(AT_FDCWD, "/proc/1", 0, status) == -ENOSYS);
}

TEST_CASE("what was seen below other roots replays below the usual ones") {
    fake::kernel kernel;
    std::string const proc = GENERATE("/host/proc", "/host/sys/proc");
    std::string const sys = "/host/sys";
    kernel.proc_root = proc;
    kernel.sys_root = sys;
    kernel.sysfs_buffers = true;
    kernel.debugfs = true;
    kernel.add(10, "p").open(kernel.buffer(1, 4096));
    dmabuf::sample_options options{.unheld = true, .counts = true};
    options.bufinfo = true;
    options.proc = proc;
    options.sys = sys;
    auto done = support::record(kernel, options);
    REQUIRE(done.now.holders.size() == 1);
    REQUIRE(done.now.coverage.listed_by == dmabuf::listing::sysfs);
    for (auto* const kept : {&done.recording, &done.needed}) {
        kept->entries = replay::below_usual_roots(std::move(kept->entries), options.roots());
        kept->made.options.proc = dmabuf::roots{}.proc;
        kept->made.options.sys = dmabuf::roots{}.sys;
        CHECK(replay::write(*kept).find("host") == std::string::npos);
    }
    check_round_trip(done);
}

TEST_CASE("only whole names of roots are taken for them") {
    auto const usual = [](char const* path, dmabuf::roots const& roots) {
        replay::entry one;
        one.path = path;
        return replay::below_usual_roots({one}, roots).front().path;
    };
    CHECK(usual("/host/proc", {"/host/proc", "/host/sys"}) == "/proc");
    CHECK(usual("/host/proc/1/fd", {"/host/proc", "/host/sys"}) == "/proc/1/fd");
    CHECK(usual("/host/processes", {"/host/proc", "/host/sys"}) == "/host/processes");
    CHECK(usual("/proc/1", {}) == "/proc/1");
    CHECK(usual("proc/1", {"proc", "/sys"}) == "/proc/1");
    CHECK(usual("//1/fd", {"/", "/sys"}) == "/proc/1/fd");
    CHECK(usual("/sys/kernel", {"/", "/sys"}) == "/sys/kernel");
    CHECK(usual("12 13", {"/", "/sys"}) == "12 13"); // kcmp
}

TEST_CASE("a key's answers come in their order, and the last again and again") {
    auto const system = system_of("kcmp 1 2 0\nkcmp 1 3 1\nkcmp 1 2 !EPERM\nclock 7\nclock 9\n");
    CHECK(system.compare_descriptor_tables(1, 3) == 1);
    CHECK(system.compare_descriptor_tables(1, 2) == 0);
    CHECK(system.compare_descriptor_tables(1, 2) == -EPERM);
    CHECK(system.compare_descriptor_tables(1, 2) == -EPERM);
    CHECK(system.clock_ns() == 7);
    CHECK(system.clock_ns() == 9);
    CHECK(system.clock_ns() == 9);
    CHECK(system.missing() == "");
}

TEST_CASE("paths are joined, so that it does not matter from where a file is opened") {
    auto const system = system_of("open /proc\nopen /proc/7\nfile /proc/7/stat \"text\"\n"
                                  "stat /proc/7/task 1 2 0:3 0600 4 5\n");
    int const proc = system.open(AT_FDCWD, "/proc", O_RDONLY);
    int const process = system.open(proc, "7", O_RDONLY);
    int const by_two = system.open(process, "stat", O_RDONLY);
    int const by_one = system.open(proc, "7/stat", O_RDONLY);
    CHECK(read_all(system, by_two) == "text");
    CHECK(read_all(system, by_one, 64) == "text");
    dmabuf::file_status status;
    CHECK(system.status(process, "task", 0, status) == 0);
    CHECK(status.device == dmabuf::device_number{0, 3});
    CHECK(status.mode == 0600);
    CHECK(system.open_count() == 4);
    for (int const fd : {proc, process, by_two, by_one})
        CHECK(system.close(fd) == 0);
    CHECK(system.close(proc) == -EBADF);
    CHECK(system.open_count() == 0);
    CHECK(system.missing() == "");
}

TEST_CASE("mappings are told by where they were looked for, with or without their path") {
    auto const system =
        system_of("open /m\nmapping /m 0x0 0x1000 0x3000 shared 0:11 5 \"/dmabuf:a\\nb\"\n"
                  "mapping /m 0x3000 !ENOENT\n");
    int const maps = system.open(AT_FDCWD, "/m", O_RDONLY);
    std::array<char, 12> path;
    dmabuf::mapping found;
    CHECK(system.query_mapping(maps, 0, found, {}) == 0);
    CHECK(found.path.empty());
    CHECK(system.query_mapping(maps, 0, found, path) == 0);
    CHECK(found.path == "/dmabuf:a\nb");
    CHECK(found.begin == 0x1000);
    CHECK(found.end == 0x3000);
    CHECK(found.shared);
    CHECK(found.device == dmabuf::device_number{0, 11});
    CHECK(found.inode == 5);
    CHECK(system.query_mapping(maps, 0, found, std::span(path).first(11)) == -ENAMETOOLONG);
    CHECK(system.query_mapping(maps, 0x3000, found, {}) == -ENOENT);
    CHECK(system.missing() == "");
    CHECK(system.query_mapping(maps, 0x4000, found, {}) == -ENOSYS);
    CHECK(system.missing() == "mapping /m 0x4000");
}

TEST_CASE(
    "a recording that was made without asking for mappings is of a kernel without an answer") {
    auto const system = system_of("open /m\n");
    dmabuf::mapping found;
    CHECK(system.query_mapping(system.open(AT_FDCWD, "/m", O_RDONLY), 0, found, {}) == -ENOTTY);
    CHECK(system.missing() == "");
}

TEST_CASE("a file breaks off as it did, and a part that nobody read is missing") {
    auto const system = system_of("file /broken !EIO \"half\"\nfile /part ... \"half\"\n");
    CHECK(read_all(system, system.open(AT_FDCWD, "/broken", 0)) == "half!" + std::to_string(EIO));
    CHECK(system.missing() == "");
    CHECK(read_all(system, system.open(AT_FDCWD, "/part", 0)) == "half!" + std::to_string(ENOSYS));
    CHECK(system.missing() == "file /part beyond what was recorded");
}

TEST_CASE("a directory is listed in records, however little space there is") {
    auto const system = system_of("open /d\ndir /d . .. 1 22 333 4444444444\n");
    for (std::size_t const size : {40U, 64U, 1000U}) {
        CAPTURE(size);
        std::vector<char> space(size);
        dmabuf::number_directory<std::int64_t, replay::replayed_system> numbers(
            system, AT_FDCWD, {"/d"}, {}, dmabuf::read_space(space));
        std::vector<std::int64_t> found;
        for (auto const& number : numbers) {
            REQUIRE(number);
            found.push_back(*number);
        }
        CHECK(found == std::vector<std::int64_t>{1, 22, 333, 4444444444});
    }
    std::array<char, 8> little;
    CHECK(system.list(system.open(AT_FDCWD, "/d", 0), little) == -EINVAL);
}

/// Made by hand: text with such a name is refused.
TEST_CASE("a name that no record of a directory can hold is not handed out") {
    for (std::size_t const length : {65509U, 65517U, 65536U, 131072U}) {
        CAPTURE(length);
        replay::recording made;
        made.entries.resize(1);
        made.entries[0].what = replay::call::dir;
        made.entries[0].path = "/d";
        made.entries[0].names = {std::string(length, 'a')};
        replay::replayed_system const system(made);
        std::vector<char> space(200'000, 'x');
        int const directory = system.open(AT_FDCWD, "/d", 0);
        CHECK(system.list(directory, std::span(space).first(32768)) == -EINVAL);
        CHECK(system.list(directory, space) == -EINVAL);
        CHECK(space == std::vector<char>(200'000, 'x'));
    }
}

TEST_CASE("a recording answers for a while only") {
    auto const system = system_of("kcmp 1 2 0\n");
    std::uint64_t calls = 0;
    while (system.compare_descriptor_tables(1, 2) == 0)
        REQUIRE(++calls < 10'000);
    CHECK(calls >= 1000);
    CHECK(system.compare_descriptor_tables(1, 2) == -ENOSYS);
    CHECK(system.missing() == "kcmp 1 2 so often");
    CHECK(system.take_missing() == "kcmp 1 2 so often");
    CHECK(system.missing() == "");
}

TEST_CASE("a file that was closed gives its number back") {
    auto const system = system_of("open /x\n");
    int const first = system.open(AT_FDCWD, "/x", 0);
    int const second = system.open(AT_FDCWD, "/x", 0);
    CHECK(second != first);
    system.close(first);
    CHECK(system.open(AT_FDCWD, "/x", 0) == first);
}

/// The kernel's text ends with a newline: without it the last line may be cut off.
TEST_CASE("files of lines that end within one are refused") {
    auto const last_of = [](auto range) {
        std::size_t good = 0;
        int error = 0;
        for (auto const& item : range)
            item ? void(++good) : void(error = item.error().error);
        return std::pair(good, error);
    };
    std::string const row = "00004096\\t00000002\\t00080007\\t00000002\\tsystem\\t00000004\\t\\n"
                            "\\tAttached Devices:\\nTotal 0 devices attached\\n\\n"
                            "\\nTotal 1 objects, 4096 bytes";
    std::string const totals = "4\\n4096\\nname\\nsystem";
    std::string const maps = "1000-2000 rw-s 00000000 00:0c 4 /dmabuf:a";
    for (bool const whole : {true, false}) {
        std::string const end = whole ? "\\n\"\n" : "\"\n";
        auto const system = system_of("file /b \"" + row + end + "file /t \"" + totals + end +
                                      "file /p/task/1/maps \"" + maps + end + "open /p\n");
        CAPTURE(whole);
        auto const expected = std::pair<std::size_t, int>(whole ? 1 : 0, whole ? 0 : EBADMSG);
        CHECK(last_of(dmabuf::read_bufinfo(system, {}, "/b")) == expected);
        CHECK(last_of(dmabuf::read_android_buffers(system, {}, "/t")) == expected);
        dmabuf::process<replay::replayed_system> const process{
            system, {system, system.open(AT_FDCWD, "/p", 0)}, 1};
        CHECK(last_of(dmabuf::read_maps(process, 1)) == expected);
        CHECK(system.missing() == "");
    }
}

TEST_CASE("a call that was not recorded is named, and nothing is made up for it") {
    std::array<char, 8> space;
    dmabuf::file_status status;
    auto const check = [&](std::string const& named, auto call) {
        auto const system = system_of("open /x\n");
        CHECK(call(system) == -ENOSYS);
        CHECK(system.missing() == named);
    };
    check("open /y", [](auto s) { return s.open(AT_FDCWD, "/y", 0); });
    check("file /x", [&](auto s) { return s.read(s.open(AT_FDCWD, "/x", 0), space); });
    check("dir /x", [&](auto s) { return s.list(s.open(AT_FDCWD, "/x", 0), space); });
    check("fs /x", [&](auto s) { return s.filesystem_type(s.open(AT_FDCWD, "/x", 0)); });
    check("stat /x/z", [&](auto s) { return s.status(s.open(AT_FDCWD, "/x", 0), "z", 0, status); });
    check("lstat /x",
          [&](auto s) { return s.status(AT_FDCWD, "/x", AT_SYMLINK_NOFOLLOW, status); });
    check("link /x", [&](auto s) { return s.readlink(AT_FDCWD, "/x", space); });
    check("kcmp 1 2", [](auto s) { return s.compare_descriptor_tables(1, 2); });
    auto const system = system_of("");
    CHECK(system.process_id() == 0);
    CHECK(system.missing() == "pid ");
}

TEST_CASE("a link is cut at the space there is, and not believed beyond what was read") {
    auto const system = system_of("link /l \"target\"\nlink /m ... \"targ\"\n");
    std::array<char, 8> space;
    CHECK(system.readlink(AT_FDCWD, "/l", space) == 6);
    CHECK(system.readlink(AT_FDCWD, "/l", std::span(space).first(2)) == 2);
    CHECK(system.readlink(AT_FDCWD, "/m", std::span(space).first(4)) == 4);
    CHECK(system.missing() == "");
    CHECK(system.readlink(AT_FDCWD, "/m", space) == -ENOSYS);
    CHECK(system.missing() == "link /m beyond what was recorded");
}

TEST_CASE("the recorder leaves out interrupted calls and what only repeats the last answer") {
    replay::recorder kept;
    std::array<char, 4> const bytes{'a', 'b', 'c', 'd'};
    kept.opened(AT_FDCWD, "/f", -EINTR);
    kept.compared(replay::call::kcmp, 1, 2, -EINTR);
    kept.opened(AT_FDCWD, "/f", 3);
    kept.read(3, bytes, -EINTR);
    kept.read(3, bytes, 2);
    kept.read(3, bytes, 1);
    kept.closed(3);
    for (int const order : {0, 1, 1})
        kept.compared(replay::call::kcmp, 1, 2, order);
    auto const entries = kept.entries();
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].what == replay::call::file);
    CHECK(entries[0].text == "aba");
    CHECK(entries[0].unended);
    CHECK(entries[1].number == 0);
    CHECK(entries[2].number == 1);
}

TEST_CASE("what is recorded of a kernel in memory replays to the same snapshot") {
    fake::kernel kernel;
    auto const variant = GENERATE(range(0, 7));
    CAPTURE(variant);
    dmabuf::sample_options options;
    options.unheld = options.counts = true;
    if (variant == 1) kernel.dmabuf_fds = true;
    if (variant == 2) kernel.dmabuf_fds = kernel.sysfs_buffers = true;
    if (variant == 3) kernel.caller = fake::rights::user(1000);
    if (variant == 4) kernel.caller = fake::rights::ptrace_only(1000);
    if (variant == 5) kernel.kcmp = false, kernel.hidepid = 2;
    if (variant == 6) options = {false, false, false, false};
    furnish(kernel);
    auto const done = support::record(kernel, options);
    REQUIRE(!done.now.holders.empty());
    check_round_trip(done);
}

TEST_CASE("two samples replay to two samples") {
    fake::kernel kernel;
    furnish(kernel);
    unsigned calls = 0;
    kernel.event = [&](fake::call_event const& event) { calls = event.number; };
    (void)support::record(kernel);
    unsigned const once = calls;
    kernel.event = [&](fake::call_event const& event) {
        if (event.number == calls + once) kernel.exit(101);
    };
    auto const done = support::record(kernel, {}, 2);
    REQUIRE(done.now.holders.size() == 1);
    check_round_trip(done, 2);
    CHECK(support::replay_it(done.recording).now.holders.size() == 2);
}

TEST_CASE("a recording that lacks any of its keys is found out, or tells the same") {
    fake::kernel kernel;
    furnish(kernel);
    auto const done = support::record(kernel);
    auto const& whole = done.recording;
    std::set<std::string> keys;
    for (auto const& one : whole.entries)
        keys.insert(replay::key_of(one.what, one.path));
    // Opened twice, the second time to be listed: that answers for both.
    keys.erase(replay::opening_key("/proc"));
    REQUIRE(keys.size() > 50);
    for (auto const& key : keys) {
        auto lacking = whole;
        std::erase_if(lacking.entries,
                      [&](auto const& one) { return replay::key_of(one.what, one.path) == key; });
        CAPTURE(key);
        auto const again = support::replay_it(lacking);
        bool const same = support::dump(again.now) == support::dump(done.now);
        CHECK((again.missing != "" || (follows_from_the_rest(key) && same)));
    }
}

TEST_CASE("what is recorded of this machine replays to the same snapshot") {
    dmabuf::sample_options options;
    options.cgroups = true;
    options.unheld = true;
    check_round_trip(support::record_here(options));
}

TEST_CASE("a recording holds makers and attachments, and when it was made") {
    fake::kernel kernel;
    furnish(kernel);
    kernel.sysfs_buffers = true;
    auto const unheld = kernel.buffer(9, 4096);
    auto const actor = bpf::actor_of(kernel.at(100));
    auto const watch = bpf::watch_from(6);
    bpf::bpffs pins;
    pins.boot_ns = 90'000'000'000;
    pins.pins[bpf::origins_path] = bpf::pin::of(
        bpf::origins({bpf::origin_of(*unheld, actor, 60'000'000'000, 4711)}, watch), 100);
    pins.pins[bpf::attachments_path] = bpf::pin::of(
        bpf::attachments({bpf::attachment_of(*unheld, "vgem", actor, 70'000'000'000)}, watch));
    auto const of_all = GENERATE(false, true);
    auto const done = support::record_watched(
        kernel, pins, {.unheld = true, .origins = of_all, .origins_of_unheld = !of_all});
    REQUIRE(done.now.unheld.size() == 1);
    REQUIRE(done.now.origin_of(done.now.unheld.front()));
    CHECK(done.now.origin_of(done.now.unheld.front())->state == dmabuf::origin_state::made_by);
    CHECK(done.now.watch.age_ns(60'000'000'000) == 30'000'000'000);
    CHECK(done.now.watched_attachments.size() == 1);
    check_round_trip(done);
    // Anonymised it has the same makers, of other names.
    auto const other = support::replay_it(replay::anonymised(done.recording));
    CHECK(other.missing == "");
    CHECK(support::dump(other.now, false) == support::dump(done.now, false));
    auto const& named = other.now.origin_of(other.now.unheld.front())->maker;
    CHECK(named.comm.view().starts_with("process-"));
    CHECK(named.comm.view() == other.now.holders.front().comm.view());
    CHECK(named.thread_comm == named.comm);
}
