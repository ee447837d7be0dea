// SPDX-License-Identifier: GPL-2.0-only
//
// Makes processes that hold real DMA-BUFs in every way there is, and writes the true account down
// from its own actions: nothing in it is read back from the files that the library reads.
//
// The account is one JSON object. All sizes are bytes; names and comms are hexadecimal, since they
// are any bytes.
//
//   format     "dmabuf-workload"
//   version    1; raised when a reader of the old one would go wrong
//   scenario   "basic" or "full"
//   kernel     the release, as uname -r has it
//   buffers    [{inode, size_bytes, exporter, name_hex}], in the order they were made; name_hex is
//              null where no name was ever set, "" where an empty one was
//   processes  every process of the workload, itself included, by pid:
//              [{pid, comm_hex, uid, dumpable, references}]
//     references  [{inode, descriptors, path_descriptors, mappings, mapped_bytes}] by inode.
//                 descriptors: in all distinct descriptor tables of the process together, O_PATH
//                 ones included; path_descriptors: the O_PATH ones of these; mappings: mapped areas
//   views      the part that each user can see: uid 0 everything, any other its dumpable processes
//              [{uid, holders, total_bytes, exporters}]
//     holders     [{pid, rss_bytes, pss_bytes, uss_bytes}] by pid. rss: every buffer that the
//                 process references at all, whole; pss: each buffer split evenly over its holders
//                 in this view, the remainder one byte each to the lowest pids; uss: the buffers
//                 with one holder in this view
//     total_bytes every buffer held in this view, once
//     exporters   [{name, buffers, bytes}] of the same, by name

#include "buffers.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <fstream>
#include <grp.h>
#include <iterator>
#include <latch>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <thread>

namespace {

using lab::check;
using lab::descriptor;
using namespace std::string_literals;

// --- the references of a process, noted down as they are made ---

struct counts {
    std::uint64_t descriptors = 0;
    std::uint64_t path_descriptors = 0;
    std::uint64_t mappings = 0;
    std::uint64_t mapped_bytes = 0;

