// SPDX-License-Identifier: MIT
//
// The pinned BPF iterators on a real kernel: what they see that a walk over /proc does not, what
// neither sees, who is let in, and what happens where they do not serve.
#include "bpf_calls.hpp"
#include "pinned.hpp"
#include "scene.hpp"

#include <fstream>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>

using namespace scene;
using dmabuf::source;

namespace {

constexpr auto directory = "/sys/fs/bpf/dmabuf";

struct view {
    bool sampled = false;
    source found_by = source::none;
    int error = 0; ///< why the iterators did not serve
    bool complete = false;
    std::uint64_t rss_bytes = 0; ///< of the process asked for
    std::uint32_t descriptors = 0;
    std::uint32_t undescribed = 0;
    std::uint64_t start_ticks = 0;
    std::uint32_t uid = 0;
};

view look_for(pid_t pid, dmabuf::sample_options options = {}) {
    view seen;
    dmabuf::sampler sampler(options);
    dmabuf::snapshot now;
    seen.sampled = sampler.sample(now).has_value();
    seen.found_by = now.coverage.found_by;
    seen.error = now.coverage.why_no_bpf.error;
    seen.complete = now.coverage.complete();
    seen.undescribed = now.coverage.buffers_undescribed;
    if (auto const* holder = find_holder(now, pid)) {
        seen.rss_bytes = holder->rss_bytes;
        seen.start_ticks = holder->start_ticks;
        seen.uid = holder->uid;
        for (auto const& reference : now.references_of(*holder))
            seen.descriptors += reference.descriptors;
    }
    return seen;
}

actor holder_of_pages(std::uint64_t pages, std::string const& name = {}) {
    return actor([=] {
        auto fd = lab::alloc_heap(pages * page);
        if (!name.empty()) lab::set_name(fd.get(), name);
        return std::vector{keep(std::move(fd))};
    });
}

/// The files that dmabuf_pin makes here.
int pin_count() {
    return has_buffer_iterator() ? 5 : 4;
}

bool are_pinned_with(std::string const& mode) {
    return shell(
               "cd /sys/fs/bpf/dmabuf && test \"$(stat -c %a * | sort | uniq -c | tr -d ' ')\" = " +
               std::to_string(pin_count()) + mode) == 0;
}

void own_mounts() {
    lab::check(::unshare(CLONE_NEWNS), "unshare");
    lab::check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount");
}

} // namespace

TEST_CASE("bpf: pinned for all, an ordinary user sees every process, complete", "[.bpf]") {
    pins const pinned("--mode 0444");
    auto const one = holder_of_pages(3);
    auto const walked = look_for(one.pid(), {.bpf = false});
    auto const seen = elsewhere<view>([&] { return become(4711), look_for(one.pid()); });
    CHECK(seen.found_by == source::bpf_iterator);
    CHECK(seen.error == 0);
    CHECK(seen.complete);
    CHECK(seen.rss_bytes == 3 * page);
    CHECK(seen.descriptors == 1);
    CHECK(seen.undescribed == 0);
    CHECK(walked.found_by == source::fd_walk);
    CHECK(seen.start_ticks == walked.start_ticks);
    CHECK(seen.uid == walked.uid);
}

TEST_CASE("bpf: pinned for root, nobody else is let in, and /proc serves", "[.bpf]") {
    pins const pinned("");
    auto const one = holder_of_pages(3);
    CHECK(look_for(one.pid()).found_by == source::bpf_iterator);
    auto const seen = elsewhere<view>([&] { return become(4711), look_for(one.pid()); });
    CHECK(seen.sampled);
    CHECK(seen.found_by == source::fd_walk);
    CHECK(seen.error == EACCES);
    CHECK(seen.rss_bytes == 0);
    CHECK_FALSE(seen.complete);
}

TEST_CASE("bpf: pinned for a group, its members are let in", "[.bpf]") {
    pins const pinned("--group 4712");
    auto const one = holder_of_pages(3);
    auto const member = elsewhere<view>([&] {
        gid_t const group = 4712;
        lab::check(::setgroups(1, &group), "setgroups");
        lab::check(::setresgid(4711, 4711, 4711), "setresgid");
        lab::check(::setresuid(4711, 4711, 4711), "setresuid");
        return look_for(one.pid());
    });
    CHECK(member.found_by == source::bpf_iterator);
    CHECK(elsewhere<view>([&] { return become(4711), look_for(one.pid()); }).error == EACCES);
}

