// SPDX-License-Identifier: MIT
//
// The maker of each buffer and the importers of its devices, as dmabuf_pin --origins notes it on a
// real kernel. Expected values are what the makers wrote down themselves.
#include "bpf_calls.hpp"
#include "origins_file.hpp"
#include "pinned.hpp"
#include "scene.hpp"

#include <algorithm>
#include <atomic>
#include <climits>
#include <ctime>
#include <linux/bpf.h>
#include <new>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <utility>

using namespace scene;

namespace {

std::uint64_t boot_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

/// Field 22 of /proc/PID/stat, in ticks of 10 ms. comm is ours, without a parenthesis.
std::uint64_t start_ticks(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream rest(line.substr(line.rfind(')') + 2));
    std::string word;
    for (int field = 3; field <= 22; ++field)
        rest >> word;
    return std::stoull(word);
}

/// A maker's own note of a buffer, in memory that it shares with the test.
struct note {
    std::uint64_t inode, size_bytes, before_ns, after_ns, cgroup;
    pid_t tid;
    uid_t uid;
    char thread_comm[16];

    /// Makes a buffer and writes all down. Returns its descriptor.
    template<class Make>
    lab::descriptor write_down(Make make) {
        before_ns = boot_ns();
        auto buffer = make();
        after_ns = boot_ns();
        struct ::stat status{};
        lab::check(::fstat(buffer.get(), &status), "fstat");
        inode = status.st_ino;
        size_bytes = static_cast<std::uint64_t>(status.st_size);
        tid = ::gettid();
        uid = ::geteuid();
        lab::check(::prctl(PR_GET_NAME, thread_comm), "PR_GET_NAME");
        return buffer;
    }
};

/// A process called `comm` that makes a buffer, and stays unless it returns.
class maker {
public:
    using body = std::function<void(note&, lab::ready&)>;

    maker(std::string comm, body make)
        : comm_(std::move(comm))
        , note_(static_cast<note*>(::mmap(nullptr, sizeof(note), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0)))
        , process_([this, make = std::move(make)](lab::ready& done) {
            lab::check(::prctl(PR_SET_NAME, comm_.c_str()), "PR_SET_NAME");
            make(*note_, done);
        }) {
        process_.wait_ready();
        pid_ = process_.pid();
        start_ticks_ = start_ticks(pid_);
    }
    ~maker() { ::munmap(note_, sizeof(note)); }
    maker(maker const&) = delete;
    maker& operator=(maker const&) = delete;

    [[nodiscard]] note const& wrote() const { return *note_; }
    /// Its number, also once it ended.
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string const& comm() const { return comm_; }
    [[nodiscard]] std::uint64_t ticks() const { return start_ticks_; }
    void end() { process_.end(); }

private:
    std::string comm_;
    note* note_;
    lab::child process_;
    pid_t pid_ = 0;
    std::uint64_t start_ticks_ = 0;
};

/// Keeps an open buffer to the end of the process.
maker::body holding(std::function<lab::descriptor()> make) {
    return [=](note& told, lab::ready& done) {
        told.write_down(make).release();
        done();
    };
}

lab::descriptor three_pages() {
    return lab::alloc_heap(3 * page);
}

/// There is one record of the maker's buffer, and it says what the maker wrote down.
void check_told(watch_walk<dmabuf_bpf_origin> const& walk, maker const& one) {
    auto const& wrote = one.wrote();
    auto const found = walk.of(wrote.inode);
    INFO("made by " << one.comm());
    REQUIRE(found.size() == 1);
    auto const& told = found[0];
    CHECK(told.size_bytes == wrote.size_bytes);
    CHECK(told.made_ns >= wrote.before_ns);
    CHECK(told.made_ns <= wrote.after_ns);
    CHECK(told.maker.tgid == one.pid());
    CHECK(told.maker.uid == wrote.uid);
    CHECK(told.maker.start_ns / 10'000'000 == one.ticks());
    CHECK(told.maker.comm == one.comm());
    CHECK(std::string(told.maker.thread_comm) == wrote.thread_comm);
    CHECK(told.inode >= walk.last().first_inode);
}

watch_walk<dmabuf_bpf_origin> origins_as_a_user() {
    // The bytes come through a file: a walk may be longer than a socket takes.
    lab::descriptor const file(
        lab::check(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "O_TMPFILE"));
    CHECK(elsewhere<int>([&] {
              become(4711);
              auto const bytes = bytes_from(open_pinned("origins").get());
              return static_cast<int>(::pwrite(file.get(), bytes.data(), bytes.size(), 0));
          }) > 0);
    return parse_walk<dmabuf_bpf_origin>(bytes_from(file.get()), DMABUF_BPF_ORIGIN);
}

/// The misses that the watch tells where nothing was missed. Linux counts those of kprobes
/// since 6.7.
std::uint64_t no_misses() {
    return by_probes() && kernel_is_before(6, 7) ? DMABUF_BPF_UNKNOWN : 0;
}

/// Whether the files of the watch are there: two iterators, two maps, the state, and a link for
/// each program.
bool all_pinned() {
    return shell("test $(ls -d /sys/fs/bpf/dmabuf/origins /sys/fs/bpf/dmabuf/attachments "
                 "/sys/fs/bpf/dmabuf/watch_* 2>/dev/null | wc -l) = " +
                 std::to_string(5 + (by_probes() ? 6 : 8))) == 0;
}

} // namespace

