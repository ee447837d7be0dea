// SPDX-License-Identifier: MIT
//
// lowmem_capture while memory is really short, and while everything around it goes wrong. Run with
// little memory (see CMakeLists.txt); a kernel without PSI has a run of its own.
#include "../systems/failing_look.hpp"
#include "disk_calls.hpp"
#include "pressure.hpp"
#include "scene.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <dirent.h>
#include <fstream>
#include <memory>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <thread>

using namespace scene;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

/// Sorted; the temporary one too.
std::vector<std::string> files_in(std::string const& directory) {
    std::vector<std::string> names;
    std::unique_ptr<DIR, int (*)(DIR*)> const open(::opendir(directory.c_str()), ::closedir);
    while (dirent const* const one = open ? ::readdir(open.get()) : nullptr)
        if (std::string_view const name = one->d_name; name != "." && name != "..")
            names.emplace_back(name);
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<json> captures_in(std::string const& directory) {
    std::vector<json> captures;
    for (auto const& name : files_in(directory)) {
        INFO(directory << "/" << name);
        captures.push_back(json::parse(read_text(directory + "/" + name)));
    }
    return captures;
}

bool eventually(std::function<bool()> const& holds, std::chrono::seconds patience = 60s) {
    auto const end = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

/// A running lowmem_capture, and what it says.
class watcher {
public:
    explicit watcher(std::vector<std::string> arguments, std::function<void()> prepare = {}) {
        int ends[2];
        lab::check(::pipe2(ends, O_CLOEXEC), "pipe2");
        said_ = lab::descriptor(ends[0]);
        lab::descriptor const writer(ends[1]);
        arguments.insert(arguments.begin(), "lowmem_capture");
        pid_ = lab::check(::fork(), "fork");
        if (pid_ != 0) return;
        std::vector<char*> words;
        for (auto& one : arguments)
            words.push_back(one.data());
        words.push_back(nullptr);
        ::dup2(writer.get(), STDERR_FILENO);
        if (prepare) prepare();
        ::execvp(words[0], words.data());
        ::_exit(127);
    }
    watcher(watcher const&) = delete;
    watcher& operator=(watcher const&) = delete;
    ~watcher() {
        if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

    /// Whether it says so within a minute. What it said is kept.
    bool says(std::string_view words) {
        auto const said = [&] { return text().find(words) != std::string::npos; };
        eventually([&] { return said() || ended(); });
        return said();
    }

    /// The same, after what it has said until now.
    bool says_anew(std::string_view words) {
        auto const from = text().size();
        return eventually([&] { return text().find(words, from) != std::string::npos; });
    }

    std::string const& text() {
        pollfd waiting{said_.get(), POLLIN, 0};
        char piece[4096];
        while (::poll(&waiting, 1, 0) == 1) {
            auto const got = ::read(said_.get(), piece, sizeof piece);
            if (got <= 0) break;
            text_.append(piece, static_cast<std::size_t>(got));
        }
        return text_;
    }

    [[nodiscard]] bool ended() const {
        siginfo_t found{};
        return ::waitid(P_PID, static_cast<id_t>(pid_), &found, WEXITED | WNOHANG | WNOWAIT) != 0 ||
               found.si_pid != 0;
    }

    /// Its exit status, or minus the signal that ended it.
    int wait() {
        int status = 0;
        lab::check(::waitpid(std::exchange(pid_, -1), &status, 0), "waitpid");
        text();
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    }

    int end(int signal = SIGTERM) {
        ::kill(pid_, signal);
        return wait();
    }

private:
    pid_t pid_ = -1;
    lab::descriptor said_;
    std::string text_;
};

/// A cgroup whose only process wants more than memory.high lets it have, and waits for it, again
/// and again. memory.pressure of it says so.
class squeezed_cgroup {
public:
    squeezed_cgroup() {
        write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
        lab::check(::mkdir(path, 0755), path);
        write_text(file("memory.high"), std::to_string(4 << 20));
        process_.emplace([](lab::ready& done) {
            write_text(file("cgroup.procs"), std::to_string(::getpid()));
            done.tell();
            constexpr std::size_t size = 64 << 20;
            auto* const memory = static_cast<char*>(
                ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
            for (std::size_t at = 0;; at = (at + page) % size)
                memory[at] = 1;
        });
        process_->wait_ready();
    }
    squeezed_cgroup(squeezed_cgroup const&) = delete;
    squeezed_cgroup& operator=(squeezed_cgroup const&) = delete;
    ~squeezed_cgroup() { remove(); }

    void remove() {
        process_.reset();
        eventually([] { return ::rmdir(path) == 0 || errno == ENOENT; });
    }

    static constexpr char const* path = "/sys/fs/cgroup/squeezed";

private:
    static std::string file(char const* name) { return std::string(path) + "/" + name; }

    std::optional<lab::child> process_;
};

/// Options for many events: any wait at all, as often as the kernel tells.
std::vector<std::string> eager(std::string const& directory, std::vector<std::string> more = {}) {
    std::vector<std::string> options{"-d",      directory, "--cgroup", squeezed_cgroup::path,
                                     "--stall", "1",       "--window", "500"};
    options.insert(options.end(), more.begin(), more.end());
    return options;
}

/// A file system of so many bytes.
class small_disk {
public:
    explicit small_disk(std::string const& size) {
        ::mkdir(path, 0755);
        lab::check(::mount("small", path, "tmpfs", 0, ("size=" + size).c_str()), "mount tmpfs");
    }
    small_disk(small_disk const&) = delete;
    small_disk& operator=(small_disk const&) = delete;
    ~small_disk() { ::umount2(path, MNT_DETACH); }

    /// Takes all that is left; undone by `make_room()`.
    static void fill() {
        int const fd = lab::check(::open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), ballast);
        lab::descriptor const file(fd);
        char const block[4096] = {};
        while (::write(fd, block, sizeof block) > 0) {
        }
        REQUIRE(errno == ENOSPC);
    }
    static void make_room() { ::unlink(ballast); }

    static constexpr char const* path = "/tmp/small";
    static constexpr char const* ballast = "/tmp/small/ballast";
};

std::string fresh(std::string const& name) {
    auto const path = "/tmp/" + name;
    for (auto const& file : files_in(path))
        ::unlink((path + "/" + file).c_str());
    ::rmdir(path.c_str());
    return path;
}

json const* find_process(json const& capture, pid_t pid) {
    for (auto const& one : capture["snapshot"]["processes"])
        if (one["pid"] == pid) return &one;
    return nullptr;
}

/// Those that this kernel has.
std::vector<char const*> sources_here() {
    std::vector<char const*> sources{"fd_walk"};
    if (has_list()) sources.push_back("dmabuf_fds");
    if (::access("/sys/kernel/btf/vmlinux", F_OK) == 0) sources.push_back("bpf_iterator");
    return sources;
}

/// The BPF iterators, pinned for as long as this lives.
struct pins {
    pins() { REQUIRE(std::system("dmabuf_pin > /tmp/pinned") == 0); }
    ~pins() { CHECK(std::system("dmabuf_pin --unpin") == 0); }
    pins(pins&&) = delete;
};

std::unique_ptr<pins> pins_for(std::string_view source) {
    return source == "bpf_iterator" ? std::make_unique<pins>() : nullptr;
}

} // namespace

namespace {

/// A leak in a system whose memory is full, from its first buffer until it is killed for it, and
/// what a watcher with `options` wrote down meanwhile.
struct leak_watched {
    leak_watched(std::vector<std::string> options, std::chrono::milliseconds pause) {
        auto const directory = fresh("captures");
        options.insert(options.end(), {"-d", directory, "--cooldown", "0", "--keep", "1000"});
        watcher watcher(options);
        REQUIRE(watcher.says("armed"));
        auto const kills = oom_kills();
        full_memory const full(64 << 20, 16 << 20);
        auto process = leak(book, pause);
        culprit = process.pid();
        int status = 0;
        REQUIRE(::waitpid(culprit, &status, 0) == culprit);
        death_ns = now_ns();
        CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        if (kills) CHECK(oom_kills() > kills);
        CHECK(watcher.end() == 0);
        said = watcher.text() + read_text("/proc/pressure/memory");
        for (auto& capture : captures_in(directory)) {
            auto const [begin_ns, end_ns] = time_of(capture);
            if (book.least_at(begin_ns) != 0 && end_ns < book.last().ns)
                while_it_took_more.push_back(std::move(capture));
        }
    }

    static std::pair<std::uint64_t, std::uint64_t> time_of(json const& capture) {
        std::uint64_t const begin_ns = capture["snapshot"]["begin_ns"];
        return {begin_ns, begin_ns + capture["snapshot"]["elapsed_ns"].get<std::uint64_t>()};
    }

    ledger book;
    pid_t culprit = -1;
    std::uint64_t death_ns = 0;
    std::string said;
    /// Begun after its first buffer and finished before its last: after that it may be dying.
    std::vector<json> while_it_took_more;
};

using milliseconds = std::chrono::duration<double, std::milli>;

milliseconds between(std::uint64_t from_ns, std::uint64_t to_ns) {
    return std::chrono::nanoseconds(to_ns - from_ns);
}

} // namespace

TEST_CASE("who takes all memory is captured before it is killed for it", "[.capture][culprit]") {
    set_oom_score_adj(-1000);
    std::string const source = GENERATE(from_range(sources_here()));
    CAPTURE(source);
    auto const pinned = pins_for(source);
    leak_watched const seen({"--source", source}, 40ms);
    INFO(seen.said << "held at the end: " << seen.book.last().bytes);
    REQUIRE_FALSE(seen.while_it_took_more.empty());
    for (auto const& capture : seen.while_it_took_more) {
        auto const [begin_ns, end_ns] = leak_watched::time_of(capture);
        CAPTURE(begin_ns, end_ns, seen.death_ns);
        auto const* const found = find_process(capture, seen.culprit);
        REQUIRE(found);
        CHECK((*found)["rss_bytes"] >= seen.book.least_at(begin_ns));
        CHECK((*found)["rss_bytes"] <= seen.book.most_at(end_ns));
        CHECK((*found)["pid"] == capture["snapshot"]["processes"][0]["pid"]);
        CHECK(capture["snapshot"]["coverage"]["found_by"] == source);
        CHECK(capture["to_snapshot_ns"] == end_ns - capture["event_ns"].get<std::uint64_t>());
        CHECK(capture["allocations"] == 0);
        CHECK(capture["minor_faults"] == 0);
        CHECK(capture["major_faults"] == 0);
    }
    auto const& first = seen.while_it_took_more.front();
    auto const end_ns = leak_watched::time_of(first).second;
    std::printf("%s: event to snapshot %.1f ms, killed %.1f ms later\n", source.c_str(),
                between(first["event_ns"], end_ns).count(), between(end_ns, seen.death_ns).count());
}

TEST_CASE("a test capture tells what dmabuf_ps tells, and why it was made", "[.capture]") {
    auto const directory = fresh("captures");
    actor const one([] { return std::vector{keep(lab::alloc_heap(3 * page))}; });
    actor const more([] { return std::vector{keep(lab::alloc_heap(5 * page))}; });
    watcher watcher({"--test", "--names", "--directory", directory});
    REQUIRE(watcher.wait() == 0);
    CHECK(watcher.text().find("file after") != std::string::npos);
    auto const captures = captures_in(directory);
    REQUIRE(captures.size() == 1);
    auto const& capture = captures[0];
    CHECK(capture["schema"] == "lowmem_capture/1");
    CHECK(capture["trigger"].is_null());
    CHECK(capture["failure"].is_null());
    CHECK(capture["allocations"] == 0);
    CHECK(capture["meminfo"].get<std::string>().find("MemAvailable:") != std::string::npos);
    auto const& snapshot = capture["snapshot"];
    CHECK(snapshot["schema"] == "dmabuf_ps/3");
    CHECK(snapshot["coverage"]["processes_complete"] == true);
    auto const* const found = find_process(capture, one.pid());
    REQUIRE(found);
    CHECK((*found)["rss_bytes"] == 3 * page);
    CHECK((*found)["references"][0]["inode"] == one.inode());

    CHECK(snapshot["processes"][0]["pid"] == more.pid()); // the largest first

    // dmabuf_ps tells the same of the same process, field by field.
    REQUIRE(std::system("dmabuf_ps --json --no-debugfs > /tmp/ps.json") == 0);
    auto const ps = json::parse(read_text("/tmp/ps.json"));
    for (auto const& [field, value] : ps.items())
        CHECK(snapshot.contains(field));
    CHECK(snapshot.size() == ps.size());
    auto buffers = ps["buffers"];
    for (auto& buffer : buffers)
        for (auto const* field : {"count", "other_references", "attachments"})
            buffer[field] = nullptr; // are not asked for
    CHECK(snapshot["buffers"] == buffers);
    auto processes = ps["processes"];
    for (auto& process : processes)
        for (auto& reference : process["references"])
            reference["path_descriptors"] = nullptr; // are not asked for
    CHECK(snapshot["processes"] == processes);
}

namespace {

std::vector<std::uint64_t> many_buffers(int count) {
    std::vector<std::uint64_t> inodes;
    for (int i = 0; i < count; ++i)
        inodes.push_back(keep(lab::alloc_heap(page)));
    return inodes;
}

/// A number of KiB out of /proc/P/status.
unsigned long kib_of(pid_t pid, std::string const& key) {
    auto const status = read_text("/proc/" + std::to_string(pid) + "/status");
    return std::stoul(status.substr(status.find(key) + key.size()));
}

unsigned long locked_kib(pid_t pid) {
    return kib_of(pid, "VmLck:");
}

} // namespace

TEST_CASE("more buffers than there is room for are all captured, and that is said", "[.capture]") {
    auto const directory = fresh("captures");
    actor const one([] { return many_buffers(300); });
    // The first look is before memory is locked and events are waited for: buffers come after it.
    squeezed_cgroup const squeezed;
    watcher watcher(eager(directory, {"--buffers", "16", "--cooldown", "0", "--keep", "100"}));
    REQUIRE(watcher.says("file after"));
    auto const before = captures_in(directory).back();
    CHECK(before["allocations"] == 0); // the first look has made room
    auto const locked = locked_kib(watcher.pid());
    actor const two([] { return many_buffers(900); });
    // Not the capture that was being made meanwhile, but the next one.
    for (int i = 0; i < 2; ++i)
        REQUIRE(watcher.says_anew("file after"));
    CHECK(locked_kib(watcher.pid()) > locked); // what it asked for later, too
    CHECK(watcher.end() == 0);
    CHECK(watcher.text().find("start it with more than --buffers") != std::string::npos);
    auto const captures = captures_in(directory);
    CHECK(std::any_of(captures.begin(), captures.end(),
                      [](json const& capture) { return capture["allocations"] > 0; }));
    auto const* const found = find_process(captures.back(), two.pid());
    REQUIRE(found);
    CHECK((*found)["references"].size() == 900);
}

TEST_CASE("as many buffers as there is room for cost no allocation", "[.capture]") {
    auto const directory = fresh("captures");
    squeezed_cgroup const squeezed;
    watcher watcher(eager(directory, {"--buffers", "1000", "--cooldown", "0", "--keep", "100"}));
    REQUIRE(watcher.says("file after"));
    actor const one([] { return many_buffers(900); });
    for (int i = 0; i < 2; ++i)
        REQUIRE(watcher.says_anew("file after"));
    CHECK(watcher.end() == 0);
    auto const captures = captures_in(directory);
    auto const* const found = find_process(captures.back(), one.pid());
    REQUIRE(found);
    CHECK((*found)["references"].size() == 900);
    for (auto const& capture : captures)
        CHECK(capture["allocations"] == 0);
}

TEST_CASE("a storm of events makes one capture a cooldown, and a ring that keeps the newest",
          "[.capture]") {
    auto const directory = fresh("captures");
    squeezed_cgroup const squeezed;
    watcher watcher(eager(directory, {"--cooldown", "3", "--keep", "2"}));
    // From the fourth on, two captures have been deleted.
    REQUIRE(watcher.says("lowmem-0000000004-"));
    CHECK(watcher.end(SIGINT) == 0);
    auto const names = files_in(directory);
    REQUIRE(names.size() == 2);
    CHECK(names[0].starts_with("lowmem-000000000"));
    auto const captures = captures_in(directory);
    std::uint64_t const first_ns = captures[0]["event_ns"];
    std::uint64_t const second_ns = captures[1]["event_ns"];
    CHECK(second_ns >= first_ns + 3'000'000'000);
    // One a window of half a second, by a clock that the emulation miscalibrates on a busy host.
    CHECK(captures[1]["events_skipped"] >= 1);
    CHECK(captures[1]["pressure_file"] == std::string(squeezed_cgroup::path) + "/memory.pressure");
    CHECK(captures[1]["trigger"] == "some 1000 500000");
    CHECK(captures[1]["pressure"].get<std::string>().starts_with("some avg10="));
    CHECK(captures[1]["pressure"] != captures[0]["pressure"]); // as it was at each event
}

TEST_CASE("numbers go on where the program before ended, and foreign files stay", "[.capture]") {
    auto const directory = fresh("captures");
    for (int i = 0; i < 3; ++i)
        REQUIRE(watcher({"--test", "-d", directory, "-k", "2"}).wait() == 0);
    std::ofstream(directory + "/notes") << "{}";
    std::ofstream(directory + "/lowmem-x.json") << "{}";
    std::ofstream(directory + "/.lowmem.part") << "half a capt"; // of one that was killed
    REQUIRE(watcher({"--test", "-d", directory, "-k", "2"}).wait() == 0);
    auto const names = files_in(directory);
    REQUIRE(names.size() == 4);
    CHECK(names[0].starts_with("lowmem-0000000003-"));
    CHECK(names[1].starts_with("lowmem-0000000004-"));
    CHECK(names[2] == "lowmem-x.json");
    CHECK(names[3] == "notes");
    fresh("captures");
}

TEST_CASE("one directory, one program", "[.capture]") {
    auto const directory = fresh("captures");
    squeezed_cgroup const squeezed;
    watcher first(eager(directory));
    REQUIRE(first.says("armed"));
    watcher second(eager(directory));
    CHECK(second.wait() == 1);
    CHECK(second.text().find("cannot lock the directory") != std::string::npos);
    CHECK(first.end() == 0);
}

TEST_CASE("a full disk costs no capture that is there, and the next event tries again",
          "[.capture]") {
    small_disk const disk("256k");
    squeezed_cgroup const squeezed;
    auto const directory = std::string(small_disk::path) + "/captures";
    watcher watcher(eager(directory, {"--cooldown", "0", "--keep", "8"}));
    REQUIRE(watcher.says("lowmem-0000000002-"));
    small_disk::fill();
    REQUIRE(watcher.says("No space left on device"));
    auto const left = files_in(directory);
    CHECK(std::count(left.begin(), left.end(), ".lowmem.part") <= 1); // one that is being written
    CHECK(left.size() >= 2);
    small_disk::make_room();
    // Not one that was being made meanwhile, but the next, and one more.
    for (int i = 0; i < 3; ++i)
        REQUIRE(watcher.says_anew("file after"));
    CHECK(watcher.end() == 0);
    auto const captures = captures_in(directory);
    auto const failed = [](json const& one) { return one["captures_failed"] >= 1; };
    CHECK(std::any_of(captures.begin(), captures.end(), failed));
    CHECK_FALSE(failed(captures.back())); // each is told once
}

namespace {

/// `--test` in a directory that keeps one capture, and has one. The first call that begins with
/// `refused` fails.
struct test_capture {
    explicit test_capture(std::string_view refused = {}) {
        REQUIRE(watcher({"--test", "-d", directory, "-k", "1"}).wait() == 0);
        disk_calls disk;
        watcher capture({"--test", "-d", directory, "-k", "1"}, [&] { disk.hand_over(); });
        calls = disk.follow(capture.pid(), [&](std::string const& call) {
            if (call == "fsync .lowmem.part") written = read_text(directory + "/.lowmem.part");
            return !refused.empty() && call.starts_with(refused) ? EIO : 0;
        });
        status = capture.wait();
        said = capture.text();
        for (auto const& file : files_in(directory))
            files.push_back(file.substr(0, file.find("-2"))); // without the time
    }

    std::string const directory = fresh("captures");
    std::vector<std::string> calls;
    std::string written; ///< at the first fsync
    int status = -1;
    std::string said;
    std::vector<std::string> files;
};

} // namespace

TEST_CASE("a capture is on the disk before it has its name, and that before the oldest goes",
          "[.capture]") {
    test_capture const done;
    CHECK(done.status == 0);
    CHECK(done.files == std::vector<std::string>{"lowmem-0000000002"});
    CHECK(json::parse(done.written)["schema"] == "lowmem_capture/1"); // to its last brace
    REQUIRE(done.calls.size() == 5);
    CHECK(done.calls[0] == "unlinkat .lowmem.part"); // of one that was killed
    CHECK(done.calls[1] == "fsync .lowmem.part");
    CHECK(done.calls[2].starts_with("renameat .lowmem.part lowmem-0000000002-"));
    CHECK(done.calls[3] == "fsync captures");
    CHECK(done.calls[4].starts_with("unlinkat lowmem-0000000001-"));
}

TEST_CASE("what the disk refuses is said, and no capture that is there goes for it", "[.capture]") {
    std::vector<std::string> const before{"lowmem-0000000001"};
    SECTION("to write") {
        test_capture const failed("fsync .lowmem.part");
        CHECK(failed.status == 1);
        CHECK(failed.said.find("cannot write (fsync): Input/output error") != std::string::npos);
        CHECK(failed.files == before);
    }
    SECTION("to rename") {
        test_capture const failed("renameat");
        CHECK(failed.status == 1);
        CHECK(failed.said.find("cannot rename: Input/output error") != std::string::npos);
        CHECK(failed.files == before);
    }
    // From here on the capture is there.
    SECTION("to write the directory") {
        test_capture const done("fsync captures");
        CHECK(done.status == 0);
        CHECK(done.said.find("cannot fsync: Input/output error") != std::string::npos);
        CHECK(done.files == std::vector<std::string>{"lowmem-0000000002"});
    }
    SECTION("to delete the oldest") {
        test_capture const done("unlinkat lowmem-");
        CHECK(done.status == 0);
        CHECK(done.said.find("cannot delete") != std::string::npos);
        CHECK(done.files == std::vector<std::string>{"lowmem-0000000001", "lowmem-0000000002"});
    }
}

namespace {

/// For a program that is about to be executed: it becomes the only process that its /proc shows,
/// and holds a buffer.
void enter_small_system() {
    lab::check(::unshare(CLONE_NEWPID | CLONE_NEWNS), "unshare");
    pid_t const pid = lab::check(::fork(), "fork");
    if (pid != 0) {
        int status = 0;
        ::waitpid(pid, &status, 0);
        ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 126);
    }
    lab::check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount");
    lab::check(::mount("proc", "/proc", "proc", 0, nullptr), "mount proc");
    lab::check(::dup(lab::alloc_heap(3 * page).get()), "dup");
}

/// The program's looks at the system fail from the moment that it is prepared, until `allow()`.
class failing_watcher {
public:
    explicit failing_watcher(std::vector<std::string> arguments)
        : program_(std::move(arguments), [&] { calls_.hand_over(); })
        , follower_([this, program = program_.pid()] {
            calls_.follow(program, [&](seccomp_notif const& call) {
                if (call.data.nr == SYS_openat &&
                    followed_calls::text_of(call, 1) == "/proc/self/oom_score_adj")
                    refuses_ = true;
                return call.data.nr == SYS_getdents64 && refuses_ ? ENOMEM : 0;
            });
        }) {}
    failing_watcher(failing_watcher const&) = delete;
    failing_watcher& operator=(failing_watcher const&) = delete;
    ~failing_watcher() {
        if (program_.pid() > 0) program_.end(SIGKILL);
        follower_.join();
    }

    void allow() { refuses_ = false; }
    watcher& program() { return program_; }

private:
    followed_calls calls_{{SYS_openat, SYS_getdents64}};
    std::atomic<bool> refuses_ = false;
    watcher program_;
    std::thread follower_;
};

} // namespace

TEST_CASE("whichever call of a look fails, no capture is lost, and none is of nothing",
          "[.capture]") {
    auto const error = GENERATE(ENOMEM, ENFILE);
    bool const all_later = GENERATE(false, true);
    unsigned hits = 0;
    for (unsigned at = 1;; ++at) {
        failing_look const done("/lab/bin/lowmem_capture", "/tmp/ring", {at, all_later, error},
                                enter_small_system);
        if (done.calls < at) break;
        ++hits;
        INFO("call " << at << ": " << std::strerror(error) << "\n" << done.said);
        CHECK(done.fault() == "");
        if (!all_later) CHECK(done.captured());
        if (!done.captured()) continue;
        auto const snapshot = json::parse(read_text(done.written))["snapshot"];
        bool const whole = snapshot["totals"]["size_bytes"] == 3 * page;
        CHECK((whole || !snapshot["coverage"]["first_failure"].is_null()));
    }
    CHECK(hits > 15);
}

TEST_CASE("a look that fails begins no cooldown, and --once ends with it", "[.capture]") {
    auto const directory = fresh("captures");
    squeezed_cgroup const squeezed;
    {
        failing_watcher watcher(eager(directory, {"--cooldown", "1000"}));
        REQUIRE(watcher.program().says("failed-0000000001-"));
        REQUIRE(watcher.program().says("failed-0000000002-"));
        auto const names = files_in(directory);
        CHECK(std::count_if(names.begin(), names.end(),
                            [](auto const& name) { return name.starts_with("failed-"); }) == 1);
        watcher.allow();
        REQUIRE(watcher.program().says("file after"));
        CHECK(watcher.program().end() == 0);
        auto const captures = captures_in(directory); // "failed-…" sorts before "lowmem-…"
        REQUIRE(captures.size() == 2);
        CHECK(captures[0]["snapshot"].is_null());
        CHECK(captures[0]["to_snapshot_ns"].is_null());
        CHECK(captures[0]["failure"]["errno"] == ENOMEM);
        CHECK(captures[1]["failure"].is_null());
        CHECK(captures[1]["captures_failed"] >= 2);
    }
    fresh("captures");
    failing_watcher watcher(eager(directory, {"--once"}));
    CHECK(watcher.program().wait() == 1);
    auto const names = files_in(directory);
    REQUIRE(names.size() == 1);
    CHECK(names[0].starts_with("failed-0000000001-"));
}

TEST_CASE("a directory that vanishes is made again", "[.capture]") {
    auto const directory = fresh("captures");
    squeezed_cgroup const squeezed;
    watcher watcher(eager(directory, {"--cooldown", "0"}));
    REQUIRE(watcher.says("file after"));
    // Moved away with a capture in it: the path decides.
    REQUIRE(::rename(directory.c_str(), "/tmp/moved") == 0);
    REQUIRE(watcher.says("is not there any more"));
    REQUIRE(eventually([&] { return !files_in(directory).empty(); }));
    CHECK(watcher.end() == 0);
    CHECK_FALSE(captures_in(directory).empty());
    fresh("moved");

    // In its place something that is no directory: said at every event, and the program goes on.
    fresh("captures");
    class watcher second(eager(directory, {"--cooldown", "0"}));
    REQUIRE(second.says("file after"));
    REQUIRE(::rename(directory.c_str(), "/tmp/moved") == 0);
    std::ofstream(directory) << "in the way";
    REQUIRE(second.says_anew("tries again"));
    ::unlink(directory.c_str());
    REQUIRE(eventually([&] { return !files_in(directory).empty(); }));
    CHECK(second.end() == 0);
    fresh("moved");
}

TEST_CASE("a cgroup that is removed ends the program, and one that never was is named",
          "[.capture]") {
    auto const directory = fresh("captures");
    squeezed_cgroup squeezed;
    watcher watcher(eager(directory));
    REQUIRE(watcher.says("armed"));
    squeezed.remove();
    CHECK(watcher.wait() == 1);
    CHECK(watcher.text().find("is gone: was its cgroup removed?") != std::string::npos);

    class watcher second(eager(directory));
    CHECK(second.wait() == 1);
    CHECK(second.text().find(std::string("there is no cgroup ") + squeezed_cgroup::path) !=
          std::string::npos);
}

TEST_CASE("--once ends after one capture", "[.capture]") {
    auto const directory = fresh("captures");
    squeezed_cgroup const squeezed;
    watcher watcher(eager(directory, {"--once", "--no-mappings"}));
    CHECK(watcher.wait() == 0);
    auto const captures = captures_in(directory);
    REQUIRE(captures.size() == 1);
    CHECK(captures[0]["snapshot"]["coverage"]["mappings_read"] == false);
}

TEST_CASE("its memory is locked, it runs first, and it is the last to be killed", "[.capture]") {
    watcher watcher({"-d", fresh("captures")});
    REQUIRE(watcher.says("armed"));
    auto const process = "/proc/" + std::to_string(watcher.pid());
    CHECK(read_text(process + "/oom_score_adj") == "-1000\n");
    CHECK(locked_kib(watcher.pid()) >= 4096); // room for 8192 buffers alone is more
    CHECK(kib_of(watcher.pid(), "VmStk:") >= 256);
    CHECK(::sched_getscheduler(watcher.pid()) == (SCHED_FIFO | SCHED_RESET_ON_FORK));
    CHECK(watcher.end() == 0);

    class watcher ordinary({"-d", fresh("captures"), "--no-realtime", "--oom-score-adj", "-500"});
    REQUIRE(ordinary.says("armed"));
    CHECK(::sched_getscheduler(ordinary.pid()) == SCHED_OTHER);
    CHECK(read_text("/proc/" + std::to_string(ordinary.pid()) + "/oom_score_adj") == "-500\n");
}

TEST_CASE("the trigger is the one that was asked for, and a window of none is refused",
          "[.capture]") {
    watcher watcher(
        {"-d", fresh("captures"), "--level", "full", "--stall", "200", "--window", "2000"});
    CHECK(watcher.says("armed \"full 200000 2000000\" on /proc/pressure/memory"));
    CHECK(watcher.end() == 0);
    class watcher usual({"-d", fresh("captures")});
    CHECK(usual.says("armed \"some 70000 1000000\" on /proc/pressure/memory"));
    CHECK(usual.end() == 0);

    for (std::vector<std::string> const& wrong :
         {std::vector<std::string>{},
          {"-d", "/tmp/x", "--stall", "2000"},
          {"-d", "/tmp/x", "--window", "100"},
          {"-d", "/tmp/x", "--keep", "0"},
          {"-d", "/tmp/x", "--test", "--cgroup", "/sys/fs/cgroup"},
          {"-d", "/tmp/x", "--source", "guess"}}) {
        class watcher refused(wrong);
        CHECK(refused.wait() == 2);
        CHECK(refused.text().find("lowmem_capture: ") == 0);
        CHECK(files_in("/tmp/x").empty());
    }
}

TEST_CASE("a source that does not serve is not replaced, and what it takes is said", "[.capture]") {
    auto const directory = fresh("captures");
    watcher pinned({"--test", "-d", directory, "--source", "bpf_iterator"});
    CHECK(pinned.wait() == 1);
    CHECK(pinned.text().find("dmabuf_pin pins") != std::string::npos);
    if (!has_list()) {
        class watcher list({"--test", "-d", directory, "--source", "dmabuf_fds"});
        CHECK(list.wait() == 1);
        CHECK(list.text().find("a patched kernel has it") != std::string::npos);
    }
    CHECK(files_in(directory).empty());
}

TEST_CASE("the source that was asked for serves, though there is a better one", "[.capture]") {
    pins const pinned;
    auto const directory = fresh("captures");
    for (std::string const source : {"bpf_iterator", "fd_walk"}) {
        watcher watcher({"--test", "-d", directory, "--source", source});
        CHECK(watcher.wait() == 0);
        CHECK(captures_in(directory).back()["snapshot"]["coverage"]["found_by"] == source);
    }
}

TEST_CASE("a user without rights is told what is missing", "[.capture]") {
    set_oom_score_adj(0); // it must not inherit what it is to ask for
    auto const run = [](std::string const& words) {
        auto const command = "su lab -c 'lowmem_capture " + words + "' 2> /tmp/said";
        return std::system(command.c_str());
    };
    // A window that only the privileged may have.
    CHECK(WEXITSTATUS(run("-d /tmp/user")) == 1);
    CHECK(read_text("/tmp/said").find("multiple of 2000 ms") != std::string::npos);
    CHECK(WEXITSTATUS(run("-d /tmp/user --test")) == 0);
    auto const said = read_text("/tmp/said");
    CHECK(said.find("cannot set oom_score_adj to -1000") != std::string::npos);
    CHECK(said.find("cannot lock memory") != std::string::npos);
    CHECK(said.find("cannot be realtime") != std::string::npos);
    CHECK(said.find("processes may not be read") != std::string::npos);
    // A directory that it may not write to.
    CHECK(WEXITSTATUS(run("-d /sys/user --test")) == 1);
    CHECK(read_text("/tmp/said").find("cannot make the directory") != std::string::npos);
}

TEST_CASE("a kernel that does not measure pressure is named as such", "[.no-psi]") {
    REQUIRE(::access("/proc/pressure/memory", F_OK) != 0); // or this run proves nothing
    auto const directory = fresh("captures");
    watcher watcher({"-d", directory});
    CHECK(watcher.wait() == 3);
    for (auto const* words : {"/proc/pressure/memory", "CONFIG_PSI", "psi=1"})
        CHECK(watcher.text().find(words) != std::string::npos);
    CHECK(files_in(directory).empty());

    ::mkdir("/sys/fs/cgroup/some", 0755);
    class watcher of_cgroup({"-d", directory, "--cgroup", "/sys/fs/cgroup/some"});
    CHECK(of_cgroup.wait() == 3);
    CHECK(of_cgroup.text().find("/sys/fs/cgroup/some/memory.pressure") != std::string::npos);

    // A test, which needs no pressure, works.
    class watcher test({"-d", directory, "--test"});
    CHECK(test.wait() == 0);
    CHECK(captures_in(directory).size() == 1);
}

/// Processes with 320 buffers, 20 of them shared by all.
class phone {
public:
    phone() {
        for (int i = 0; i < 20; ++i)
            shared_.push_back(lab::alloc_heap(4 * page));
        for (int i = 0; i < 50; ++i)
            processes_.emplace_back([](lab::ready& done) {
                for (int k = 0; k < 60; ++k)
                    lab::check(::open("/dev/null", O_RDONLY), "open");
                for (int k = 0; k < 6; ++k)
                    keep(lab::alloc_heap(4 * page));
                done();
            });
        for (auto& one : processes_)
            one.wait_ready();
    }

    static constexpr std::size_t buffers = 320;

private:
    std::vector<lab::descriptor> shared_;
    std::vector<lab::child> processes_;
};

/// From the events to the ends of the snapshots, the shortest first.
std::vector<milliseconds> times_of(std::vector<std::string> options) {
    constexpr std::size_t wanted = 6;
    auto const directory = fresh("captures");
    options.insert(options.end(), {"-d", directory, "--cooldown", "0", "--keep", "100"});
    watcher watcher(options);
    REQUIRE(watcher.says("lowmem-000000000" + std::to_string(wanted)));
    CHECK(watcher.end() == 0);
    std::vector<milliseconds> times;
    for (auto const& capture : captures_in(directory)) {
        times.push_back(std::chrono::nanoseconds(capture["to_snapshot_ns"]));
        CHECK(capture["snapshot"]["totals"]["buffers"] == phone::buffers);
        CHECK(capture["allocations"] == 0);
        CHECK(capture["major_faults"] == 0);
    }
    times.resize(wanted); // one more may have been made
    std::sort(times.begin(), times.end());
    return times;
}

void print_row(std::string const& source, std::string const& option, char const* memory,
               std::vector<std::string> options) {
    options.insert(options.end(), {"--source", source, "--stall", "1", "--window", "500"});
    if (!option.empty()) options.push_back(option);
    auto const times = times_of(options);
    std::printf("| %s | %s | %s | %.1f | %.1f |\n", source.c_str(), option.c_str(), memory,
                times[times.size() / 2].count(), times.back().count());
}

TEST_CASE("how long it takes from the event to the snapshot, by each source", "[.moment]") {
    set_oom_score_adj(-1000);
    phone const held;
    std::puts("| source | option | memory | median ms | worst ms |\n|---|---|---|--:|--:|");
    for (std::string const source : sources_here()) {
        auto const pinned = pins_for(source);
        auto const options = {"", "--names", "--no-realtime"};
        {
            squeezed_cgroup const squeezed; // is alone short of memory, and causes the events
            for (auto const* option : options)
                print_row(source, option, "enough", {"--cgroup", squeezed_cgroup::path});
        }
        full_memory const full(64 << 20, -(24 << 20));
        for (auto const* option : options)
            print_row(source, option, "short", {});
    }
}

TEST_CASE("how fast a leak may be and is still captured", "[.leaks]") {
    set_oom_score_adj(-1000);
    std::puts(
        "| MiB a second | captures | event to first snapshot, ms | killed so many ms later |\n"
        "|--:|--:|--:|--:|");
    for (auto const pause : {40ms, 20ms, 10ms, 4ms, 2ms, 0ms}) {
        leak_watched const seen({}, pause);
        auto const begin_ns = seen.book.first().ns;
        auto const seconds = between(begin_ns, seen.book.last().ns).count() / 1000;
        std::printf("| %.0f | %zu |", double(seen.book.last().bytes >> 20) / seconds,
                    seen.while_it_took_more.size());
        if (seen.while_it_took_more.empty()) {
            std::puts(" | |");
            continue;
        }
        auto const& first = seen.while_it_took_more.front();
        CHECK(find_process(first, seen.culprit));
        auto const end_ns = leak_watched::time_of(first).second;
        std::printf(" %.1f | %.0f |\n", between(first["event_ns"], end_ns).count(),
                    between(end_ns, seen.death_ns).count());
    }
}
