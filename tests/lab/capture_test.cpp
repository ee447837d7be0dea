// SPDX-License-Identifier: MIT
//
// lowmem_capture while memory is really short, and while everything around it goes wrong. Run with
// little memory (see CMakeLists.txt); a kernel without PSI has a run of its own.
#include "scene.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <dirent.h>
#include <fstream>
#include <iterator>
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

std::string read_text(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(std::string const& path, std::string const& text) {
    int const fd = lab::check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), path.c_str());
    lab::descriptor const file(fd);
    lab::check(::write(fd, text.data(), text.size()), path.c_str());
}

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
    explicit watcher(std::vector<std::string> arguments) {
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
        process_.emplace([this](lab::ready& done) {
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

std::uint64_t now_ns() {
    return dmabuf::live_system{}.clock_ns();
}

/// What a process that takes more and more held when, as it wrote down itself, in shared memory.
class ledger {
public:
    void note(std::uint64_t bytes) {
        auto const at = book_->count.load();
        book_->entries[at] = {now_ns(), bytes};
        book_->count = at + 1;
    }

    /// Not less than was held at that time.
    [[nodiscard]] std::uint64_t most_at(std::uint64_t ns) const {
        for (auto const& one : entries())
            if (one.ns > ns) return one.bytes;
        return entries().empty() ? 0 : entries().back().bytes + step;
    }
    /// Not more than was held at that time.
    [[nodiscard]] std::uint64_t least_at(std::uint64_t ns) const {
        std::uint64_t bytes = 0;
        for (auto const& one : entries())
            if (one.ns <= ns) bytes = one.bytes;
        return bytes;
    }
    [[nodiscard]] std::uint64_t last() const {
        return entries().empty() ? 0 : entries().back().bytes;
    }

    static constexpr std::uint64_t step = 512 << 10;

private:
    struct entry {
        std::uint64_t ns, bytes;
    };
    struct book {
        std::atomic<std::size_t> count;
        entry entries[8192];
    };

    [[nodiscard]] std::span<entry const> entries() const {
        return {book_->entries, book_->count.load()};
    }

    static book* make() {
        void* const memory = ::mmap(nullptr, sizeof(book), PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        lab::check(memory == MAP_FAILED ? -1 : 0, "mmap");
        return static_cast<book*>(memory);
    }

    book* book_ = make();
};

void set_oom_score_adj(int score) {
    write_text("/proc/self/oom_score_adj", std::to_string(score));
}

/// None where the kernel does not count them (CONFIG_VM_EVENT_COUNTERS).
std::optional<std::uint64_t> oom_kills() {
    auto const text = read_text("/proc/vmstat");
    auto const at = text.find("oom_kill ");
    if (at == std::string::npos) return std::nullopt;
    return std::stoull(text.substr(at + 9));
}

/// Takes buffers until it is killed. The kernel does not count DMA-BUFs when it chooses whom to
/// kill, and so it is told.
lab::child greedy(ledger& book) {
    return lab::child([&book](lab::ready& done) {
        set_oom_score_adj(1000);
        done.tell();
        lab::descriptor heap(lab::check(::open("/dev/dma_heap/system", O_RDWR), "heap"));
        for (std::uint64_t bytes = 0;;) {
            dma_heap_allocation_data request{};
            request.len = ledger::step;
            request.fd_flags = O_RDWR | O_CLOEXEC;
            if (::ioctl(heap.get(), DMA_HEAP_IOCTL_ALLOC, &request) == 0)
                book.note(bytes += ledger::step);
            std::this_thread::sleep_for(20ms);
        }
    });
}

/// Has memory that the kernel can take back, and uses it again: what caches do.
lab::child cache(std::size_t size) {
    return lab::child([size](lab::ready& done) {
        auto* const memory = static_cast<char*>(
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        for (bool first = true;; first = false) {
            for (std::size_t at = 0; at < size; at += page)
                memory[at] = 1;
            lab::check(::madvise(memory, size, MADV_FREE), "MADV_FREE");
            if (first) done.tell();
            std::this_thread::sleep_for(20ms);
        }
    });
}

} // namespace

TEST_CASE("who takes all memory is captured before it is killed for it", "[.culprit]") {
    set_oom_score_adj(-1000);
    auto const directory = fresh("captures");
    auto const source = GENERATE("fd_walk", "auto");
    watcher watcher({"-d", directory, "--stall", "20", "--window", "500", "--cooldown", "0",
                     "--keep", "1000", "--source", source});
    REQUIRE(watcher.says("armed"));
    auto const kills = oom_kills();
    auto caching = cache(48 << 20);
    caching.wait_ready();
    ledger book;
    auto culprit = greedy(book);
    culprit.wait_ready();
    int status = 0;
    REQUIRE(::waitpid(culprit.pid(), &status, 0) == culprit.pid());
    auto const death_ns = now_ns();
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    if (kills) CHECK(oom_kills() > kills);
    CHECK(watcher.end() == 0);
    INFO(watcher.text());
    INFO(read_text("/proc/pressure/memory") << "held at the end: " << book.last());

    auto const captures = captures_in(directory);
    REQUIRE_FALSE(captures.empty());
    std::size_t with_culprit = 0;
    for (auto const& capture : captures) {
        std::uint64_t const begin_ns = capture["snapshot"]["begin_ns"];
        auto const end_ns = begin_ns + capture["snapshot"]["elapsed_ns"].get<std::uint64_t>();
        auto const* const found = find_process(capture, culprit.pid());
        if (!found) continue;
        ++with_culprit;
        CAPTURE(capture["event_ns"].dump(), begin_ns, end_ns, death_ns);
        CHECK(end_ns < death_ns);
        CHECK((*found)["rss_bytes"] >= book.least_at(begin_ns));
        CHECK((*found)["rss_bytes"] <= book.most_at(end_ns));
        CHECK((*found)["pid"] == capture["snapshot"]["processes"][0]["pid"]);
        CHECK(capture["allocations"] == 0);
        CHECK(capture["major_faults"] == 0);
        CHECK(capture["to_snapshot_ns"] == end_ns - capture["event_ns"].get<std::uint64_t>());
        std::printf("%s, memory short: event to snapshot %.1f ms, killed %.1f ms later\n",
                    capture["snapshot"]["coverage"]["source"].get<std::string>().c_str(),
                    capture["to_snapshot_ns"].get<double>() / 1e6,
                    static_cast<double>(death_ns - end_ns) / 1e6);
    }
    CHECK(with_culprit >= 1);
}

TEST_CASE("a test capture tells what dmabuf_ps tells, and why it was made", "[.capture]") {
    auto const directory = fresh("captures");
    actor const one([] { return std::vector{keep(lab::alloc_heap(3 * page))}; });
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
    CHECK(snapshot["schema"] == "dmabuf_ps/1");
    CHECK(snapshot["coverage"]["complete"] == true);
    auto const* const found = find_process(capture, one.pid());
    REQUIRE(found);
    CHECK((*found)["rss_bytes"] == 3 * page);
    CHECK((*found)["references"][0]["inode"] == one.inode());

    // dmabuf_ps tells the same of the same process, field by field.
    REQUIRE(std::system("dmabuf_ps --json --no-debugfs > /tmp/ps.json") == 0);
    auto const ps = json::parse(read_text("/tmp/ps.json"));
    for (auto const& [field, value] : ps.items())
        CHECK(snapshot.contains(field));
    CHECK(snapshot.size() == ps.size());
    CHECK(snapshot["buffers"] == ps["buffers"]);
    auto processes = ps["processes"];
    for (auto& process : processes)
        for (auto& reference : process["references"])
            reference["path_descriptors"] = nullptr; // is not asked for
    CHECK(snapshot["processes"] == processes);
}

TEST_CASE("more buffers than there is room for are all captured, and that is said", "[.capture]") {
    auto const directory = fresh("captures");
    actor const one([] {
        std::vector<std::uint64_t> inodes;
        for (int i = 0; i < 300; ++i)
            inodes.push_back(keep(lab::alloc_heap(page)));
        return inodes;
    });
    // The first look is before memory is locked and events are waited for: buffers come after it.
    squeezed_cgroup const squeezed;
    watcher watcher(eager(directory, {"--buffers", "16", "--cooldown", "0"}));
    REQUIRE(watcher.says("file after"));
    auto const before = captures_in(directory).back();
    CHECK(before["allocations"] == 0); // the first look has made room
    actor const two([] {
        std::vector<std::uint64_t> inodes;
        for (int i = 0; i < 900; ++i)
            inodes.push_back(keep(lab::alloc_heap(page)));
        return inodes;
    });
    // Not the capture that was being made meanwhile, but the next one.
    for (int i = 0; i < 2; ++i)
        REQUIRE(watcher.says_anew("file after"));
    CHECK(watcher.end() == 0);
    CHECK(watcher.text().find("start it with more than --buffers") != std::string::npos);
    auto const last = captures_in(directory).back();
    auto const* const found = find_process(last, two.pid());
    REQUIRE(found);
    CHECK((*found)["references"].size() == 900);
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
    // At most one event a window of half a second; at least one in three seconds of squeeze.
    CHECK(captures[1]["events_skipped"] >= 1);
    CHECK(captures[1]["events_skipped"] <= 1 + (second_ns - first_ns) / 500'000'000);
    CHECK(captures[1]["pressure_file"] == std::string(squeezed_cgroup::path) + "/memory.pressure");
    CHECK(captures[1]["trigger"] == "some 1000 500000");
    CHECK(captures[1]["pressure"].get<std::string>().starts_with("some avg10="));
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
    watcher watcher(eager(directory, {"--cooldown", "0", "--keep", "2"}));
    REQUIRE(watcher.says("lowmem-0000000002-"));
    small_disk::fill();
    REQUIRE(watcher.says("No space left on device"));
    auto const left = files_in(directory);
    CHECK(std::count(left.begin(), left.end(), ".lowmem.part") <= 1); // one that is being written
    CHECK(left.size() >= 2);
    small_disk::make_room();
    REQUIRE(watcher.says_anew("file after"));
    CHECK(watcher.end() == 0);
    auto const captures = captures_in(directory);
    CHECK(captures.size() == 2);
    CHECK(std::any_of(captures.begin(), captures.end(),
                      [](json const& one) { return one["captures_failed"] >= 1; }));
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
    auto const status = read_text(process + "/status");
    auto const locked = std::stoul(status.substr(status.find("VmLck:") + 6));
    CHECK(locked >= 4096); // KiB: room for 8192 buffers alone is more
    CHECK(::sched_getscheduler(watcher.pid()) == (SCHED_FIFO | SCHED_RESET_ON_FORK));
    CHECK(watcher.end() == 0);

    class watcher ordinary({"-d", fresh("captures"), "--no-realtime", "--oom-score-adj", "-500"});
    REQUIRE(ordinary.says("armed"));
    CHECK(::sched_getscheduler(ordinary.pid()) == SCHED_OTHER);
    CHECK(read_text("/proc/" + std::to_string(ordinary.pid()) + "/oom_score_adj") == "-500\n");
    CHECK(ordinary.end() == 0);
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

    // What needs no pressure works.
    class watcher test({"-d", directory, "--test"});
    CHECK(test.wait() == 0);
    CHECK(captures_in(directory).size() == 1);
}

TEST_CASE("how long it takes from the event to the snapshot, by each source", "[.moment]") {
    std::vector<lab::child> processes;
    std::vector<lab::descriptor> shared;
    for (int i = 0; i < 20; ++i)
        shared.push_back(lab::alloc_heap(4 * page));
    for (int i = 0; i < 50; ++i)
        processes.emplace_back([](lab::ready& done) {
            for (int k = 0; k < 60; ++k)
                lab::check(::open("/dev/null", O_RDONLY), "open");
            for (int k = 0; k < 6; ++k)
                keep(lab::alloc_heap(4 * page));
            done();
        });
    for (auto& one : processes)
        one.wait_ready();
    squeezed_cgroup const squeezed;
    for (auto const* source : {"fd_walk", "dmabuf_fds"})
        for (std::string const left_out : {"--names", "", "--no-mappings"}) {
            auto const directory = fresh("captures");
            std::vector<std::string> more{"--cooldown", "0", "--source", source, "--keep", "100"};
            for (std::string_view rest = left_out; !rest.empty();)
                more.emplace_back(dmabuf::detail::take_until(rest, ' '));
            watcher watcher(eager(directory, more));
            if (!watcher.says("lowmem-0000000006-")) {
                std::printf("SKIPPED: %s: %s", source, watcher.text().c_str());
                break;
            }
            CHECK(watcher.end() == 0);
            std::vector<std::uint64_t> times;
            for (auto const& capture : captures_in(directory)) {
                times.push_back(capture["to_snapshot_ns"]);
                CHECK(capture["snapshot"]["totals"]["buffers"] == 320);
                CHECK(capture["allocations"] == 0);
            }
            std::sort(times.begin(), times.end());
            std::printf("%s %s: event to snapshot %.1f ms (median of %zu)\n", source,
                        left_out.c_str(), static_cast<double>(times[times.size() / 2]) / 1e6,
                        times.size());
        }
}