    counts& operator+=(counts const& other) {
        descriptors += other.descriptors;
        path_descriptors += other.path_descriptors;
        mappings += other.mappings;
        mapped_bytes += other.mapped_bytes;
        return *this;
    }
    bool any() const { return descriptors != 0 || mappings != 0; }
};

using references = std::map<std::uint64_t, counts>; // by inode

struct process {
    pid_t pid = 0;
    uid_t uid = 0;
    bool dumpable = true;
    std::string comm;
    references held;
};

std::string hex(std::string_view bytes) {
    std::string text;
    for (unsigned char const byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

std::string unhex(std::string_view text) {
    std::string bytes;
    for (; text.size() >= 2; text.remove_prefix(2)) {
        unsigned byte = 0;
        std::from_chars(text.data(), text.data() + 2, byte, 16);
        bytes += static_cast<char>(byte);
    }
    return bytes;
}

// A process's record on its way from the process to the account.
std::string to_text(process const& one) {
    std::ostringstream text;
    text << "process " << one.pid << ' ' << one.uid << ' ' << one.dumpable << " x" << hex(one.comm)
         << '\n';
    for (auto const& [inode, count] : one.held)
        if (count.any())
            text << "reference " << inode << ' ' << count.descriptors << ' '
                 << count.path_descriptors << ' ' << count.mappings << ' ' << count.mapped_bytes
                 << '\n';
    return text.str();
}

std::vector<process> from_text(std::string const& text) {
    std::vector<process> all;
    std::istringstream in(text);
    for (std::string kind; in >> kind;) {
        if (kind == "process") {
            process one;
            std::string comm;
            in >> one.pid >> one.uid >> one.dumpable >> comm;
            one.comm = unhex(std::string_view(comm).substr(1));
            all.push_back(std::move(one));
        } else {
            std::uint64_t inode = 0;
            counts count;
            in >> inode >> count.descriptors >> count.path_descriptors >> count.mappings >>
                count.mapped_bytes;
            all.back().held.emplace(inode, count);
        }
    }
    return all;
}

// --- ordinary descriptors, among which the buffers must be found ---

void open_file() {
    check(::open("/etc/passwd", O_RDONLY | O_CLOEXEC), "/etc/passwd");
}
void open_null() {
    check(::open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null");
}
void open_eventfd() {
    check(::eventfd(0, EFD_CLOEXEC), "eventfd");
}
void open_memory() {
    check(::memfd_create("ordinary", MFD_CLOEXEC), "memfd_create");
}
void open_epoll() {
    check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
}
void open_timer() {
    check(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
}
void open_socket() {
    check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
}
void open_pipe() {
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC), "pipe2");
}

// They are never closed: their process ends with them.
void open_ordinary(unsigned count) {
    static constexpr std::array kinds = {open_file,   open_pipe,  open_eventfd, open_memory,
                                         open_socket, open_epoll, open_null,    open_timer};
    for (unsigned i = 0; i < count; ++i) {
        auto const kind = kinds[i % kinds.size()];
        kind();
        if (kind == open_pipe) ++i; // that were two
    }
}

// --- one process at work ---

// A descriptor of, or a mapping's source among, the buffers.
struct held {
    int fd = -1;
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
};

struct mapping {
    char* start = nullptr;
    held buffer;
};

// A descriptor table. Every change to its buffers goes through here, so that the record is what was
// done.
class table {
public:
    held receive(int socket, std::uint64_t size_bytes) {
        int const fd = lab::recv_fd(socket).release();
        return add({fd, lab::inode_of(fd), size_bytes});
    }

    held duplicate(held const& buffer) {
        return add({check(::dup(buffer.fd), "dup"), buffer.inode, buffer.size_bytes});
    }

    // From `lowest` on: beyond what a table holds before it must grow.
    held duplicate_from(held const& buffer, int lowest) {
        int const fd = check(::fcntl(buffer.fd, F_DUPFD_CLOEXEC, lowest), "F_DUPFD_CLOEXEC");
        return add({fd, buffer.inode, buffer.size_bytes});
    }

    // An O_PATH descriptor cannot be used for anything, and still keeps the buffer.
    held open_path(held const& buffer) {
        auto const path = "/proc/self/fd/" + std::to_string(buffer.fd);
        int const fd = check(::open(path.c_str(), O_PATH | O_CLOEXEC), "open(O_PATH)");
        ++counts_[buffer.inode].path_descriptors;
        return add({fd, buffer.inode, buffer.size_bytes});
    }

    void close(held const& buffer) {
        check(::close(buffer.fd), "close");
        --counts_[buffer.inode].descriptors;
    }

    references const& counted() const { return counts_; }

private:
    held add(held buffer) {
        ++counts_[buffer.inode].descriptors;
        return buffer;
    }

    references counts_;
};

// The mapped areas of a process.
class address_space {
public:
    mapping map(held const& buffer, std::uint64_t offset, std::uint64_t size_bytes) {
        void* const start = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                                   buffer.fd, static_cast<off_t>(offset));
        if (start == MAP_FAILED) check(-1, "mmap");
        counts_[buffer.inode] += {0, 0, 1, size_bytes};
        return {static_cast<char*>(start), buffer};
    }

    mapping map(held const& buffer) { return map(buffer, 0, buffer.size_bytes); }

    // Takes a piece out of the middle: one area becomes two.
    void punch(mapping const& area, std::uint64_t offset, std::uint64_t size_bytes) {
        check(::munmap(area.start + offset, size_bytes), "munmap");
        auto& count = counts_[area.buffer.inode];
        ++count.mappings;
        count.mapped_bytes -= size_bytes;
    }

    references const& counted() const { return counts_; }

private:
    references counts_;
};

struct actor;

// One process of the scenario: its name, its user, its buffers, and its actions.
struct role {
    std::string comm;
    uid_t uid;
    std::vector<std::string> buffers; // by key
    void (*play)(actor&);
};

struct actor {
    role const& part;
    lab::ready& done;
    unsigned ordinary;
    std::vector<held> buffers{};
    table main_table{};
    std::vector<table const*> other_tables{};
    address_space memory{};
    std::string others{}; // the records of its own children

    // Changing the user forgets the parent's death and the right to be looked at.
    void become_user() {
        if (part.uid == ::getuid()) return;
        pid_t const parent = ::getppid();
        check(::setgroups(0, nullptr), "setgroups");
        check(::setresgid(part.uid, part.uid, part.uid), "setresgid");
        check(::setresuid(part.uid, part.uid, part.uid), "setresuid");
        check(::prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
        lab::die_with_parent(parent);
    }

    process record() const {
        process mine{
            ::getpid(), ::getuid(), ::prctl(PR_GET_DUMPABLE) == 1, part.comm.substr(0, 15), {}};
        for (auto const& [inode, count] : main_table.counted())
            mine.held[inode] += count;
        for (auto const* other : other_tables)
            for (auto const& [inode, count] : other->counted())
                mine.held[inode] += count;
        for (auto const& [inode, count] : memory.counted())
            mine.held[inode] += count;
        return mine;
    }

    [[noreturn]] void stay() { done(to_text(record()) + others); }
};

void set_comm(std::string const& comm) {
    check(::prctl(PR_SET_NAME, comm.c_str()), "PR_SET_NAME");
}

[[noreturn]] void sleep_forever() {
    for (;;)
        ::pause();
}

// Runs body in a thread of that name, and returns when the body is through; the thread stays.
template<class Body>
void stay_in_thread(std::string const& comm, Body body) {
    auto const through = std::make_shared<std::latch>(1);
    std::thread([through, comm, body]() mutable {
        set_comm(comm);
        body();
        through->count_down();
        sleep_forever();
    }).detach();
    through->wait();
}

// --- the roles: descriptors ---

void hold(actor& me) {
    me.stay();
}

// Threads that share the one table must not be counted again.
void hold_with_threads(actor& me) {
    for (int i = 1; i <= 4; ++i)
        stay_in_thread("worker-" + std::to_string(i), [] {});
    me.stay();
}

void hold_duplicates(actor& me) {
    me.main_table.duplicate(me.buffers.front());
    me.main_table.duplicate(me.buffers.front());
    me.main_table.duplicate_from(me.buffers.back(), 1024);
    me.main_table.duplicate_from(me.buffers.back(), 2000);
    me.stay();
}

void hold_first_by_path(actor& me) {
    me.main_table.open_path(me.buffers.front());
    me.main_table.close(me.buffers.front());
    me.stay();
}

void hold_also_by_path(actor& me) {
    me.main_table.open_path(me.buffers.front());
    me.stay();
}

void close_all(actor& me) {
    for (auto const& buffer : me.buffers)
        me.main_table.close(buffer);
    me.stay();
}

// The child never did anything to get its buffers: it was forked with them.
void hold_and_fork(actor& me) {
    role const heir{me.part.comm + "-child", me.part.uid, {}, nullptr};
    lab::child forked([&](lab::ready& done) {
        set_comm(heir.comm);
        actor child{heir, done, 0};
        child.main_table = me.main_table;
        child.memory = me.memory;
        child.stay();
    });
    me.others = forked.wait_ready();
    me.stay();
}

// The first buffer ends up only in the table that two threads share apart from the leader's; the
// second in both tables; a third table has a duplicate more of the second.
void hold_in_threads(actor& me) {
    static table decoder, loader;
    auto const& only_in_thread = me.buffers[0];
    auto const& in_all = me.buffers[1];
    stay_in_thread("decoder-1", [&] {
        check(::unshare(CLONE_FILES), "unshare(CLONE_FILES)");
        decoder = me.main_table;
        decoder.duplicate(only_in_thread);
        stay_in_thread("decoder-2", [] {}); // made from here, it shares this table
    });
    me.main_table.close(only_in_thread);
    stay_in_thread("loader", [&] {
        check(::unshare(CLONE_FILES), "unshare(CLONE_FILES)");
        loader = me.main_table;
        loader.duplicate(in_all);
    });
    me.other_tables = {&decoder, &loader};
    me.stay();
}

// --- the roles: files that only look like a buffer, and processes that hold none ---

std::string decoy_path(char const* name) {
    auto const in_root = "/dmabuf:"s + name;
    int const fd = ::open(in_root.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0) {
        descriptor closer(fd);
        return in_root;
    }
    return "/tmp" + in_root;
}

descriptor open_decoy(char const* name) {
    auto const path = decoy_path(name);
    if (path.starts_with("/tmp"))
        std::fprintf(stderr, "workload: no file can be made in /: %s instead\n", path.c_str());
    descriptor file(check(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666), path.c_str()));
    check(::ftruncate(file.get(), 65536), "ftruncate");
    return file;
}

void hold_decoys(actor& me) {
    open_decoy("x").release();
    check(::memfd_create("dmabuf:memfd", MFD_CLOEXEC), "memfd_create");
    me.stay();
}

void map_decoy(actor& me) {
    auto const file = open_decoy("y");
    if (::mmap(nullptr, 65536, PROT_READ, MAP_SHARED, file.get(), 0) == MAP_FAILED)
        check(-1, "mmap");
    me.stay();
}

void become_zombie(actor& me) {
    me.done.tell(to_text(me.record()));
}

// --- the roles: mappings ---

void map_only(actor& me) {
    for (auto const& buffer : me.buffers) {
        me.memory.map(buffer);
        me.main_table.close(buffer);
    }
    me.stay();
}

void map_and_hold(actor& me) {
    for (auto const& buffer : me.buffers)
        me.memory.map(buffer);
    me.stay();
}

// Needs a buffer of at least 16 pages: areas of 3 pages, and of 16 with a hole of 4.
void map_in_parts(actor& me) {
    auto const& buffer = me.buffers.front();
    auto const page = lab::whole_pages(1);
    me.memory.map(buffer, 5 * page, 3 * page);
    auto const area = me.memory.map(buffer, 0, 16 * page);
    me.memory.punch(area, 6 * page, 4 * page);
    me.main_table.close(buffer);
    me.stay();
}

void map_and_fork(actor& me) {
    for (auto const& buffer : me.buffers) {
        me.memory.map(buffer);
        me.main_table.close(buffer);
    }
    hold_and_fork(me);
}

// Only when a leader has turned into a zombie has it let go of its table and its memory.
void await_dead_leader() {
    for (;;) {
        std::ifstream in("/proc/self/stat");
        std::string const stat{std::istreambuf_iterator<char>(in), {}};
        if (auto const end = stat.rfind(") "); end != stat.npos && stat[end + 2] == 'Z') return;
        ::usleep(1000);
    }
}

// The process's first thread is gone, and with it /proc/<pid>/fd and maps; the other one has all.
void outlive_leader(actor& me) {
    me.memory.map(me.buffers.front());
    std::thread([&me] {
        set_comm("survivor");
        await_dead_leader();
        me.stay();
    }).detach();
    ::syscall(SYS_exit, 0);
}

// Two processes with one table. The other one cannot report through a pipe of its own: closing an
// end of it would close it here too.
void share_table(actor& me) {
    void* const page = ::mmap(nullptr, lab::whole_pages(1), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) check(-1, "mmap");
    auto& is_ready = *new (page) std::atomic<bool>(false);
    process other = me.record();
    other.comm = "table-sharer";
    pid_t const parent = ::getpid();
    other.pid =
        static_cast<pid_t>(check(::syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0), "clone"));
    if (other.pid == 0) {
        lab::die_with_parent(parent);
        set_comm(other.comm);
        is_ready = true;
        sleep_forever();
    }
    while (!is_ready)
        ::usleep(1000);
    me.others = to_text(other);
    me.stay();
}

void hide(actor& me) {
    check(::prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
    me.stay();
}

// --- the scenario ---

struct buffer_plan {
    std::string key;
    std::string exporter;
    std::uint64_t size_bytes;
    std::optional<std::string> name{};
    std::uint32_t repeat = 1; // udmabuf: the same memory so many times
};

struct plan {
    std::vector<buffer_plan> buffers;
    std::vector<role> roles;
};

constexpr std::uint64_t kib = 1024, mib = 1024 * kib;

std::vector<std::string> textures(unsigned count) {
    std::vector<std::string> keys;
    for (unsigned i = 0; i < count; ++i)
        keys.push_back("texture-" + std::to_string(i));
    return keys;
}

template<class Item>
std::vector<Item> joined(std::vector<Item> first, std::vector<Item> const& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

plan basic() {
    plan all;
    all.buffers = {
        {"screen", "system", 1920 * 1080 * 4, "framebuffer"},
        {"wallpaper", "system", 1920 * 1080 * 4},
        {"taskbar", "system", 1920 * 48 * 4, "VRI[Taskbar]#2(BLAST Consumer)2"},
        {"window", "system", 1280 * 720 * 4, "window"},
        {"preview", "udmabuf", 640 * 480 * 4, "camera-preview"},
        {"still", "system", 4000 * 3000 * 3 / 2},
        // 302 pages for three holders: a byte or two are left over
        {"odd", "system", 1234567, "thirty-one-bytes-are-the-limit!"},
        {"video", "udmabuf", 3 * mib, "h264:frame"},
        {"frame", "system", 1920 * 1088 * 3 / 2},
        {"document", "system", 2 * mib, ""},
        {"index", "system", 192 * kib, "\xff\xfe not \xc0\xaf UTF-8"},
        {"thumbnail", "udmabuf", 100000, "thumbnail"},
        {"escape", "udmabuf", 128 * kib, "\x1b[31mred"},
        {"forged", "system", 64 * kib, "x\nsize:\t4\nino:\t777"},
        {"closed", "system", 48 * kib},
    };
    for (auto const& key : textures(24))
        all.buffers.push_back(
            {key, "system", 256 * kib, key == "texture-7" ? std::nullopt : std::optional(key)});
    all.roles = {
        {"compositor",
         0,
         {"screen", "wallpaper", "taskbar", "window", "preview", "odd"},
         hold_with_threads},
        {"sshd", 0, {}, hold},
        {"camera-service", 1000, {"still", "preview", "odd"}, hold_duplicates},
        {"browser-gpu", 1000, joined({"window", "odd"}, textures(24)), hold_with_threads},
        {"browser", 1000, {"document", "texture-0", "texture-7"}, hold_and_fork},
        {"indexer", 1000, {"index"}, hold_first_by_path},
        {"thumbnailer", 0, {"thumbnail"}, hold_also_by_path},
        {"video-decoder", 1000, {"frame", "video"}, hold_in_threads},
        {"taskbar", 1000, {"taskbar", "closed"}, hold},
        {"\x1b[31mev\nil\x07", 0, {"escape"}, hold},
        {"a) S 1 (b", 1000, {"forged"}, hold},
        {"text-editor", 1000, {}, hold_decoys},
        {"former-holder", 1000, {"closed", "window"}, close_all},
        {"shell", 1000, {}, hold},
        {"cron", 0, {}, hold_with_threads},
        {"zombie", 1000, {}, become_zombie},
    };
    return all;
}

// A buffer larger than 32 bits can say needs udmabuf's limit raised, and then little memory.
buffer_plan const huge{"huge", "udmabuf", 32 * mib + 4 * kib, "huge", 130};

bool allow_huge() {
    constexpr char const* limit = "/sys/module/udmabuf/parameters/size_limit_mb";
    std::ofstream out(limit);
    if (!(out << 8192 << std::flush)) {
        std::fprintf(stderr, "workload: no buffer of more than 4 GiB: %s cannot be raised\n",
                     limit);
        return false;
    }
    try { // 6.1 keeps the pages in one array from kmalloc(), which ends at 4 MiB
        lab::alloc_udmabuf(huge.size_bytes, huge.repeat);
    } catch (std::system_error const& error) {
        std::fprintf(stderr, "workload: no buffer of more than 4 GiB: %s\n", error.what());
        return false;
    }
    return true;
}

plan full() {
    plan all = basic();
    std::vector<buffer_plan> const buffers = {
        {"song", "system", 320 * kib, "audio"},
        {"movie", "system", 3840 * 2160 * 3 / 2, "movie"},
        {"subtitles", "udmabuf", 256 * kib},
        {"map", "system", mib, "nl\nname"},
        {"orphan", "system", 700 * kib, "orphan"},
        {"model", "system", 5 * mib, "weights"},
        {"shared", "udmabuf", 333 * kib, "shared table"},
        {"key", "system", 16 * kib, "secret"},
    };
    std::vector<role> const roles = {
        {"audio-server", 1000, {"song"}, map_only},
        {"video-player", 1000, {"movie", "subtitles"}, map_and_hold},
        {"map-viewer", 0, {"map"}, map_in_parts},
        {"headless", 1000, {"orphan", "movie"}, outlive_leader},
        {"inference", 1000, {"model"}, map_and_fork},
        {"table-owner", 0, {"shared", "song"}, share_table},
        {"log-reader", 1000, {}, map_decoy},
        {"key-agent", 1000, {"key", "movie"}, hide},
    };
    all.buffers = joined(all.buffers, buffers);
    all.roles = joined(all.roles, roles);
    if (allow_huge()) {
        all.buffers.push_back(huge);
        all.roles.push_back({"simulation", 1000, {"huge"}, hold});
    }
    return all;
}

std::uint64_t size_of(buffer_plan const& buffer) {
    return lab::whole_pages(buffer.size_bytes) * buffer.repeat;
}

// --- the director: makes the processes and hands out the buffers ---

struct buffer {
    std::uint64_t inode;
    std::uint64_t size_bytes;
    std::string exporter;
    std::optional<std::string> name;
};

// No descriptor that the director has open for other processes may stay open in this one.
void close_all_but(int first, int second) {
    auto const [low, high] = std::minmax(first, second);
    for (auto const& [from, to] :
         {std::pair(3, low - 1), std::pair(low + 1, high - 1), std::pair(high + 1, 1 << 20)})
        if (from <= to)
            check(::close_range(static_cast<unsigned>(from), static_cast<unsigned>(to), 0),
                  "close_range");
}

// Buffers come in the order of the plan, with ordinary descriptors before and between them.
void receive_buffers(actor& me, plan const& all, int socket) {
    auto const steps = static_cast<unsigned>(me.part.buffers.size());
    unsigned const between = steps ? me.ordinary / 2 / steps : 0;
    open_ordinary(me.ordinary - between * steps);
    std::map<std::string, held> received;
    for (auto const& plan : all.buffers) {
        if (std::ranges::find(me.part.buffers, plan.key) == me.part.buffers.end()) continue;
        received[plan.key] = me.main_table.receive(socket, size_of(plan));
        open_ordinary(between);
    }
    for (auto const& key : me.part.buffers)
        me.buffers.push_back(received.at(key));
}

class cast {
public:
    cast(plan const& all, unsigned ordinary)
        : plan_(all) {
        for (auto const& part : all.roles)
            engage(part, ordinary);
        for (auto const& buffer : all.buffers)
            hand_out(buffer);
        sockets_.clear();
    }

    std::vector<buffer> const& buffers() const { return buffers_; }

    // Waits until all is as it will stay.
    std::vector<process> processes() {
        std::vector<process> all{{::getpid(), ::getuid(), true, "workload", {}}};
        for (auto& child : children_)
            std::ranges::move(from_text(child.wait_ready()), std::back_inserter(all));
        await_zombies();
        std::ranges::sort(all, {}, &process::pid);
        return all;
    }

private:
    void engage(role const& part, unsigned ordinary) {
        auto sockets = lab::make_socket_pair();
        children_.emplace_back([&](lab::ready& done) {
            close_all_but(sockets.there.get(), done.fd());
            set_comm(part.comm);
            actor me{part, done, ordinary};
            receive_buffers(me, plan_, sockets.there.get());
            sockets.there.reset();
            open_ordinary(1); // in the socket's place: a low number would be too easy to find
            if (::getuid() == 0) me.become_user();
            part.play(me);
        });
        sockets_.push_back(std::move(sockets.here));
    }

    void hand_out(buffer_plan const& wanted) {
        bool const of_heap = wanted.exporter == "system";
        auto const fd = of_heap ? lab::alloc_heap(wanted.size_bytes)
                                : lab::alloc_udmabuf(wanted.size_bytes, wanted.repeat);
        auto const* exporter = of_heap ? lab::heap_exporter() : lab::udmabuf_exporter();
        if (wanted.name) lab::set_name(fd.get(), *wanted.name);
        buffers_.push_back({lab::inode_of(fd.get()), size_of(wanted), exporter, wanted.name});
        for (std::size_t i = 0; i < sockets_.size(); ++i)
            if (std::ranges::find(plan_.roles[i].buffers, wanted.key) !=
                plan_.roles[i].buffers.end())
                lab::send_fd(sockets_[i].get(), fd.get());
    }

    // WNOWAIT: they are to stay.
    void await_zombies() {
        for (std::size_t i = 0; i < children_.size(); ++i) {
            siginfo_t info;
            if (plan_.roles[i].play == become_zombie)
                check(::waitid(P_PID, static_cast<id_t>(children_[i].pid()), &info,
                               WEXITED | WNOWAIT),
                      "waitid");
        }
    }

    plan const& plan_;
    std::vector<lab::child> children_;
    std::vector<descriptor> sockets_;
    std::vector<buffer> buffers_;
};

// --- the account ---

struct holder {
    std::uint64_t rss_bytes = 0, pss_bytes = 0, uss_bytes = 0;
};

struct exporter_total {
    std::uint64_t buffers = 0, bytes = 0;
};

struct view {
    uid_t uid;
    std::map<pid_t, holder> holders;
    std::uint64_t total_bytes = 0;
    std::map<std::string, exporter_total> exporters;
};

bool can_see(uid_t viewer, process const& one) {
    return viewer == 0 || (one.uid == viewer && one.dumpable);
}

std::vector<pid_t> holders_of(std::uint64_t inode, uid_t viewer,
                              std::span<process const> processes) {
    std::vector<pid_t> pids;
    for (auto const& one : processes) // by pid
        if (can_see(viewer, one) && one.held.contains(inode)) pids.push_back(one.pid);
    return pids;
}

view make_view(uid_t uid, std::span<buffer const> buffers, std::span<process const> processes) {
    view all{uid, {}, 0, {}};
    for (auto const& buffer : buffers) {
        auto const pids = holders_of(buffer.inode, uid, processes);
        if (pids.empty()) continue;
        all.total_bytes += buffer.size_bytes;
        auto& exporter = all.exporters[buffer.exporter];
        ++exporter.buffers;
        exporter.bytes += buffer.size_bytes;
        for (std::size_t i = 0; i < pids.size(); ++i) {
            auto& one = all.holders[pids[i]];
            one.rss_bytes += buffer.size_bytes;
            one.pss_bytes +=
                buffer.size_bytes / pids.size() + (i < buffer.size_bytes % pids.size());
            if (pids.size() == 1) one.uss_bytes += buffer.size_bytes;
        }
    }
    return all;
}

// Writes the items of a range between brackets, one a line.
template<class Range, class Write>
void list(std::ostream& out, char const* indent, Range const& range, Write write) {
    char const* before = "";
    out << '[';
    for (auto const& item : range) {
        out << before << '\n' << indent;
        before = ",";
        write(item);
    }
    out << ']';
}

void write_json(std::ostream& out, buffer const& one) {
    out << R"({"inode": )" << one.inode << R"(, "size_bytes": )" << one.size_bytes
        << R"(, "exporter": ")" << one.exporter << R"(", "name_hex": )";
    if (one.name)
        out << '"' << hex(*one.name) << '"';
    else
        out << "null";
    out << '}';
}

void write_json(std::ostream& out, process const& one) {
    out << R"({"pid": )" << one.pid << R"(, "comm_hex": ")" << hex(one.comm) << R"(", "uid": )"
        << one.uid << R"(, "dumpable": )" << (one.dumpable ? "true" : "false")
        << R"(, "references": )";
    list(out, "      ", one.held, [&](auto const& item) {
        auto const& [inode, count] = item;
        out << R"({"inode": )" << inode << R"(, "descriptors": )" << count.descriptors
            << R"(, "path_descriptors": )" << count.path_descriptors << R"(, "mappings": )"
            << count.mappings << R"(, "mapped_bytes": )" << count.mapped_bytes << '}';
    });
    out << '}';
}

void write_json(std::ostream& out, view const& one) {
    out << R"({"uid": )" << one.uid << R"(, "total_bytes": )" << one.total_bytes
        << R"(, "exporters": )";
    list(out, "      ", one.exporters, [&](auto const& item) {
        auto const& [name, total] = item;
        out << R"({"name": ")" << name << R"(", "buffers": )" << total.buffers << R"(, "bytes": )"
            << total.bytes << '}';
    });
    out << R"(, "holders": )";
    list(out, "      ", one.holders, [&](auto const& item) {
        auto const& [pid, bytes] = item;
        out << R"({"pid": )" << pid << R"(, "rss_bytes": )" << bytes.rss_bytes
            << R"(, "pss_bytes": )" << bytes.pss_bytes << R"(, "uss_bytes": )" << bytes.uss_bytes
            << '}';
    });
    out << '}';
}

// Everything as root sees it, and as each other user does.
std::set<uid_t> viewers(std::span<process const> processes) {
    std::set<uid_t> uids{0};
    for (auto const& one : processes)
        uids.insert(one.uid);
    return uids;
}

std::string to_json(std::string const& scenario, std::span<buffer const> buffers,
                    std::span<process const> processes) {
    utsname system;
    check(::uname(&system), "uname");
    std::ostringstream out;
    out << "{\n  \"format\": \"dmabuf-workload\",\n  \"version\": 1,\n  \"scenario\": \""
        << scenario << "\",\n  \"kernel\": \"" << system.release << "\",\n  \"buffers\": ";
    list(out, "    ", buffers, [&](auto const& one) { write_json(out, one); });
    out << ",\n  \"processes\": ";
    list(out, "    ", processes, [&](auto const& one) { write_json(out, one); });
    out << ",\n  \"views\": ";
    list(out, "    ", viewers(processes),
         [&](uid_t uid) { write_json(out, make_view(uid, buffers, processes)); });
    out << "\n}\n";
    return out.str();
}

// Whoever waits for the file finds it whole.
void write_file(std::string const& path, std::string const& text) {
    auto const fresh = path + ".new";
    std::ofstream out(fresh, std::ios::binary);
    out << text;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + fresh);
    check(::rename(fresh.c_str(), path.c_str()), path.c_str());
}

// --- the command ---

struct options {
    std::string scenario = "basic";
    unsigned ordinary = 300;
    std::string account;
    bool stay = false;
    std::vector<std::string> command;
};

constexpr char const* usage =
    R"(usage: workload [--scenario basic|full] [--ordinary N] --account FILE --hold
       workload [--scenario basic|full] [--ordinary N] --account FILE [--] COMMAND [ARG...]

Makes processes that hold DMA-BUFs, writes the true account of them to FILE (JSON), and then
says "ready" and waits for SIGTERM (--hold), or runs COMMAND and ends with its status; {account}
in an ARG stands for FILE.

  --scenario basic    descriptors only (default)
  --scenario full     mappings, dead leaders, shared tables and a hidden process as well
  --ordinary N        ordinary descriptors in each process (default: 300)
)";

options parse(std::span<char* const> arguments) {
    options chosen;
    std::size_t i = 1;
    auto const value = [&] {
        if (i + 1 >= arguments.size())
            throw std::invalid_argument(arguments[i] + " wants a value"s);
        return std::string(arguments[++i]);
    };
    for (; i < arguments.size(); ++i) {
        std::string const argument = arguments[i];
        if (argument == "--scenario") {
            chosen.scenario = value();
        } else if (argument == "--ordinary") {
            chosen.ordinary = static_cast<unsigned>(std::stoul(value()));
        } else if (argument == "--account") {
            chosen.account = value();
        } else if (argument == "--hold") {
            chosen.stay = true;
        } else if (argument == "--") {
            ++i;
            break;
        } else if (argument.starts_with('-')) {
            throw std::invalid_argument("no option " + argument);
        } else {
            break;
        }
    }
    chosen.command.assign(arguments.begin() +
                              static_cast<std::ptrdiff_t>(std::min(i, arguments.size())),
                          arguments.end());
    if (chosen.account.empty() || chosen.stay != chosen.command.empty() ||
        (chosen.scenario != "basic" && chosen.scenario != "full"))
        throw std::invalid_argument("these options do not go together");
    return chosen;
}

// A thousand descriptors, the usual limit, are too few for some roles.
void raise_limit() {
    rlimit limit;
    check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

void replace_all(std::string& text, std::string_view from, std::string const& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
        text.replace(at, from.size(), to);
}

[[noreturn]] void execute(std::vector<std::string> command, rlimit const& limit) {
    std::vector<char*> arguments;
    for (auto& argument : command)
        arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
    ::execvp(arguments[0], arguments.data());
    int const reason = errno;
    std::fprintf(stderr, "workload: %s: %s\n", arguments[0], std::strerror(reason));
    ::_exit(reason == ENOENT ? 127 : 126);
}

int run_command(options const& chosen, rlimit const& limit) {
    auto command = chosen.command;
    for (auto& argument : command)
        replace_all(argument, "{account}", chosen.account);
    pid_t const self = ::getpid();
    pid_t const pid = check(::fork(), "fork");
    if (pid == 0) {
        lab::die_with_parent(self);
        execute(std::move(command), limit);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

sigset_t end_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

// To be awaited they must not be delivered. The children inherit this, and are killed otherwise.
void block_end_signals() {
    sigset_t const end = end_signals();
    check(::sigprocmask(SIG_BLOCK, &end, nullptr), "sigprocmask");
}

int wait_for_end() {
    sigset_t const end = end_signals();
    std::puts("ready");
    std::fflush(stdout);
    int signal = 0;
    ::sigwait(&end, &signal);
    return 0;
}

// Better one clear word now than one from every process that waits for a buffer.
void require_exporters() {
    for (auto const* path : {lab::heap_path, lab::udmabuf_path})
        lab::open_device(path);
}

int run(options const& chosen) {
    rlimit limit;
    check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    require_exporters();
    raise_limit();
    set_comm("workload");
    if (chosen.stay) block_end_signals();
    plan const all = chosen.scenario == "full" ? full() : basic();
    cast players(all, chosen.ordinary);
    auto const processes = players.processes();
    write_file(chosen.account, to_json(chosen.scenario, players.buffers(), processes));
    return chosen.stay ? wait_for_end() : run_command(chosen, limit);
}

} // namespace

int main(int argc, char** argv) {
    options chosen;
    try {
        chosen = parse({argv, static_cast<std::size_t>(argc)});
    } catch (std::exception const& error) {
        std::fprintf(stderr, "workload: %s\n%s", error.what(), usage);
        return 2;
    }
    try {
        return run(chosen);
    } catch (std::exception const& error) {
        std::fprintf(stderr, "workload: %s\n", error.what());
        return 1;
    }
}