TEST_CASE("bpf: where bpffs lets nobody pass, the pins' mode is of no use, and --status says so",
          "[.bpf]") {
    own_mounts();
    lab::check(::mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700"), "mount"); // as systemd does
    {
        pins const pinned("--mode 0444");
        auto const one = holder_of_pages(3);
        CHECK(elsewhere<view>([&] { return become(4711), look_for(one.pid()); }).error == EACCES);
        CHECK(shell("dmabuf_pin --status | grep -q 'chmod 711 /sys/fs/bpf$'") == 0);
        CHECK(shell("chmod 711 /sys/fs/bpf") == 0);
        CHECK(shell("dmabuf_pin --status | grep -q 'chmod 711'") != 0);
        CHECK(elsewhere<view>([&] { return become(4711), look_for(one.pid()); }).error == 0);
    }
    lab::check(::umount("/sys/fs/bpf"), "umount");
}

TEST_CASE("bpf: unpinned, the same sampler goes on by /proc, and comes back", "[.bpf]") {
    auto const one = holder_of_pages(3);
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    auto const used = [&] {
        REQUIRE(sampler.sample(now));
        CHECK(holder_of(now, one.pid()).rss_bytes == 3 * page);
        return now.coverage.found_by;
    };
    CHECK(used() == source::fd_walk);
    CHECK(now.coverage.why_no_bpf.error == ENOENT);
    {
        pins const pinned("");
        CHECK(used() == source::bpf_iterator);
        // Pinning again, with other rights, leaves no gap and no second file.
        CHECK(shell("dmabuf_pin --mode 0440 > /dev/null") == 0);
        CHECK(shell("test $(ls /sys/fs/bpf/dmabuf | wc -l) = " + std::to_string(pin_count())) == 0);
        CHECK(used() == source::bpf_iterator);
    }
    CHECK(::access(directory, F_OK) != 0);
    CHECK(used() == source::fd_walk);
}

TEST_CASE("bpf: in another namespace the numbers are others', so /proc serves", "[.bpf]") {
    pins const pinned("--mode 0444");
    auto const one = holder_of_pages(3);
    auto const in_pid_namespace = elsewhere<view>([&] {
        lab::check(::unshare(CLONE_NEWPID), "unshare");
        return elsewhere<view>([&] { return look_for(one.pid()); });
    });
    // The kernel walks over the tasks of that namespace alone, and the host's /proc shows all.
    CHECK(in_pid_namespace.error == EXDEV);
    CHECK(in_pid_namespace.found_by == source::fd_walk);
    CHECK(in_pid_namespace.rss_bytes == 3 * page);
    CHECK(in_pid_namespace.complete);
    auto const in_user_namespace = elsewhere<view>([&] {
        lab::check(::unshare(CLONE_NEWUSER), "unshare");
        return look_for(one.pid());
    });
    CHECK(in_user_namespace.error == EXDEV);
    CHECK(in_user_namespace.found_by == source::fd_walk);
    auto const in_time_namespace = elsewhere<view>([&] {
        lab::check(::unshare(CLONE_NEWTIME), "unshare");
        return elsewhere<view>([&] { return look_for(one.pid()); });
    });
    CHECK(in_time_namespace.error == EXDEV);
    CHECK(in_time_namespace.found_by == source::fd_walk);
}

TEST_CASE("bpf: the pins serve in any bpffs that is named", "[.bpf]") {
    auto const one = holder_of_pages(3);
    own_mounts();
    CHECK(shell("mkdir -p /tmp/pins && mount -t bpf bpf /tmp/pins") == 0);
    CHECK(shell("dmabuf_pin --bpffs /tmp/pins > /dev/null") == 0);
    CHECK(look_for(one.pid()).error == ENOENT);
    auto const seen = look_for(one.pid(), {.bpffs = "/tmp/pins"});
    CHECK(seen.found_by == source::bpf_iterator);
    CHECK(seen.rss_bytes == 3 * page);
    CHECK(shell("dmabuf_ps --source bpf_iterator --bpffs /tmp/pins > /dev/null") == 0);
    CHECK(shell("dmabuf_pin --status --bpffs /tmp/pins | grep -q '^/tmp/pins/dmabuf/mappings: "
                "read by root'") == 0);
    CHECK(shell("dmabuf_pin --unpin --bpffs /tmp/pins && umount /tmp/pins") == 0);
}

TEST_CASE("bpf: without a bpffs, or with a foreign file in its place, /proc serves", "[.bpf]") {
    pins const pinned("--mode 0444");
    auto const one = holder_of_pages(3);
    struct row {
        char const* make;
        int error;
    };
    auto const [make, error] = GENERATE(
        row{"umount /sys/fs/bpf", ENOENT},
        row{"mount -t tmpfs none /sys/fs/bpf && mkdir /sys/fs/bpf/dmabuf && cp /tmp/pinned "
            "/sys/fs/bpf/dmabuf/descriptors",
            ENODEV},
        row{"mount -t tmpfs none /sys/fs/bpf && mkdir /sys/fs/bpf/dmabuf && mkfifo "
            "/sys/fs/bpf/dmabuf/descriptors",
            ENODEV},
        row{"rm /sys/fs/bpf/dmabuf/descriptors && ln -s /proc/kmsg /sys/fs/bpf/dmabuf/descriptors",
            ENODEV},
        row{"mv /sys/fs/bpf/dmabuf/mappings /sys/fs/bpf/dmabuf/descriptors", EBADMSG});
    CAPTURE(make);
    auto const seen = elsewhere<view>([&, command = make] {
        own_mounts();
        if (shell(command) != 0) return view{};
        return look_for(one.pid());
    });
    CHECK(seen.sampled);
    CHECK(seen.found_by == source::fd_walk);
    CHECK(seen.error == error);
    CHECK(seen.rss_bytes == 3 * page);
    // The bpffs is everybody's, and what is no pin is not dmabuf_pin's to take away.
    CHECK(shell("cd /sys/fs/bpf/dmabuf && if test -L descriptors; then rm descriptors; fi") == 0);
}

TEST_CASE("bpf: no hardened setting keeps a pinned iterator from being read", "[.bpf]") {
    auto const setting = GENERATE("kernel/unprivileged_bpf_disabled=2", "net/core/bpf_jit_enable=0",
                                  "net/core/bpf_jit_harden=2", "kernel/kptr_restrict=2",
                                  "kernel/perf_event_paranoid=3");
    std::string const text = setting;
    auto const path = "/proc/sys/" + text.substr(0, text.find('='));
    auto const value = text.substr(text.find('=') + 1);
    CAPTURE(text);
    std::string old = "0";
    if (shell("cat " + path + " > /tmp/setting 2>/dev/null && echo " + value + " > " + path +
              " 2>/dev/null") != 0) {
        std::printf("SKIPPED: %s: this kernel does not let it be set\n", setting);
        return;
    }
    {
        pins const pinned("--mode 0444");
        auto const one = holder_of_pages(3);
        auto const seen = elsewhere<view>([&] { return become(4711), look_for(one.pid()); });
        CHECK(seen.found_by == source::bpf_iterator);
        CHECK(seen.rss_bytes == 3 * page);
    }
    (void)shell("cat /tmp/setting > " + path + " 2>/dev/null");
}

TEST_CASE("bpf: what only an O_PATH descriptor or a mapping holds is told in full", "[.bpf]") {
    pins const pinned("");
    actor const one([] {
        auto const first = lab::alloc_udmabuf(page);
        lab::set_name(first.get(), "by path");
        auto const link = "/proc/self/fd/" + std::to_string(first.get());
        auto const path = lab::check(::open(link.c_str(), O_PATH | O_CLOEXEC), "open");
        auto const second = lab::alloc_heap(2 * page);
        lab::check(::mmap(nullptr, page, PROT_READ, MAP_SHARED, second.get(), 0) == MAP_FAILED ? -1
                                                                                               : 0,
                   "mmap");
        return std::vector{lab::inode_of(path), lab::inode_of(second.get())};
    });
    auto const now = sample();
    REQUIRE(now.coverage.found_by == source::bpf_iterator);
    CHECK(now.coverage.buffers_undescribed == 0);
    auto const& by_path = buffer_of(now, one.inode(0));
    CHECK(now.exporter_of(by_path).view() == lab::udmabuf_exporter());
    CHECK(by_path.name.view() == "by path");
    CHECK(reference_of(now, one.pid(), one.inode(0)).path_descriptors == 1);
    auto const& mapped = buffer_of(now, one.inode(1));
    CHECK(mapped.size_bytes == 2 * page);
    CHECK(now.exporter_of(mapped).view() == lab::heap_exporter());
    CHECK(mapped.name_known);
    CHECK_FALSE(mapped.named);
    CHECK(reference_of(now, one.pid(), one.inode(1)).mapped_bytes == page);
}

TEST_CASE("bpf: in flight over a socket, or in an io_uring, a buffer has no visible holder",
          "[.bpf]") {
    pins const pinned("");
    actor const one([] {
        auto ends = lab::make_socket_pair();
        auto const in_flight = lab::alloc_heap(page);
        lab::send_fd(ends.here.get(), in_flight.get());
        ends.here.release();
        ends.there.release();

        auto const in_ring = lab::alloc_heap(page);
        io_uring_params parameters{};
        int const ring = static_cast<int>(
            lab::check(::syscall(SYS_io_uring_setup, 1, &parameters), "io_uring_setup"));
        int const fd = in_ring.get();
        lab::check(::syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1),
                   "io_uring_register");
        return std::vector{lab::inode_of(in_flight.get()), lab::inode_of(in_ring.get()),
                           keep(lab::alloc_heap(page))};
    });
    auto const now = sample();
    REQUIRE(now.coverage.found_by == source::bpf_iterator);
    CHECK_FALSE(find_buffer(now, one.inode(0)));
    CHECK_FALSE(find_buffer(now, one.inode(1)));
    CHECK(find_buffer(now, one.inode(2)));
    // The walk over /proc does not see them either.
    auto const walked = sample({.bpf = false});
    CHECK_FALSE(find_buffer(walked, one.inode(0)));
    CHECK_FALSE(find_buffer(walked, one.inode(1)));
}