TEST_CASE("origins: an ordinary user is told of each buffer what its maker wrote down",
          "[.origins]") {
    pins const pinned("--origins --mode 0444");
    auto ends = lab::make_socket_pair();

    maker const holds("holds", holding(three_pages));
    maker const shares("udmabuf", holding([] { return lab::alloc_udmabuf(2 * page); }));
    maker const maps("maps", [](note& told, lab::ready& done) {
        auto const buffer = told.write_down(three_pages);
        lab::check(::mmap(nullptr, page, PROT_READ, MAP_SHARED, buffer.get(), 0) == MAP_FAILED ? -1
                                                                                               : 0,
                   "mmap");
        const_cast<lab::descriptor&>(buffer).reset();
        done();
    });
    maker const sends("in-flight", [&](note& told, lab::ready& done) {
        auto const buffer = told.write_down(three_pages);
        lab::send_fd(ends.here.get(), buffer.get());
        const_cast<lab::descriptor&>(buffer).reset();
        done();
    });
    auto others = lab::make_socket_pair();
    maker exits("exits", [&](note& told, lab::ready& done) {
        auto const buffer = told.write_down(three_pages);
        lab::send_fd(others.here.get(), buffer.get());
        done();
    });
    auto const received = lab::recv_fd(others.there.get());
    exits.end();
    maker const user("user", [](note& told, lab::ready& done) {
        auto const heap = lab::open_heap();
        become(1000);
        told.write_down([&] { return lab::alloc_heap(heap, page); }).release();
        done();
    });
    maker const threaded("leader", [](note& told, lab::ready& done) {
        std::thread([&] {
            lab::check(::prctl(PR_SET_NAME, "a thread"), "PR_SET_NAME");
            told.write_down(three_pages).release();
        }).join();
        done();
    });
    shell("mkdir -p /sys/fs/cgroup/makers");
    maker const grouped("grouped", [](note& told, lab::ready& done) {
        std::ofstream("/sys/fs/cgroup/makers/cgroup.procs") << "0";
        struct ::stat status{};
        lab::check(::stat("/sys/fs/cgroup/makers", &status), "stat");
        told.cgroup = status.st_ino;
        told.write_down(three_pages).release();
        done();
    });

    auto const walk = origins_as_a_user();
    CHECK(walk.flags == 0);
    CHECK(walk.undisturbed());
    CHECK((walk.last().head.flags & DMABUF_BPF_INODES_IN_ORDER) != 0);
    CHECK(((walk.last().head.flags & DMABUF_BPF_BY_PROBES) != 0) == by_probes());
    for (maker const* one :
         {&holds, &shares, &maps, &sends, &std::as_const(exits), &user, &grouped}) {
        check_told(walk, *one);
        CHECK(walk.of(one->wrote().inode)[0].maker.tid == one->pid());
    }
    check_told(walk, threaded);
    CHECK(walk.of(threaded.wrote().inode)[0].maker.tid == threaded.wrote().tid);
    CHECK(threaded.wrote().tid != threaded.pid());
    CHECK(walk.of(grouped.wrote().inode)[0].cgroup == grouped.wrote().cgroup);
    CHECK(walk.last().missed_begins == no_misses());
    CHECK(walk.last().no_room == 0);
}

