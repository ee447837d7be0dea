// SPDX-License-Identifier: MIT
//
// Callers with less than all rights: the buffers that they see, and the coverage that tells their
// gaps.
#include "scene.hpp"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>

using namespace scene;

namespace {

/// Keeps only the capabilities of `mask`, also across the change to `uid`.
void become_with(uid_t uid, std::uint64_t mask) {
    lab::check(::prctl(PR_SET_KEEPCAPS, 1), "PR_SET_KEEPCAPS");
    become(uid);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    data[0].effective = data[0].permitted = static_cast<std::uint32_t>(mask);
    data[1].effective = data[1].permitted = static_cast<std::uint32_t>(mask >> 32U);
    lab::check(::syscall(SYS_capset, &header, data), "capset");
}

constexpr std::uint64_t bit(int capability) {
    return std::uint64_t{1} << static_cast<unsigned>(capability);
}

/// A process of `uid` that a process of the same user may look at.
actor owned_by(uid_t uid, std::uint64_t pages) {
    return actor([=] {
        auto const inode = keep(lab::alloc_heap(pages * page));
        if (uid != 0) become(uid);
        lab::check(::prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
        return std::vector{inode};
    });
}

/// One process in a sample, and the coverage of the sample.
struct view {
    bool sampled = false;
    dmabuf::failure why;
    bool found = false;
    std::uint64_t rss_bytes = 0;
    std::uint32_t uid = 0;
    std::uint32_t descriptors = 0;
    std::uint32_t path_descriptors = 0;
    std::size_t holders = 0;
    dmabuf::coverage coverage;
};

view look_for(pid_t pid, dmabuf::sample_options options = {}) {
    view seen;
    dmabuf::sampler sampler(options);
    dmabuf::snapshot now;
    auto const done = sampler.sample(now);
    seen.sampled = done.has_value();
    seen.why = done.error();
    seen.coverage = now.coverage;
    seen.holders = now.holders.size();
    if (auto const* holder = find_holder(now, pid)) {
        seen.found = true;
        seen.rss_bytes = holder->rss_bytes;
        seen.uid = holder->uid;
        for (auto const& reference : now.references_of(*holder)) {
            seen.descriptors += reference.descriptors;
            seen.path_descriptors += reference.path_descriptors;
        }
    }
    return seen;
}

void mount_proc(char const* options) {
    lab::check(::unshare(CLONE_NEWNS), "unshare");
    lab::check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount");
    lab::check(::mount("proc", "/proc", "proc", 0, options), "mount proc");
}

void refuse_kcmp(int error) {
    sock_filter const code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kcmp, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog const program{std::size(code), const_cast<sock_filter*>(code)};
    lab::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
    lab::check(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "PR_SET_SECCOMP");
}

} // namespace

TEST_CASE("root sees everything") {
    auto const one = owned_by(1000, 3);
    auto const seen = look_for(one.pid());
    CHECK(seen.rss_bytes == 3 * page);
    CHECK(seen.uid == 1000);
    CHECK(seen.coverage.proc_shows == dmabuf::visibility::everything);
    CHECK(seen.coverage.processes_denied == 0);
    CHECK(seen.coverage.complete());
    auto const& c = seen.coverage;
    CHECK(c.processes == c.processes_seen + c.processes_denied + c.processes_gone +
                             c.processes_failed + c.kernel_threads);
}

TEST_CASE("an ordinary user sees its own processes, and how many it does not see") {
    auto const own = owned_by(1000, 3);
    auto const others = owned_by(0, 5);
    auto const seen = elsewhere<view>([&] { return become(1000), look_for(own.pid()); });
    CHECK(seen.rss_bytes == 3 * page);
    CHECK(seen.holders == 1);
    CHECK(seen.coverage.processes_denied >= 2); // init, and the other one
    CHECK(seen.coverage.kernel_threads > 10);   // which are not among the denied
    CHECK(seen.coverage.proc_shows == dmabuf::visibility::everything);
    CHECK_FALSE(seen.coverage.complete());
    CHECK(seen.coverage.first_failure.error == 0);

    auto const unseen = elsewhere<view>([&] { return become(1000), look_for(others.pid()); });
    CHECK_FALSE(unseen.found);
}

TEST_CASE("a process that forbade it is denied, also to its own user") {
    actor const shy([] {
        auto const inode = keep(lab::alloc_heap(page));
        become(1000);
        lab::check(::prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
        return std::vector{inode};
    });
    auto const seen = elsewhere<view>([&] { return become(1000), look_for(shy.pid()); });
    CHECK_FALSE(seen.found);
    CHECK_FALSE(seen.coverage.complete());
}

TEST_CASE("with CAP_SYS_PTRACE alone, fdinfo tells what fd does not") {
    actor const one([] {
        auto buffer = lab::alloc_heap(3 * page);
        lab::check(::open(("/proc/self/fd/" + std::to_string(buffer.get())).c_str(), O_PATH),
                   "open O_PATH");
        lab::check(::dup(buffer.get()), "dup");
        lab::check(::open("/", O_PATH), "open O_PATH");
        auto const alone = lab::alloc_heap(5 * page); // held by O_PATH only
        lab::check(::open(("/proc/self/fd/" + std::to_string(alone.get())).c_str(), O_PATH),
                   "open O_PATH");
        return std::vector{keep(std::move(buffer))};
    });
    auto const seen = elsewhere<view>(
        [&] { return become_with(1001, bit(CAP_SYS_PTRACE)), look_for(one.pid()); });
    if (kernel_is_before(5, 14)) { // fdinfo is the owner's alone
        CHECK_FALSE(seen.found);
        CHECK(seen.coverage.processes_denied >= 2);
        return;
    }
    CHECK(seen.found);
    CHECK(seen.descriptors == 4);
    CHECK(seen.path_descriptors == (has_list() ? 0 : 2));
    // fdinfo of the O_PATH one alone has no size, but sysfs has.
    CHECK(seen.rss_bytes == (has_sysfs() ? 8 : 3) * page);
    CHECK(seen.coverage.buffers_unsized == (has_sysfs() ? 0 : 1));
    CHECK(seen.coverage.processes_denied == 0);
    CHECK(seen.coverage.undecided == 0);
}

TEST_CASE("with CAP_DAC_READ_SEARCH alone, descriptors can be listed but not followed") {
    auto const one = owned_by(0, 1);
    auto const seen = elsewhere<view>(
        [&] { return become_with(1001, bit(CAP_DAC_READ_SEARCH)), look_for(one.pid()); });
    CHECK_FALSE(seen.found);
    CHECK(seen.coverage.processes_denied >= 2);
    CHECK_FALSE(seen.coverage.complete());
}

TEST_CASE("hidepid: what is hidden is said to be") {
    auto const own = owned_by(1000, 3);
    auto const other = owned_by(0, 1);
    struct {
        char const* option;
        dmabuf::visibility proc_shows;
    } const cases[] = {
        {"hidepid=1", dmabuf::visibility::everything},
        {"hidepid=2", dmabuf::visibility::hidden},
        {"hidepid=invisible", dmabuf::visibility::hidden},
        {"hidepid=ptraceable", dmabuf::visibility::hidden},
    };
    for (auto const& [option, sight] : cases) {
        CAPTURE(option);
        auto const seen = elsewhere<view>([&] {
            mount_proc(option);
            become(1000);
            return look_for(own.pid());
        });
        CHECK(seen.rss_bytes == 3 * page);
        CHECK(seen.coverage.proc_shows == sight);
        CHECK_FALSE(seen.coverage.complete());
        if (sight == dmabuf::visibility::everything) CHECK(seen.coverage.processes_denied > 2);
    }
    // Nothing is hidden from root.
    auto const root =
        elsewhere<view>([&] { return mount_proc("hidepid=2"), look_for(other.pid()); });
    CHECK(root.found);
    CHECK(root.coverage.complete());
}

TEST_CASE("a /proc that holds only processes serves") {
    auto const own = owned_by(0, 3);
    auto const seen =
        elsewhere<view>([&] { return mount_proc("subset=pid"), look_for(own.pid()); });
    CHECK(seen.rss_bytes == 3 * page);
    CHECK(seen.coverage.complete());
}

TEST_CASE("in a pid namespace the view is a part, and says so") {
    auto const outside = owned_by(0, 3);
    auto const with_own_proc = elsewhere<view>([&] {
        return lab::check(::unshare(CLONE_NEWPID), "unshare"), elsewhere<view>([&] {
                   mount_proc("");
                   keep(lab::alloc_heap(page));
                   return look_for(1);
               });
    });
    CHECK(with_own_proc.found);
    CHECK(with_own_proc.holders == 1);
    CHECK(with_own_proc.coverage.proc_shows == dmabuf::visibility::pid_namespace);
    CHECK_FALSE(with_own_proc.coverage.complete());

    // With the outer /proc, whose numbers kcmp would take for other processes'.
    actor const threads([] {
        auto const inode = keep(lab::alloc_heap(page));
        std::thread([] {
            for (;;)
                ::pause();
        }).detach();
        return std::vector{inode};
    });
    auto const with_outer_proc = elsewhere<view>([&] {
        return lab::check(::unshare(CLONE_NEWPID), "unshare"),
               elsewhere<view>([&] { return look_for(threads.pid()); });
    });
    CHECK(with_outer_proc.rss_bytes == page);
    CHECK(with_outer_proc.coverage.proc_shows == dmabuf::visibility::everything);
    CHECK(with_outer_proc.coverage.complete());
    // An upper bound, and said to be; where the kernel lists each table once, it is exact.
    CHECK(with_outer_proc.descriptors == (has_list() ? 1 : 2));
    CHECK((with_outer_proc.coverage.tables_uncertain == 0) == has_list());
}

namespace {

/// Runs `look` as the first process of a pid namespace of its own.
template<class Answer, class Look>
Answer in_pid_namespace(Look look) {
    return elsewhere<Answer>([&] {
        lab::check(::unshare(CLONE_NEWPID), "unshare");
        return elsewhere<Answer>(look);
    });
}

/// The caller gets mounts of its own, with its /proc and /sys below /tmp/host too, or with options
/// another procfs of its pid namespace.
void bind_host(char const* proc_options = nullptr) {
    lab::check(::unshare(CLONE_NEWNS), "unshare");
    lab::check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount");
    lab::check(std::system("mkdir -p /tmp/host/proc /tmp/host/sys"), "mkdir");
    lab::check(::mount("/sys", "/tmp/host/sys", nullptr, MS_BIND | MS_REC, nullptr), "bind /sys");
    if (proc_options)
        lab::check(::mount("proc", "/tmp/host/proc", "proc", 0, proc_options), "mount proc");
    else
        lab::check(::mount("/proc", "/tmp/host/proc", nullptr, MS_BIND | MS_REC, nullptr),
                   "bind /proc");
}

void hide_usual_places() {
    for (char const* const place : {"/proc", "/sys"})
        lab::check(::mount("none", place, "tmpfs", 0, nullptr), "mount tmpfs");
}

dmabuf::sample_options below_host() {
    return {.unheld = true, .bufinfo = true, .proc = "/tmp/host/proc", .sys = "/tmp/host/sys"};
}

actor two_threads() {
    return actor([] {
        auto const inode = keep(lab::alloc_heap(2 * page));
        std::thread([] {
            for (;;)
                ::pause();
        }).detach();
        return std::vector{inode};
    });
}

} // namespace

TEST_CASE("the host's procfs shows all, wherever it is mounted", "[roots]") {
    auto const threads = two_threads();
    auto const seen = elsewhere<view>([&] {
        bind_host();
        hide_usual_places();
        return look_for(threads.pid(), below_host());
    });
    CHECK(seen.rss_bytes == 2 * page);
    CHECK(seen.descriptors == 1); // kcmp's numbers are those of this procfs
    CHECK(seen.coverage.tables_uncertain == 0);
    CHECK(seen.coverage.proc_shows == dmabuf::visibility::everything);
    CHECK(seen.coverage.complete());
    CHECK(seen.coverage.listed_by ==
          (has_sysfs() ? dmabuf::listing::sysfs : dmabuf::listing::bufinfo));
}

TEST_CASE("the host's procfs shows all to a container, and the container's own a part", "[roots]") {
    auto const threads = two_threads();
    struct told {
        view of_host, of_own, to_user;
    };
    auto const answer = in_pid_namespace<told>([&] {
        bind_host();
        mount_proc("");
        keep(lab::alloc_heap(page));
        told found;
        found.of_host = look_for(threads.pid(), below_host());
        found.of_own = look_for(1);
        found.to_user =
            elsewhere<view>([&] { return become(1000), look_for(threads.pid(), below_host()); });
        return found;
    });
    auto const& host = answer.of_host;
    CHECK(host.rss_bytes == 2 * page);
    CHECK(host.coverage.proc_shows == dmabuf::visibility::everything);
    CHECK(host.coverage.complete());
    CHECK(host.coverage.listed_by != dmabuf::listing::none);
    // An upper bound, and said to be: the caller's numbers are others.
    CHECK(host.descriptors == (has_list() ? 1 : 2));
    CHECK((host.coverage.tables_uncertain == 0) == has_list());
    auto const& own = answer.of_own;
    CHECK(own.found);
    CHECK(own.holders == 1);
    CHECK(own.coverage.proc_shows == dmabuf::visibility::pid_namespace);
    CHECK_FALSE(own.coverage.complete());
    auto const& user = answer.to_user;
    CHECK_FALSE(user.found);
    CHECK(user.coverage.proc_shows == dmabuf::visibility::everything);
    CHECK(user.coverage.processes_denied >= 2);
    CHECK_FALSE(user.coverage.complete());
}

TEST_CASE("what hidepid hides in the host's procfs is said to be hidden in a container",
          "[roots]") {
    auto const own = owned_by(1000, 3);
    auto const look = [&](uid_t uid) {
        return elsewhere<view>([&] {
            bind_host("hidepid=2");
            return in_pid_namespace<view>([&] {
                mount_proc("");
                if (uid != 0) become(uid);
                return look_for(own.pid(), below_host());
            });
        });
    };
    auto const user = look(1000);
    CHECK(user.rss_bytes == 3 * page);
    CHECK(user.coverage.proc_shows == dmabuf::visibility::hidden);
    CHECK_FALSE(user.coverage.complete());
    auto const root = look(0);
    CHECK(root.rss_bytes == 3 * page);
    CHECK(root.coverage.proc_shows == dmabuf::visibility::everything);
    CHECK(root.coverage.complete());
}

TEST_CASE("dmabuf_ps says in a container whether it sees all of the host", "[roots]") {
    auto const threads = two_threads();
    bool const ran = in_pid_namespace<bool>([&] {
        bind_host();
        mount_proc("");
        auto const host = " --proc /tmp/host/proc --sys /tmp/host/sys";
        auto const run = [&](std::string const& command) {
            return std::system((command + " 2>&1").c_str()) == 0;
        };
        return run("dmabuf_ps > /tmp/of_own") &&
               run(std::string("dmabuf_ps --buffers") + host + " > /tmp/of_host") &&
               run(std::string("dmabuf_ps --record /tmp/recorded") + host + " > /tmp/seen") &&
               run(std::string("lowmem_capture --test --directory /tmp/captures") + host +
                   " > /tmp/captured");
    });
    CHECK(ran);
    auto const read = [](char const* path) {
        std::ifstream file(path);
        return std::string{std::istreambuf_iterator<char>(file), {}};
    };
    auto const own = read("/tmp/of_own");
    auto const host = read("/tmp/of_host");
    CAPTURE(own, host, read("/tmp/captured"));
    CHECK(own.find("/proc is that of one pid namespace (a container's?)") != own.npos);
    CHECK(own.find("all seen") == own.npos);
    CHECK(host.find(", all seen.\n") != host.npos);
    CHECK(host.find("pid namespace") == host.npos);
    CHECK(host.find(std::to_string(threads.inode())) != host.npos);
    CHECK(output_of("dmabuf_ps --replay /tmp/recorded") == read("/tmp/seen"));
    CHECK(output_of("cat /tmp/captures/*").find("\"proc_shows\": \"everything\"") !=
          std::string::npos);
    CHECK(std::system("rm -r /tmp/of_* /tmp/recorded /tmp/seen /tmp/captured /tmp/captures") == 0);
}

namespace {

/// Starts the first process of a pid namespace: 1 there, another number here. Two threads of it
/// share a table that has a buffer of three pages. It dies with the caller.
pid_t start_other_init() {
    lab::check(::unshare(CLONE_NEWPID), "unshare");
    int ends[2];
    lab::check(::pipe2(ends, O_CLOEXEC), "pipe2");
    pid_t const pid = lab::check(::fork(), "fork");
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        keep(lab::alloc_heap(3 * page));
        std::thread([] {
            for (;;)
                ::pause();
        }).detach();
        lab::check(::write(ends[1], "", 1), "write");
        for (;;)
            ::pause();
    }
    ::close(ends[1]);
    char byte = 0;
    lab::check(::read(ends[0], &byte, 1), "read");
    return pid;
}

} // namespace

TEST_CASE("a /proc that shows another pid namespace is a part, and kcmp is not asked its numbers") {
    struct told {
        bool mounted = false;
        bool has_self = true;
        view seen;
    };
    auto const answer = elsewhere<told>([] {
        auto const option = "pidns=/proc/" + std::to_string(start_other_init()) + "/ns/pid";
        lab::check(::unshare(CLONE_NEWNS), "unshare");
        lab::check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount");
        if (::mount("proc", "/proc", "proc", 0, option.c_str()) < 0) return told{};
        return told{true, ::access("/proc/self", F_OK) == 0, look_for(1)};
    });
    if (!answer.mounted) return skip("/proc of another pid namespace: no option pidns=");
    CHECK_FALSE(answer.has_self); // the caller is not in there
    auto const& seen = answer.seen;
    CHECK(seen.sampled);
    CHECK(seen.holders == 1);
    CHECK(seen.rss_bytes == 3 * page);
    // An upper bound, and said to be; where the kernel lists each table once, it is exact.
    CHECK(seen.descriptors == (has_list() ? 1 : 2));
    CHECK((seen.coverage.tables_uncertain == 0) == has_list());
    CHECK(seen.coverage.proc_shows != dmabuf::visibility::everything);
    CHECK_FALSE(seen.coverage.complete());
}

TEST_CASE("without kcmp, counts of descriptors are upper bounds, or the kernel's; sums are exact") {
    actor const threads([] {
        auto const inode = keep(lab::alloc_heap(2 * page));
        std::thread([] {
            for (;;)
                ::pause();
        }).detach();
        return std::vector{inode};
    });
    auto const exact = look_for(threads.pid());
    CHECK(exact.descriptors == 1);
    CHECK(exact.coverage.tables_uncertain == 0);
    for (int const error : {ENOSYS, EPERM}) {
        auto const seen =
            elsewhere<view>([&] { return refuse_kcmp(error), look_for(threads.pid()); });
        CHECK(seen.rss_bytes == 2 * page);
        CHECK(seen.descriptors == (has_list() ? 1 : 2));
        CHECK((seen.coverage.tables_uncertain == 0) == has_list());
        CHECK(seen.coverage.complete());
    }
}

TEST_CASE("in a user namespace, root is nobody special outside") {
    auto const other = owned_by(0, 1);
    auto const seen = elsewhere<view>([&] {
        become(1000);
        lab::check(::prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
        lab::check(::unshare(CLONE_NEWUSER), "unshare");
        return look_for(other.pid());
    });
    CHECK_FALSE(seen.found);
    CHECK(seen.coverage.processes_denied >= 2);
    CHECK_FALSE(seen.coverage.complete());
}

TEST_CASE("without /proc there is a failure that names it") {
    auto const seen = elsewhere<view>([] {
        lab::check(::unshare(CLONE_NEWNS), "unshare");
        lab::check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount");
        lab::check(::mount("none", "/proc", "tmpfs", 0, nullptr), "mount tmpfs");
        return look_for(1);
    });
    CHECK_FALSE(seen.sampled);
    CHECK(seen.why.error == ENODEV);
    CHECK(path_of(seen.why.where) == "/proc");
    CHECK_FALSE(seen.coverage.complete());
}

TEST_CASE("without /sys the account is whole, and what only a list tells is said to be missing") {
    auto const one = owned_by(0, 3);
    auto const seen = elsewhere<view>([&] {
        lab::check(::unshare(CLONE_NEWNS), "unshare");
        lab::check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount");
        lab::check(::mount("none", "/sys", "tmpfs", 0, nullptr), "mount tmpfs");
        return look_for(one.pid(), {.unheld = true, .bufinfo = true});
    });
    CHECK(seen.rss_bytes == 3 * page);
    CHECK(seen.coverage.complete());
    CHECK(seen.coverage.listed_by == dmabuf::listing::none);
    CHECK(seen.coverage.why_no_list.error == ENOENT);
    CHECK(path_of(seen.coverage.why_no_list.where) == "/sys/kernel/debug/dma_buf/bufinfo");
}

TEST_CASE("with three descriptors left, what could not be opened is named") {
    auto const one = owned_by(0, 3);
    auto const seen = elsewhere<view>([&] {
        int spare[3];
        for (int& fd : spare)
            fd = lab::check(::dup(0), "dup"); // the lowest numbers that are free
        rlimit const few{static_cast<rlim_t>(spare[2]) + 1, static_cast<rlim_t>(spare[2]) + 1};
        for (int const fd : spare)
            ::close(fd);
        lab::check(::setrlimit(RLIMIT_NOFILE, &few), "setrlimit");
        return look_for(one.pid());
    });
    REQUIRE(seen.sampled);
    CHECK_FALSE(seen.coverage.complete());
    auto const why = std::string(describe(seen.coverage.first_failure));
    CAPTURE(why);
    CHECK(seen.coverage.first_failure.error == EMFILE);
    CHECK(why.starts_with("cannot "));
    CHECK(why.find(" /proc/") != why.npos);
}

TEST_CASE("sixteen descriptors are enough") {
    auto const one = owned_by(0, 3);
    auto const seen = elsewhere<view>([&] {
        rlimit const few{16, 16};
        lab::check(::setrlimit(RLIMIT_NOFILE, &few), "setrlimit");
        return look_for(one.pid());
    });
    CHECK(seen.rss_bytes == 3 * page);
    CHECK(seen.coverage.complete());
}

namespace {

std::string text_of(char const* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The words of `dmabuf_ps --verbose` on the list of all buffers, for a user or for root.
std::string said_of_list(std::string const& to, std::string const& options = {}) {
    auto const command = "dmabuf_ps --verbose " + options + " > /tmp/said";
    REQUIRE(std::system(to == "root" ? command.c_str() : ("su lab -c '" + command + "'").c_str()) ==
            0);
    auto const text = text_of("/tmp/said");
    ::unlink("/tmp/said");
    auto const begin = text.find("List of all buffers: ");
    REQUIRE(begin != text.npos);
    return text.substr(begin, text.find('\n', begin) - begin);
}

bool says(std::string const& text, char const* words) {
    return text.find(words) != text.npos;
}

/// Whether this kernel could have been built with the tree in sysfs, where it was not.
bool may_have_sysfs() {
    return !kernel_is_before(5, 15) && kernel_is_before(7, 0);
}

} // namespace

TEST_CASE("dmabuf_ps names the ways to a list of all buffers that this kernel has, and they lead "
          "there") {
    if (has_sysfs()) return skip("ways to a list of all buffers: this kernel shows sysfs's to all");
    auto const user = said_of_list("lab");
    auto const root = said_of_list("root", "--no-debugfs");
    CAPTURE(user, root);
    CHECK(says(user, "run as root, who may read that of debugfs"));
    CHECK(says(root, "leave out --no-debugfs"));
    for (auto const& text : {user, root}) {
        CHECK_FALSE(says(text, "/sys/kernel/dmabuf"));
        CHECK(says(text, "dmabuf_pin") == has_buffer_iterator());
        CHECK(says(text, "CONFIG_DMABUF_SYSFS_STATS") ==
              (may_have_sysfs() && !has_buffer_iterator()));
    }
    CHECK(says(said_of_list("root"), "List of all buffers: bufinfo, without buffers that O_PATH "
                                     "descriptors alone hold."));
    if (!has_buffer_iterator()) return;
    REQUIRE(std::system("dmabuf_pin > /dev/null") == 0);
    CHECK(says(said_of_list("lab"), "let root pin the kernel's (dmabuf_pin --mode or --group)"));
    REQUIRE(std::system("dmabuf_pin --mode 0444 > /dev/null") == 0);
    CHECK(says(said_of_list("lab"), "List of all buffers: bpf_iterator"));
    REQUIRE(std::system("dmabuf_pin --unpin") == 0);
}

TEST_CASE("a source that was insisted on says what it takes, on kernels that can have it") {
    auto const insist = [](std::string const& program, std::string const& source) {
        auto const command = program + " --source " + source + " > /dev/null 2> /tmp/said";
        CHECK(std::system((command + "; test $? = 1").c_str()) == 0);
        return text_of("/tmp/said");
    };
    bool const pins = ::access("/sys/kernel/btf/vmlinux", F_OK) == 0 && !kernel_is_before(5, 11);
    for (std::string const program : {"dmabuf_ps", "lowmem_capture --directory /tmp --test"}) {
        auto const text = insist(program, "bpf_iterator");
        CAPTURE(text);
        CHECK(says(text, "(dmabuf_pin pins them)") == pins);
        CHECK(says(text, "takes Linux 5.11 with BTF") != pins);
        if (!has_list()) CHECK(says(insist(program, "dmabuf_fds"), "(a patched kernel has it)"));
    }
}

TEST_CASE("dmabuf_pin says where a kernel is too old for it, and not that it may be locked down") {
    if (!kernel_is_before(5, 11)) return skip("a kernel too old for dmabuf_pin: this one is not");
    CHECK(std::system("dmabuf_pin > /dev/null 2> /tmp/said; test $? = 1") == 0);
    auto const text = text_of("/tmp/said");
    CAPTURE(text);
    CHECK(says(text, "This kernel has no helper bpf_get_current_task_btf (Linux 5.11).\n"));
    CHECK_FALSE(says(text, "lockdown"));
}