TEST_CASE("bpf: a process that forbade being looked at is looked at", "[.bpf]") {
    pins const pinned("--mode 0444");
    actor const one([] {
        auto const inode = keep(lab::alloc_heap(page));
        become(1000);
        lab::check(::prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
        return std::vector{inode};
    });
    auto const seen = elsewhere<view>([&] { return become(1000), look_for(one.pid()); });
    CHECK(seen.rss_bytes == page);
    CHECK(elsewhere<view>([&] {
              return become(1000), look_for(one.pid(), {.bpf = false});
          }).rss_bytes == 0);
}

TEST_CASE("bpf: a hundred thousand descriptors come in many reads, each once", "[.bpf]") {
    pins const pinned("");
    constexpr int count = 100'000;
    actor const one([] {
        rlimit const limit{count + 100, count + 100};
        lab::check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
        auto const first = lab::alloc_heap(page);
        lab::set_name(first.get(), std::string(31, 'n'));
        for (int i = 1; i < count; ++i)
            lab::check(::dup(first.get()), "dup");
        return std::vector{lab::inode_of(first.get())};
    });
    auto const now = sample();
    REQUIRE(now.coverage.found_by == source::bpf_iterator);
    // The first one was closed when its owner was through.
    CHECK(reference_of(now, one.pid(), one.inode()).descriptors == count - 1);
    CHECK(buffer_of(now, one.inode()).name == std::string(31, 'n'));
}

TEST_CASE("bpf: a table that threads share behind a leader that exited counts once", "[.bpf]") {
    pins const pinned("");
    actor const one([] {
        auto const inode = keep(lab::alloc_heap(page));
        return std::vector{inode};
    });
    (void)one;
    // In a process of its own, since its leader must exit.
    lab::child const headless([](lab::ready& done) {
        int const fd = lab::alloc_heap(5 * page).release();
        for (int i = 0; i < 3; ++i)
            std::thread([] {
                for (;;)
                    ::pause();
            }).detach();
        done.tell(std::to_string(lab::inode_of(fd)));
        ::syscall(SYS_exit, 0);
    });
    auto& child = const_cast<lab::child&>(headless);
    auto const inode = std::stoull(child.wait_ready());
    ::usleep(200'000); // until the leader is through exit_files()
    auto const now = sample();
    REQUIRE(now.coverage.found_by == source::bpf_iterator);
    CHECK(reference_of(now, child.pid(), inode).descriptors == 1);
    CHECK(holder_of(now, child.pid()).rss_bytes == 5 * page);
}

TEST_CASE("bpf: one process alone, by a user without any capability", "[.bpf]") {
    pins const pinned("--mode 0444");
    auto const other = holder_of_pages(1);
    actor const one([] {
        auto const first = lab::alloc_heap(2 * page);
        lab::set_name(first.get(), "mine");
        int const second = lab::check(::dup(first.get()), "dup");
        lab::check(::mmap(nullptr, page, PROT_READ, MAP_SHARED, first.get(), 0) == MAP_FAILED ? -1
                                                                                              : 0,
                   "mmap");
        return std::vector{lab::inode_of(second)};
    });
    struct answer {
        int error = 0;
        int descriptors = 0, mappings = 0, others = 0, of_nobody = 0;
        bool same = true;
    };
    auto const seen = elsewhere<answer>([&] {
        become(4711);
        answer found;
        auto const descriptors = dmabuf::open_bpf_program(dmabuf::bpf_content::descriptors);
        auto const mappings = dmabuf::open_bpf_program(dmabuf::bpf_content::mappings);
        if (!descriptors || !mappings) {
            found.error = (descriptors ? mappings : descriptors).error().error;
            return found;
        }
        auto const count = [&](auto const& program, auto content, pid_t pid, int& into) {
            for (auto const& item : dmabuf::read_bpf_references_of(program, content, pid)) {
                if (!item) return void(found.error = item.error().error);
                ++into;
                if (pid == one.pid())
                    found.same = found.same && item->pid == pid &&
                                 item->buffer.inode == one.inode() && item->buffer.name == "mine";
            }
        };
        count(*descriptors, dmabuf::bpf_content::descriptors, one.pid(), found.descriptors);
        count(*mappings, dmabuf::bpf_content::mappings, one.pid(), found.mappings);
        count(*descriptors, dmabuf::bpf_content::descriptors, other.pid(), found.others);
        count(*descriptors, dmabuf::bpf_content::descriptors, 999'999, found.of_nobody);
        return found;
    });
    CHECK(seen.error == 0);
    CHECK(seen.descriptors == 1); // the first one was closed
    CHECK(seen.mappings == 1);
    CHECK(seen.others == 1);
    CHECK(seen.of_nobody == 0);
    CHECK(seen.same);
}

TEST_CASE("dmabuf_pin refuses what would not be safe, and what cannot be", "[.bpf]") {
    auto const refused = [](std::string const& arguments, std::string const& why) {
        INFO(arguments);
        CHECK(shell("dmabuf_pin " + arguments + " 2> /tmp/refused; test $? != 0") == 0);
        CHECK(shell("grep -q '" + why + "' /tmp/refused") == 0);
    };
    refused("--mode 0666", "only reading can be allowed");
    refused("--mode 0555", "only reading can be allowed");
    refused("--mode x", "only reading can be allowed");
    refused("--group nobody-of-this-name", "no group");
    refused("--unpin --mode 0400", "for pinning only");
    refused("--path /tmp/pins", "not on a bpffs");
    CHECK(shell("su lab -c 'mkdir /sys/fs/bpf/dmabuf'") == 0);
    refused("", "only root can change");
    CHECK(shell("rmdir /sys/fs/bpf/dmabuf") == 0);
    CHECK(shell("su lab -c 'dmabuf_pin' 2> /tmp/refused; test $? = 1") == 0);
    CHECK(shell("grep -q 'run as root' /tmp/refused") == 0);
    CHECK(shell("dmabuf_pin --status > /dev/null; test $? = 1") == 0);
    CHECK(shell("dmabuf_pin --unpin") == 0);
}

TEST_CASE("dmabuf_pin: whichever call of bpf(2) fails, all is pinned or nothing new is",
          "[.bpf][each-call]") {
    constexpr auto output = "/tmp/failing";
    auto const again = [&](std::size_t which) {
        return run_failing_bpf({"dmabuf_pin", "--mode", "0444"}, output, which, ENOMEM);
    };
    auto const one = holder_of_pages(1, "a name");
    REQUIRE(shell("dmabuf_pin --mode 0440 > /dev/null") == 0);
    auto const calls = again(SIZE_MAX).commands;
    REQUIRE(calls.size() > 8);
    int refused = 0;
    for (std::size_t which = 0; which < calls.size(); ++which) {
        CAPTURE(which, calls[which]);
        REQUIRE(shell("dmabuf_pin --mode 0440 > /dev/null") == 0);
        auto const run = again(which);
        std::ifstream file(output);
        std::string const words{std::istreambuf_iterator(file), {}};
        INFO(words);
        CHECK(shell("! grep -q 'names of buffers are not shown' /tmp/failing") == 0);
        if (run.status == 0) {
            CHECK(are_pinned_with("444"));
            CHECK(look_for(one.pid()).undescribed == 0);
        } else {
            ++refused;
            CHECK(run.status == 1);
            CHECK(are_pinned_with("440")); // the earlier ones, and no half-made file
            // Where libbpf probes the kernel, it says in other words what it misses then.
            CHECK(shell("grep -q 'Cannot allocate memory\\|^libbpf: ' /tmp/failing") == 0);
            CHECK(shell("! grep -q 'not pinned by dmabuf_pin\\|no iterator' /tmp/failing") == 0);
        }
    }
    CHECK(refused >= pin_count()); // each pin failed once
    pins::take_away();
}

TEST_CASE("dmabuf_pin: one failure to load is tried again, with names", "[.bpf]") {
    auto const first = run_failing_bpf({"dmabuf_pin"}, "/tmp/failing", SIZE_MAX, 0).commands;
    // The last program that is loaded before the first link is one of ours, after libbpf's probes.
    std::size_t which = 0;
    for (std::size_t i = 0; i < first.size() && first[i] != BPF_LINK_CREATE; ++i)
        if (first[i] == BPF_PROG_LOAD) which = i;
    auto const run = run_failing_bpf({"dmabuf_pin"}, "/tmp/failing", which, ENOMEM);
    CHECK(run.status == 0);
    CHECK(run.commands.size() > first.size());
    auto const one = holder_of_pages(1, "a name");
    CHECK(look_for(one.pid()).undescribed == 0);
    pins::take_away();
}

TEST_CASE("dmabuf_pin: nothing is pinned in, or taken from, a place that others rule", "[.bpf]") {
    pins const pinned("--mode 0444");
    struct place {
        char const* prepare;
        char const* path;
        char const* why;
        char const* undo;
    };
    auto const row =
        GENERATE(place{"mkdir /tmp/plain", "/tmp/plain", "not on a bpffs", "rm -r /tmp/plain"},
                 place{"mkdir /tmp/plain; ln -s /tmp/plain /sys/fs/bpf/link", "/sys/fs/bpf/link",
                       "cannot \\(open\\|make\\)", "rm -r /tmp/plain /sys/fs/bpf/link"},
                 place{"mkdir /tmp/plain; ln -s /sys/fs/bpf /tmp/plain/bpf",
                       "/tmp/plain/bpf/dmabuf", "cannot open", "rm -r /tmp/plain"},
                 place{"ln -s dmabuf /sys/fs/bpf/link", "/sys/fs/bpf/link", "cannot open",
                       "rm /sys/fs/bpf/link"},
                 place{"true", "/sys/fs/bpf/dmabuf/", "the name of a directory", "true"},
                 place{"true", "/sys/fs/bpf/dmabuf/.", "the name of a directory", "true"},
                 place{"mkdir -p /sys/fs/bpf/theirs/dmabuf && chown 1000 /sys/fs/bpf/theirs",
                       "/sys/fs/bpf/theirs/dmabuf", "others can exchange",
                       "rmdir /sys/fs/bpf/theirs/dmabuf /sys/fs/bpf/theirs"},
                 place{"mkdir -p /sys/fs/bpf/all/dmabuf && chmod 777 /sys/fs/bpf/all",
                       "/sys/fs/bpf/all/dmabuf", "others can exchange",
                       "rmdir /sys/fs/bpf/all/dmabuf /sys/fs/bpf/all"},
                 place{"su lab -c 'mkdir /sys/fs/bpf/theirs'", "/sys/fs/bpf/theirs",
                       "only root can change", "rmdir /sys/fs/bpf/theirs"});
    CAPTURE(row.path);
    REQUIRE(shell(row.prepare) == 0);
    (void)shell("cd /tmp/plain 2>/dev/null && touch descriptors mappings buffers mappings_of");
    for (std::string const what : {"--unpin", "--mode 0400"}) {
        CAPTURE(what);
        CHECK(shell("dmabuf_pin " + what + " --path " + row.path +
                    " 2> /tmp/refused; test $? = 1") == 0);
        CHECK(shell("grep -q '" + std::string(row.why) + "' /tmp/refused") == 0);
    }
    CHECK(shell("test ! -d /tmp/plain || test $(ls -d /tmp/plain/[dmb]*s* | wc -l) = 4") == 0);
    CHECK(are_pinned_with("444"));
    CHECK(shell(row.undo) == 0);
}

TEST_CASE("dmabuf_pin: what it did not pin stays, and so do its own files beside it", "[.bpf]") {
    pins const pinned("--mode 0444");
    auto const make_map = [] {
        bpf_attr map{};
        map.map_type = BPF_MAP_TYPE_ARRAY;
        map.key_size = map.value_size = 4;
        map.max_entries = 1;
        lab::descriptor const fd(static_cast<int>(
            lab::check(::syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map), "BPF_MAP_CREATE")));
        bpf_attr pin{};
        pin.pathname = reinterpret_cast<std::uintptr_t>("/sys/fs/bpf/dmabuf/mappings");
        pin.bpf_fd = static_cast<__u32>(fd.get());
        lab::check(::syscall(SYS_bpf, BPF_OBJ_PIN, &pin, sizeof pin), "BPF_OBJ_PIN");
    };
    auto const [what, undo] =
        GENERATE(std::pair{"a map", "rm mappings"}, std::pair{"mkdir mappings", "rmdir mappings"},
                 std::pair{"ln -s descriptors mappings", "rm mappings"});
    CAPTURE(what);
    std::string const there = "cd /sys/fs/bpf/dmabuf && ";
    REQUIRE(shell(there + "rm mappings") == 0);
    if (std::string_view(what) == "a map")
        make_map();
    else
        REQUIRE(shell(there + what) == 0);
    for (std::string const arguments : {"--unpin", ""}) {
        CHECK(shell("dmabuf_pin " + arguments + " > /dev/null 2> /tmp/refused; test $? = 1") == 0);
        CHECK(shell("grep -q 'dmabuf/mappings was not pinned by dmabuf_pin' /tmp/refused") == 0);
        CHECK(shell(there + "test $(ls | wc -l) = " + std::to_string(pin_count())) == 0);
    }
    CHECK(shell(there + undo) == 0);
}

namespace {

struct listed {
    source found_by = source::none;
    dmabuf::listing by = dmabuf::listing::none;
    int error = 0; ///< why there is no list
    std::size_t buffers = 0;
    std::size_t unheld = 0;
    std::uint64_t unheld_inode = 0;
    std::uint64_t unheld_bytes = 0;
    std::uint64_t rss_bytes = 0; ///< of the process asked for
    bool complete = false;
};

listed list_for(pid_t pid) {
    listed seen;
    auto const now = sample({.unheld = true});
    seen.found_by = now.coverage.found_by;
    seen.by = now.coverage.listed_by;
    seen.error = now.coverage.why_no_list.error;
    seen.complete = now.coverage.complete();
    seen.buffers = now.buffers.size();
    seen.unheld = now.unheld.size();
    seen.unheld_bytes = now.unheld_bytes;
    if (!now.unheld.empty()) seen.unheld_inode = now.unheld.front().inode;
    if (auto const* holder = find_holder(now, pid)) seen.rss_bytes = holder->rss_bytes;
    return seen;
}

/// As long as the list is that every reader gets: the kernel's own words.
std::size_t bytes_listed() {
    lab::descriptor const file(
        lab::check(::open("/sys/fs/bpf/dmabuf/buffers", O_RDONLY | O_CLOEXEC), "open"));
    static char space[65536];
    std::size_t all = 0;
    for (ssize_t got = 1; got > 0; all += static_cast<std::size_t>(got))
        got = lab::check(::read(file.get(), space, sizeof space), "read");
    return all;
}

bool has_no_list_to_show() {
    if (has_buffer_iterator()) return false;
    std::printf("SKIPPED: this kernel has no iterator over all buffers (Linux 6.16)\n");
    return true;
}

} // namespace

TEST_CASE("bpf: the list of all buffers is pinned where the kernel has it, else said to be missing",
          "[.bpf]") {
    pins const pinned("--mode 0444");
    bool const pinned_list = ::access("/sys/fs/bpf/dmabuf/buffers", F_OK) == 0;
    CHECK(pinned_list == has_buffer_iterator());
    CHECK(shell("grep -q 'no iterator over all buffers' /tmp/pinned") ==
          (has_buffer_iterator() ? 256 : 0));
}

TEST_CASE("bpf: with no buffer at all, the list of all is empty and known", "[.bpf]") {
    if (has_no_list_to_show()) return;
    pins const pinned("--mode 0444");
    for (int i = 0; i < 50 && bytes_listed() != 0; ++i) // what the last test left is being released
        ::usleep(100'000);
    REQUIRE(bytes_listed() == 0);
    auto const seen = elsewhere<listed>([] { return become(1000), list_for(1); });
    CHECK(seen.found_by == source::bpf_iterator);
    CHECK(seen.by == dmabuf::listing::bpf_iterator);
    CHECK(seen.error == 0);
    CHECK(seen.buffers == 0);
    CHECK(seen.unheld == 0);
}

TEST_CASE("bpf: by pins alone an ordinary user sees all holders, and the buffer in flight",
          "[.bpf]") {
    if (has_no_list_to_show()) return;
    auto const held = GENERATE(std::uint64_t{0}, std::uint64_t{15}, std::uint64_t{600});
    auto const rights = GENERATE("--mode 0444", "--group 1000");
    CAPTURE(held, rights);
    pins const pinned(rights);
    for (int i = 0; i < 50 && bytes_listed() != 0; ++i)
        ::usleep(100'000);
    actor const one([&] {
        auto ends = lab::make_socket_pair();
        auto const in_flight = lab::alloc_heap(3 * page);
        lab::send_fd(ends.here.get(), in_flight.get());
        ends.here.release();
        ends.there.release();
        std::vector inodes{lab::inode_of(in_flight.get())};
        for (std::uint64_t i = 0; i < held; ++i)
            keep(lab::alloc_heap(page));
        return inodes;
    });
    auto const seen = elsewhere<listed>([&] { return become(1000), list_for(one.pid()); });
    CHECK(seen.found_by == source::bpf_iterator);
    CHECK(seen.complete);
    CHECK(seen.buffers == held);
    CHECK(seen.rss_bytes == held * page);
    constexpr std::size_t least = 64; // a record without a name
    if (bytes_listed() < (held + 1) * least) {
        std::printf("this kernel cuts the list of %d buffers\n", static_cast<int>(held + 1));
        CHECK(seen.by == dmabuf::listing::none);
        CHECK(seen.error == ENOBUFS);
        CHECK(seen.unheld == 0);
        return;
    }
    CHECK(seen.by == dmabuf::listing::bpf_iterator);
    CHECK(seen.error == 0);
    CHECK(seen.unheld == 1);
    CHECK(seen.unheld_inode == one.inode());
    CHECK(seen.unheld_bytes == 3 * page);
}

TEST_CASE("bpf: where lockdown cannot be asked, nothing is pinned, and that is said",
          "[.lockdown]") {
    CHECK(shell("dmabuf_pin > /dev/null 2> /tmp/refused; test $? = 1") == 0);
    CHECK(shell("grep -q 'cannot be told without /sys/kernel/security/lockdown' /tmp/refused") ==
          0);
    CHECK(::access(directory, F_OK) != 0);
}

TEST_CASE("bpf: under lockdown=confidentiality there are no names, and all else", "[.lockdown]") {
    REQUIRE(shell("mount -t securityfs securityfs /sys/kernel/security") == 0);
    pins const pinned("--mode 0444");
    CHECK(shell("grep -q lockdown=confidentiality /tmp/pinned") == 0);
    auto const one = holder_of_pages(3, "a name");
    auto const seen = elsewhere<view>([&] { return become(4711), look_for(one.pid()); });
    CHECK(seen.found_by == source::bpf_iterator);
    CHECK(seen.complete);
    CHECK(seen.rss_bytes == 3 * page);
    CHECK(seen.undescribed == 1);
    CHECK(look_for(one.pid(), {.bpf = false}).undescribed == 0);
    CHECK(shell("umount /sys/kernel/security") == 0);
}

TEST_CASE("bpf: after a million files without a buffer the walk goes on", "[.long]") {
    pins const pinned("");
    actor const many([] {
        rlimit const limit{1'048'576, 1'048'576};
        lab::check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
        for (int i = 0; i < 1'048'000; ++i)
            lab::check(::dup(0), "dup");
        return std::vector<std::uint64_t>{};
    });
    auto const one = holder_of_pages(3);
    auto const seen = look_for(one.pid());
    CHECK(seen.found_by == source::bpf_iterator);
    CHECK(seen.rss_bytes == 3 * page);
}

namespace {

/// Two counts as an ordinary user sees them: of a buffer that processes hold, and of one in flight.
struct counts {
    source found_by = source::none;
    dmabuf::reference_count held, in_flight;
};

counts counts_of(std::uint64_t held, std::uint64_t in_flight) {
    become(1000);
    auto const now = sample({.unheld = true, .counts = true});
    counts seen;
    seen.found_by = now.coverage.found_by;
    for (auto const& one : now.counts) {
        if (one.inode == held) seen.held = one;
        if (one.inode == in_flight) seen.in_flight = one;
    }
    return seen;
}

} // namespace

TEST_CASE("bpf: an ordinary user sees the references to a buffer, without the iterator's own",
          "[.bpf]") {
    pins const pinned("--mode 0444");
    auto const buffer = lab::alloc_heap(page);
    auto const link = "/proc/self/fd/" + std::to_string(buffer.get());
    lab::descriptor const path(lab::check(::open(link.c_str(), O_PATH | O_CLOEXEC), "O_PATH"));
    bool const mapped = mappings_hold();
    void* const at =
        mapped ? ::mmap(nullptr, page, PROT_READ, MAP_SHARED, buffer.get(), 0) : nullptr;
    REQUIRE(at != MAP_FAILED);
    auto const ends = lab::make_socket_pair();
    lab::send_fd(ends.here.get(), buffer.get());
    std::uint64_t in_flight = 0;
    {
        auto const sent = lab::alloc_heap(page);
        in_flight = lab::inode_of(sent.get());
        lab::send_fd(ends.here.get(), sent.get());
    }
    // The process that looks is forked: it has both descriptors and the mapping too.
    auto const seen =
        elsewhere<counts>([&] { return counts_of(lab::inode_of(buffer.get()), in_flight); });
    CHECK(seen.found_by == source::bpf_iterator);
    CHECK(seen.held.count == (mapped ? 5U : 3U));
    CHECK(seen.held.others_known);
    CHECK(seen.held.other_references == 1);
    if (mapped) ::munmap(at, page);
    if (has_no_list_to_show()) return;
    CHECK(seen.in_flight.count == 1);
    CHECK(seen.in_flight.others_known);
    CHECK(seen.in_flight.other_references == 1);
}