TEST_CASE(
    "origins: the library tells an ordinary user each maker, of buffers that nobody holds too",
    "[.origins]") {
    pins const pinned("--origins --mode 0444");
    auto ends = lab::make_socket_pair();
    maker const holds("holds", holding(three_pages));
    maker const sends("in-flight", [&](note& told, lab::ready& done) {
        lab::send_fd(ends.here.get(), told.write_down(three_pages).get());
        done();
    });
    ::usleep(10'000); // what was made during the sample is not told
    struct answer {
        bool held, unheld;
    };
    auto const told = elsewhere<answer>([&] {
        become(4711);
        dmabuf::sampler sampler({.unheld = true, .origins = true});
        dmabuf::snapshot now;
        if (!sampler.sample(now)) return answer{};
        auto const tells = [&](std::vector<dmabuf::buffer> const& all, maker const& one) {
            for (auto const& buffer : all) {
                if (buffer.inode != one.wrote().inode) continue;
                auto const* const found = now.origin_of(buffer);
                return found && found->state == dmabuf::origin_state::made_by &&
                       found->maker.pid == one.pid() && found->maker.comm.view() == one.comm() &&
                       found->maker.start_ticks() == one.ticks() &&
                       found->maker.now == dmabuf::process_state::runs;
            }
            return false;
        };
        return answer{tells(now.buffers, holds), tells(now.unheld, sends)};
    });
    CHECK(told.held);
    CHECK(told.unheld);
}

TEST_CASE("origins: a maker in another pid namespace has the host's number", "[.origins]") {
    pins const pinned("--origins --mode 0444");
    maker const outer("outer", [](note& told, lab::ready& done) {
        lab::check(::unshare(CLONE_NEWPID), "unshare");
        pid_t const inner = lab::check(::fork(), "fork"); // as the outer namespace numbers it
        if (inner == 0) {
            lab::check(::prctl(PR_SET_NAME, "inner"), "PR_SET_NAME");
            told.write_down(three_pages).release();
            while (static_cast<note volatile&>(told).cgroup == 0) // the outer one has yet to write
                ::usleep(1000);
            done();
        }
        told.cgroup =
            static_cast<std::uint64_t>(inner); // the one field that the inner leaves alone
        ::pause();
    });
    auto const told = read_origins().of(outer.wrote().inode);
    REQUIRE(told.size() == 1);
    CHECK(told[0].maker.tgid == static_cast<pid_t>(outer.wrote().cgroup));
    CHECK(outer.wrote().tid == 1);
    CHECK(told[0].maker.comm == std::string("inner"));
    auto const flags = elsewhere<std::uint32_t>([] {
        lab::check(::unshare(CLONE_NEWPID), "unshare");
        return elsewhere<std::uint32_t>([] { return read_origins().flags; });
    });
    CHECK(flags == DMABUF_BPF_IN_PID_NAMESPACE);
}

TEST_CASE("origins: a maker's number that is used again is told by the start", "[.origins]") {
    pins const pinned("--origins");
    auto ends = lab::make_socket_pair();
    maker first("first", [&](note& told, lab::ready& done) {
        lab::send_fd(ends.here.get(), told.write_down(three_pages).get());
        done();
    });
    auto const kept = lab::recv_fd(ends.there.get());
    auto const pid = first.pid();
    first.end();
    ::usleep(20'000); // two ticks
    std::ofstream("/proc/sys/kernel/ns_last_pid") << pid - 1;
    maker const second("second", holding(three_pages));
    REQUIRE(second.pid() == pid);
    auto const walk = read_origins();
    check_told(walk, first);
    check_told(walk, second);
    CHECK(first.ticks() < second.ticks());
}

TEST_CASE("origins: what was made before the watch has no record, and is told by its inode",
          "[.origins]") {
    auto const before = three_pages();
    pins const pinned("--origins");
    auto const after = three_pages();
    auto const walk = read_origins();
    CHECK(walk.of(lab::inode_of(before.get())).empty());
    CHECK(walk.of(lab::inode_of(after.get())).size() == 1);
    CHECK(lab::inode_of(before.get()) < walk.last().first_inode);
    CHECK(lab::inode_of(after.get()) >= walk.last().first_inode);
    CHECK(walk.last().since_ns > 0);
    CHECK(walk.last().since_ns <= boot_ns());
}

TEST_CASE("origins: buffers beyond the room are counted, and room is used again", "[.origins]") {
    pins const pinned("--origins --room 100");
    CHECK(origins_when_empty().records.empty());
    std::vector<lab::descriptor> made(150);
    for (auto& one : made)
        one = lab::alloc_heap(page);
    auto const full = read_origins();
    CHECK(full.records.size() == 100);
    CHECK(full.last().room == 100);
    CHECK(full.last().no_room == 50);
    CHECK(full.last().failed_entries == 0);
    made.clear();
    CHECK(origins_when_empty().records.empty());
    auto const again = three_pages();
    auto const walk = read_origins();
    CHECK(walk.records.size() == 1);
    CHECK(walk.of(lab::inode_of(again.get())).size() == 1);
    CHECK(walk.last().no_room == 50);
    CHECK(walk.last().failed_removals == 0);
}

TEST_CASE("origins: who may not read the files is told nothing", "[.origins]") {
    pins const pinned("--origins --group 4712");
    auto const opened = [](char const* name) {
        return elsewhere<int>([&] {
            become(4711);
            auto const path = std::string("/sys/fs/bpf/dmabuf/") + name;
            return ::open(path.c_str(), O_RDONLY) < 0 ? errno : 0;
        });
    };
    CHECK(opened("origins") == EACCES);
    CHECK(opened("attachments") == EACCES);
    REQUIRE(shell("dmabuf_pin --mode 0444 > /dev/null") == 0); // the watch goes on, for all
    CHECK(opened("origins") == 0);
    CHECK(opened("attachments") == 0);
    CHECK(opened("watch_made") == EACCES);
    CHECK(shell("su lab -c 'test -w /sys/fs/bpf/dmabuf/origins'") != 0);
}

TEST_CASE("origins: pinned again, the notes are kept, and --room moves them", "[.origins]") {
    auto const before = three_pages();
    pins const pinned("--origins --room 64");
    auto const noted = three_pages();
    auto const first = read_origins();
    for (std::string const options :
         {"--origins", "--origins --mode 0444", "", "--origins --room 200"}) {
        CAPTURE(options);
        REQUIRE(shell("dmabuf_pin " + options + " > /tmp/pinned") == 0);
        CHECK(shell("! grep -q 'begins anew' /tmp/pinned") == 0);
        CHECK(all_pinned());
        auto const later = three_pages();
        auto const walk = read_origins();
        CHECK(walk.of(lab::inode_of(before.get())).empty());
        REQUIRE(walk.of(lab::inode_of(noted.get())).size() == 1);
        CHECK(walk.of(lab::inode_of(noted.get()))[0].made_ns == first.records.back().made_ns);
        CHECK(walk.of(lab::inode_of(later.get())).size() == 1);
        CHECK(walk.last().since_ns == first.last().since_ns);
        CHECK(walk.last().first_inode == first.last().first_inode);
        CHECK(walk.last().missed_begins == no_misses());
        CHECK(walk.undisturbed());
    }
    CHECK(read_origins().last().room == 200);
    // Each event is noted once when the kernel is through with the earlier runs' programs.
    auto const noted_once = [] {
        auto const begun = read_origins().last().begun;
        three_pages().reset();
        ::usleep(20'000);
        // Entered once, removed by both programs; there is one kprobe.
        return read_origins().last().begun == begun + (by_probes() ? 2 : 3);
    };
    bool once = false;
    for (int i = 0; i < 50 && !once; ++i)
        once = noted_once();
    CHECK(once);
}

TEST_CASE("origins: unpinned while they are read, they are read to their end", "[.origins]") {
    std::vector<lab::descriptor> made;
    lab::descriptor file;
    std::string bytes(4096, '\0');
    {
        pins const pinned("--origins");
        for (int i = 0; i < 600; ++i)
            made.push_back(lab::alloc_heap(page));
        file = open_pinned("origins");
        REQUIRE(::read(file.get(), bytes.data(), bytes.size()) == 4096);
    }
    CHECK(::access("/sys/fs/bpf/dmabuf", F_OK) != 0);
    auto const walk =
        parse_walk<dmabuf_bpf_origin>(bytes + bytes_from(file.get()), DMABUF_BPF_ORIGIN);
    CHECK(walk.records.size() == 600);
    for (auto const& one : made)
        CHECK(walk.of(lab::inode_of(one.get())).size() == 1);
}

TEST_CASE("origins: dmabuf_pin takes away, or replaces, nothing that others pinned", "[.origins]") {
    pins const pinned("--origins");
    bpf_attr map{};
    map.map_type = BPF_MAP_TYPE_ARRAY;
    map.key_size = map.value_size = 4;
    map.max_entries = 1;
    lab::descriptor const theirs(static_cast<int>(
        lab::check(::syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map), "BPF_MAP_CREATE")));
    for (auto const* const name : {"watch_made", "watch_export"}) {
        CAPTURE(name);
        auto const path = std::string("/sys/fs/bpf/dmabuf/") + name;
        REQUIRE(shell("mv " + path + " /sys/fs/bpf/aside") == 0);
        bpf_attr pin{};
        pin.pathname = reinterpret_cast<std::uintptr_t>(path.c_str());
        pin.bpf_fd = static_cast<__u32>(theirs.get());
        lab::check(::syscall(SYS_bpf, BPF_OBJ_PIN, &pin, sizeof pin), "BPF_OBJ_PIN");
        for (std::string const arguments : {"--unpin", "--origins"}) {
            CHECK(shell("dmabuf_pin " + arguments + " > /dev/null 2> /tmp/refused; test $? = 1") ==
                  0);
            CHECK(shell("grep -q '" + std::string(name) +
                        " was not pinned by dmabuf_pin' /tmp/refused") == 0);
            CHECK(all_pinned());
        }
        CHECK(shell("rm " + path + " && mv /sys/fs/bpf/aside " + path) == 0);
    }
}

TEST_CASE("origins: where a call of bpf(2) fails, the earlier watch stays", "[.origins]") {
    pins const pinned("--origins");
    auto const noted = three_pages();
    auto const again = [](std::size_t which, char const* mode = "0440") {
        return run_failing_bpf({"dmabuf_pin", "--origins", "--mode", mode}, "/tmp/failing", which,
                               ENOMEM);
    };
    auto const calls = again(SIZE_MAX, "0400").commands;
    for (int const command : {BPF_LINK_CREATE, BPF_OBJ_PIN}) {
        CAPTURE(command);
        auto const last = std::find(calls.rbegin(), calls.rend(), command);
        REQUIRE(last != calls.rend());
        CHECK(again(static_cast<std::size_t>(calls.rend() - last) - 1).status == 1);
        CHECK(shell("grep -q 'Cannot allocate memory' /tmp/failing") == 0);
        CHECK(all_pinned());
        CHECK(shell("test $(stat -c %a /sys/fs/bpf/dmabuf/origins) = 400") == 0);
        auto const later = three_pages();
        auto const walk = read_origins();
        CHECK(walk.of(lab::inode_of(noted.get())).size() == 1);
        CHECK(walk.of(lab::inode_of(later.get())).size() == 1);
    }
}

TEST_CASE("origins: --status tells of the watch, and wrong options are refused", "[.origins]") {
    pins const pinned("--origins --room 77");
    auto const buffer = three_pages();
    CHECK(shell("dmabuf_pin --status > /tmp/status") == 0);
    CHECK(shell("grep -q '^/sys/fs/bpf/dmabuf/origins: read by root (mode 0400)' /tmp/status") ==
          0);
    std::string const missed = no_misses() == 0 ? "0 missed" : "this kernel does not tell";
    CHECK(shell("grep -q 'since [0-9]* s after boot, 1 of 77 records; not entered: 0 for want of "
                "room; " +
                missed + "' /tmp/status") == 0);
    for (char const* wrong : {"--room 5", "--origins --room 0", "--origins --room x",
                              "--unpin --origins", "--status --origins"}) {
        CAPTURE(wrong);
        CHECK(shell(std::string("dmabuf_pin ") + wrong + " > /dev/null 2>&1; test $? = 2") == 0);
    }
}

namespace {

/// The name of vgem's device, as sysfs shows it.
std::string vgem_device() {
    char path[PATH_MAX];
    REQUIRE(::realpath("/sys/class/drm/card0/device", path));
    return std::strrchr(path, '/') + 1;
}

} // namespace

TEST_CASE("origins: a GEM export has its exporter, an import its importer and device",
          "[.origins]") {
    if (!lab::is_there(lab::vgem_path)) return skip("vgem");
    pins const pinned("--origins --mode 0444");
    lab::descriptor buffer;
    auto ends = lab::make_socket_pair();
    maker const exporter("exporter", [&](note& told, lab::ready& done) {
        lab::descriptor const card(::open(lab::vgem_path, O_RDWR | O_CLOEXEC));
        lab::send_fd(ends.here.get(),
                     told.write_down([&] { return lab::alloc_vgem(card, 2 * page); }).get());
        done();
    });
    buffer = lab::recv_fd(ends.there.get());
    auto const origins = read_origins();
    check_told(origins, exporter);
    // vgem attaches itself to no buffer of its own.
    if (lab::heap_exporter() == std::string("drm")) return skip("a buffer for vgem to import");
    auto const heap = three_pages();
    auto const inode = lab::inode_of(heap.get());
    maker importer("importer", [&](note& told, lab::ready& done) {
        lab::descriptor card(::open(lab::vgem_path, O_RDWR | O_CLOEXEC));
        told.before_ns = boot_ns();
        lab::import_into_vgem(card, heap.get());
        told.after_ns = boot_ns();
        card.release();
        done();
    });
    auto const attached = read_attachments();
    auto const found = attached.of(inode);
    REQUIRE(found.size() == 1);
    CHECK(found[0].head.flags == 0);
    CHECK(found[0].attached_to == vgem_device());
    CHECK(found[0].importer.tgid == importer.pid());
    CHECK(found[0].importer.comm == std::string("importer"));
    CHECK(found[0].importer.start_ns / 10'000'000 == importer.ticks());
    CHECK(found[0].attached_ns >= importer.wrote().before_ns);
    CHECK(found[0].attached_ns <= importer.wrote().after_ns);
    CHECK(found[0].size_bytes == 3 * page);
    auto const told = read_origins().of(inode);
    REQUIRE(told.size() == 1);
    CHECK(found[0].buffer == told[0].buffer);
    CHECK(found[0].device == told[0].device);
    CHECK(attached.of(exporter.wrote().inode).empty());
    importer.end();
    for (int i = 0; i < 50 && !read_attachments().of(inode).empty(); ++i)
        ::usleep(100'000);
    CHECK(read_attachments().of(inode).empty());
}

namespace {

/// Memory that the makers of the churn share with the test.
struct churn_state {
    std::atomic<int> running = 2;
    std::array<std::array<std::uint64_t, 100>, 2> held{}; ///< inodes, at the end
};

/// A process that makes and frees buffers, the first one of one page and the second one of two, and
/// holds the last hundred.
lab::child churning(std::size_t which, int rounds, churn_state& shared) {
    return lab::child([=, &shared](lab::ready& done) {
        auto const comm = "churn-" + std::to_string(which + 1);
        lab::check(::prctl(PR_SET_NAME, comm.c_str()), "PR_SET_NAME");
        auto const heap = lab::open_heap();
        std::array<lab::descriptor, 100> held;
        for (int i = 0; i < rounds; ++i)
            held[static_cast<std::size_t>(i) % held.size()] =
                lab::alloc_heap(heap, (which + 1) * page);
        for (std::size_t i = 0; i < held.size(); ++i)
            shared.held[which][i] = lab::inode_of(held[i].get());
        --shared.running;
        done();
    });
}

/// The number of fields of a record that are those of neither maker.
int misfits(dmabuf_bpf_origin const& record, std::array<pid_t, 2> const& makers,
            dmabuf_bpf_watch const& watch) {
    bool const first = record.size_bytes == page;
    std::string const comm = first ? "churn-1" : "churn-2";
    return (record.maker.tgid != makers[first ? 0 : 1]) + (record.maker.comm != comm) +
           (record.maker.thread_comm != comm) + (record.inode < watch.first_inode);
}

void churn(int rounds) {
    pins const pinned("--origins");
    CHECK(origins_when_empty().records.empty());
    auto& shared = *new (::mmap(nullptr, sizeof(churn_state), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0)) churn_state;
    std::uint64_t unnoted = 0;
    int walks = 0;
    int wrong = 0;
    std::size_t seen = 0;
    {
        auto const first = churning(0, rounds, shared);
        auto const second = churning(1, rounds, shared);
        for (; shared.running > 0; ++walks) {
            auto const walk = read_origins();
            for (auto const& record : walk.records)
                wrong += misfits(record, {first.pid(), second.pid()}, walk.last());
            seen += walk.records.size();
        }
        auto const walk = read_origins();
        for (auto const& held : shared.held)
            for (auto const inode : held)
                unnoted += walk.of(inode).empty();
    }
    auto const end = origins_when_empty();
    std::printf("churn: %d walks, %zu records seen, missed at most %llu and %llu, %llu of 200\n",
                walks, seen, end.last().missed_begins, end.last().missed_ends,
                static_cast<unsigned long long>(unnoted));
    CHECK(wrong == 0);
    CHECK(walks > 10);
    CHECK(seen > 10);
    CHECK(end.records.empty());
    CHECK(end.undisturbed());
    // A buffer that has no record while it is there was missed, and counted.
    CHECK(unnoted <= end.last().missed_begins);
    CHECK(end.last().failed_entries == 0);
    CHECK(end.last().failed_removals == 0);
}

} // namespace

TEST_CASE("origins: under churn no record is left over, and none names a wrong maker",
          "[.origins]") {
    churn(30'000);
}

TEST_CASE("origins: under churn of a million buffers no record is left over", "[.long]") {
    churn(500'000);
}

TEST_CASE("origins: without BTF there is no watch, and that is said") {
    if (::access("/sys/kernel/btf/vmlinux", F_OK) == 0) return;
    CHECK(shell("dmabuf_pin --origins > /dev/null 2> /tmp/refused; test $? = 1") == 0);
    CHECK(shell("grep -q CONFIG_DEBUG_INFO_BTF /tmp/refused") == 0);
    CHECK(::access("/sys/fs/bpf/dmabuf", F_OK) != 0);
}

TEST_CASE("origins: under lockdown=confidentiality makers are told, devices have no names",
          "[.lockdown]") {
    REQUIRE(shell("mount -t securityfs securityfs /sys/kernel/security") == 0);
    {
        pins const pinned("--origins --mode 0444");
        maker const one("locked", holding(three_pages));
        auto const walk = origins_as_a_user();
        CHECK(walk.flags == DMABUF_BPF_NO_NAMES);
        CHECK(walk.last().missed_begins == DMABUF_BPF_UNKNOWN);
        CHECK(walk.last().first_inode == DMABUF_BPF_UNKNOWN);
        auto const told = walk.of(one.wrote().inode);
        REQUIRE(told.size() == 1);
        CHECK(told[0].maker.tgid == one.pid());
        CHECK(told[0].maker.comm == std::string("locked"));
        CHECK(shell("dmabuf_pin --status | grep -q 'does not tell how many events'") == 0);
    }
    CHECK(shell("umount /sys/kernel/security") == 0);
}
