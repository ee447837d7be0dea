// SPDX-License-Identifier: MIT
//
// Where something is missing, dmabuf_ps names the reason and the cure that are right.
#include "program.hpp"
#include "report/coverage_words.hpp"
#include "report/source_words.hpp"
#include "systems/bpf_stream.hpp"
#include "systems/followed_calls.hpp"

namespace {

using words = std::vector<std::string>;

/// The output of dmabuf_ps on this system, for a caller of these rights, without BPF.
std::string said(fake::kernel& kernel, words const& rights, words const& options = {}) {
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.unheld = wanted.bufinfo = kernel.debugfs;
    wanted.counts = true;
    auto recording = support::record(kernel, wanted).recording;
    recording.made.uid = kernel.caller.uid;
    recording.made.rights = rights;
    auto const answer = programs::replayed(recording, options);
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    return answer.out;
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

#define CHECK_SAYS(text, part)                 \
    do {                                       \
        INFO(text);                            \
        CHECK((text).find(part) != text.npos); \
    } while (false)
#define CHECK_DOES_NOT_SAY(text, part)         \
    do {                                       \
        INFO(text);                            \
        CHECK((text).find(part) == text.npos); \
    } while (false)

} // namespace

TEST_CASE("the number of processes is that of programs, without kernel threads and zombies") {
    fake::kernel kernel;
    kernel.map_queries = GENERATE(true, false);
    auto const library = kernel.regular("/usr/lib/libc.so.6");
    for (int const pid : {10, 20})
        kernel.add(pid, "p").map(library, 4096);
    kernel.add(30, "holds").open(kernel.buffer(1, 4096));
    for (int const pid : {2, 3, 4, 5})
        kernel.add(pid, "kthread", 0).kernel_thread = true;
    auto& zombie = kernel.add(40, "zombie");
    zombie.map(library, 4096);
    zombie.end_leader();
    for (int const pid : {1, kernel.caller_pid}) // which are always there
        kernel.at(pid).map(library, 4096);
    SECTION("for whom may read all") {
        CHECK_SAYS(said(kernel, {"root", "trace"}), "\nProcesses: 5, all seen.\n");
        CHECK_SAYS(said(kernel, {"root", "trace"}, {"--json"}), "\"processes_without_memory\": 5,");
    }
    SECTION("for whom may not") {
        kernel.caller = fake::rights::user(7);
        CHECK_SAYS(said(kernel, {}), "4 of 5 processes may not be read");
    }
}

TEST_CASE("a buffer that is open by O_PATH alone is not said to be mapped") {
    fake::kernel kernel;
    kernel.caller = fake::rights::ptrace_only(1000);
    auto& process = kernel.add(10, "p", 2000);
    process.open(kernel.buffer(1, 4096)); // by which DMA-BUFs are told
    process.open(kernel.buffer(2, 8192), true);
    SECTION("by walk") {
        auto const text = said(kernel, {"trace"});
        CHECK_SAYS(text, "1 buffer is of unknown size and not in the sums, being open by O_PATH "
                         "descriptors alone: run as root, or with CAP_DAC_READ_SEARCH.\n");
        CHECK_DOES_NOT_SAY(text, "only mapped");
        CHECK_DOES_NOT_SAY(text, "CAP_CHECKPOINT_RESTORE");
    }
    SECTION("by lists, which do not tell O_PATH apart") {
        kernel.dmabuf_fds = true;
        auto const text = said(kernel, {"trace"});
        CHECK_SAYS(text, "1 buffer is of unknown size and not in the sums, since not all "
                         "descriptors may be looked at: run as root, or with "
                         "CAP_DAC_READ_SEARCH.\n");
        CHECK_DOES_NOT_SAY(text, "only mapped");
    }
}

TEST_CASE("a container is told whether the procfs that it looks at is its own or its host's") {
    fake::kernel kernel;
    kernel.debugfs = true;
    kernel.pid_namespace = 4026532000;
    kernel.caller_getpid = 5;
    kernel.at(900).inner_pids = {5};
    auto& process = kernel.add(10, "threads", 1000);
    process.open(kernel.buffer(1, 4096));
    process.add_thread(11);
    bool const of_host = GENERATE(false, true);
    kernel.add(2, "second", 0).kernel_thread = of_host;
    auto const text = said(kernel, {"root", "trace"});
    CHECK(count(text, "/proc is that of one pid namespace (a container's?), and processes outside "
                      "it are out of sight: run in the initial one (docker: --pid=host), or look "
                      "at the host's (docker: --volume /proc:/host/proc; --proc /host/proc).\n") ==
          (of_host ? 0 : 1));
    CHECK_SAYS(text, (of_host ? "Processes: 1, all seen.\n" : "Processes: incomplete; PSS"));
    CHECK_SAYS(text, "1 descriptor table may have been read twice (kcmp could not tell): FDS may "
                     "be too high, sizes are exact.\n");
}

TEST_CASE("a listed buffer that its holder let go of meanwhile is said to be that") {
    fake::kernel kernel;
    kernel.debugfs = true;
    kernel.add(10, "stays").open(kernel.buffer(1, 4096));
    kernel.add(20, "exits").open(kernel.buffer(2, 8192)); // a driver has it too
    bool const exits = GENERATE(true, false);
    kernel.event = [&](fake::call_event const& event) {
        if (exits && event.path == "/proc/20/stat" && kernel.has(20)) kernel.exit(20);
    };
    bool const json = GENERATE(true, false);
    auto const text = said(kernel, {"root"}, json ? words{"--json"} : words{});
    auto const* const expected = json ? "\"buffers_leaving\": 1"
                                      : "  1 listed buffer was let go of while this was looked at, "
                                        "and may be held by nobody or be gone: look again.\n";
    CHECK(count(text, expected) == (exits ? 1 : 0));
}

TEST_CASE("of buffers of unknown size, each kind has its own reason and cure") {
    fake::kernel kernel;
    kernel.caller = fake::rights::ptrace_only(1000);
    kernel.add(9, "own", 1000).open(kernel.buffer(1, 4096)); // tells the DMA-BUFs' device
    auto& process = kernel.add(10, "p", 2000);
    process.open(kernel.buffer(2, 8192), true);
    process.map(kernel.buffer(3, 8192), 8192);
    process.map(kernel.buffer(4, 8192), 8192);
    auto const both = kernel.buffer(5, 8192);
    process.open(both, true);
    process.map(both, 8192);
    auto const text = said(kernel, {"trace"});
    CHECK_SAYS(text, "2 buffers are of unknown size and not in the sums, being only mapped: run "
                     "as root, or with CAP_CHECKPOINT_RESTORE.\n");
    CHECK_SAYS(text, "2 buffers are of unknown size and not in the sums, being open by O_PATH "
                     "descriptors alone: run as root, or with CAP_DAC_READ_SEARCH.\n");
    // Whoever has a right is not told to get it.
    CHECK_DOES_NOT_SAY(said(kernel, {"trace", "search"}), "CAP_DAC_READ_SEARCH");
    CHECK_DOES_NOT_SAY(said(kernel, {"trace", "checkpoint_restore"}), "CAP_CHECKPOINT_RESTORE");
    CHECK_DOES_NOT_SAY(said(kernel, {"root", "trace"}), "as root");
}

TEST_CASE("what cannot be decided has the cure of what it is") {
    fake::kernel kernel;
    kernel.caller = fake::rights::ptrace_only(1000);
    kernel.add(10, "p", 2000).open(kernel.buffer(1, 4096), true);
    CHECK_SAYS(said(kernel, {"trace"}), "CAP_CHECKPOINT_RESTORE (mappings) and "
                                        "CAP_DAC_READ_SEARCH (descriptors)");
    auto const text = said(kernel, {"trace", "checkpoint_restore"});
    CHECK_SAYS(text, "cannot be told here: run as root, or with CAP_DAC_READ_SEARCH.\n");
}

TEST_CASE("a filter that refuses a call is named as such, and not a security module") {
    auto const refuse_statx = [] {
        sock_filter const steps[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_statx, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        sock_fprog const filter{std::size(steps), const_cast<sock_filter*>(steps)};
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
    };
    auto const text = programs::run({DMABUF_PS, "--source", "fd_walk"}, refuse_statx).out;
    CHECK_SAYS(text, "processes may not be read: a filter of system calls (seccomp) refuses even "
                     "this program its own: run it without that filter");
    CHECK_DOES_NOT_SAY(text, "security module");
    CHECK_DOES_NOT_SAY(text, "run as root");

    // A filter that refuses nothing is no reason.
    fake::kernel kernel;
    kernel.caller = fake::rights::user(1000);
    kernel.at(900).uid = 1000;
    kernel.add(10, "theirs", 2000).open(kernel.buffer(1, 4096));
    CHECK_SAYS(said(kernel, {"filtered"}), "may not be read: run as root, or with CAP_SYS_PTRACE.");
}

TEST_CASE("that there is no better source is said once") {
    fake::kernel kernel;
    kernel.add(10, "p").open(kernel.buffer(1, 4096));
    dmabuf::basic_sampler<fake::system> sampler({}, fake::system{&kernel});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    auto const text = report::source_words(now, report::own_rights(), "6.12");
    INFO(text);
    CHECK(count(text, "no better one") == 1);
    for (auto const& why : {now.coverage.why_no_bpf, now.coverage.why_no_dmabuf_fds}) {
        REQUIRE(why.error != 0);
        CHECK(count(text, describe(why).view()) == 1);
    }
    auto const live = programs::run({DMABUF_PS, "--verbose"}).out;
    INFO(live);
    CHECK(count(live, "no better one") <= 1);
}

namespace {

/// Checks that the memory that no process holds is unknown in every form of the report.
void check_unknown(fake::kernel& kernel, std::string_view held) {
    auto const text = said(kernel, {"root", "trace"});
    CHECK_SAYS(text, held);
    CHECK_SAYS(text, ", all seen.\nBuffers: incomplete.\n  No list of all buffers was compared");
    CHECK_DOES_NOT_SAY(text, "omplete:");
    CHECK_DOES_NOT_SAY(text, "held by no process");
    auto const json = said(kernel, {"root", "trace"}, {"--json"});
    CHECK_SAYS(json, "\"unheld_buffers\": null");
    CHECK_SAYS(json, "\"unheld_bytes\": null");
    CHECK_SAYS(json, "\"unheld\": null");
    CHECK_SAYS(json, "\"listed_by\": null");
    CHECK_SAYS(json, "\"known_bytes\": null");
    CHECK_SAYS(json, "\"processes_complete\": true");
    CHECK_SAYS(json, "\"No list of all buffers was compared");
    CHECK_DOES_NOT_SAY(json, "\"complete\"");
}

constexpr std::uint64_t mebibyte = 1U << 20U;

} // namespace

TEST_CASE("without a list of all buffers, the memory that no process holds is unknown") {
    fake::kernel kernel;
    kernel.buffer(1, 24 * mebibyte, "drm"); // lives on as a GEM handle
    SECTION("and no process holds any") {
        check_unknown(kernel, "No process holds a DMA-BUF.\n");
    }
    SECTION("and a process holds some") {
        kernel.add(10, "p").open(kernel.buffer(2, mebibyte));
        check_unknown(kernel, "1 buffer, 1.0 MiB in all, held by 1 process\n");
    }
}

TEST_CASE("who may be root is told so, and who is root is not") {
    fake::kernel kernel;
    CHECK_SAYS(said(kernel, {}), "may be missing: run as root.\n");
    CHECK_SAYS(said(kernel, {"root", "trace"}), "may be missing.\n");
}

TEST_CASE("with a list of all buffers, the share that processes explain is told") {
    fake::kernel kernel;
    kernel.debugfs = true;
    SECTION("nothing of it") {
        kernel.buffer(1, 24 * mebibyte, "drm");
        auto const text = said(kernel, {"root", "trace"});
        CHECK_SAYS(text, "No process holds a DMA-BUF.\n"
                         "1 buffer, 24.0 MiB, held by no process seen, as bufinfo lists them\n");
        CHECK_SAYS(text,
                   "Buffers: compared with the list of bufinfo; processes hold 0 B of 24.0 MiB "
                   "(0 %). A buffer that was handed on meanwhile counts as not held.\n");
    }
    SECTION("a part, rounded down") {
        kernel.buffer(1, 1, "drm");
        kernel.add(10, "p").open(kernel.buffer(2, 3 * mebibyte));
        CHECK_SAYS(said(kernel, {"root", "trace"}), "processes hold 3.0 MiB of 3.0 MiB (99 %).");
        auto const json = said(kernel, {"root", "trace"}, {"--json", "--pid", "10"});
        CHECK_SAYS(json, "\"held_bytes\": 3145728");
        CHECK_SAYS(json, "\"known_bytes\": 3145729");
        CHECK_SAYS(json, "\"unheld_bytes\": 1");
    }
    SECTION("all of it: then no buffer was missed that was handed on") {
        kernel.add(10, "p").open(kernel.buffer(2, 3 * mebibyte));
        CHECK_SAYS(said(kernel, {"root", "trace"}),
                   ", all seen.\nBuffers: compared with the list of bufinfo; "
                   "processes hold 3.0 MiB of 3.0 MiB (100 %).\n");
    }
    SECTION("a part of it, where a size cannot be true") {
        kernel.add(10, "p").open(kernel.buffer(2, 3 * mebibyte));
        kernel.at(10).open(kernel.buffer(3, ~std::uint64_t{0}));
        CHECK_SAYS(said(kernel, {"root", "trace"}),
                   "Processes: incomplete.\n  1 buffer is of unknown size and not in the sums: not "
                   "told in "
                   "time, or too large to be true.\n"
                   "Buffers: compared with the list of bufinfo; processes hold at least 3.0 MiB of "
                   "at least 3.0 MiB.\n");
    }
    SECTION("where there is none") {
        CHECK_SAYS(said(kernel, {"root", "trace"}),
                   ", all seen.\nBuffers: compared with the list of bufinfo, which has none.\n");
    }
}

namespace {

/// The words on the sources, on a kernel of this release without a sysfs tree.
std::string said_of_sources(std::string_view release, report::rights const& mine,
                            bpf::bpffs& pinned, bool no_debugfs = false) {
    fake::kernel kernel;
    kernel.caller = mine.root ? fake::rights::root() : fake::rights::user(1000);
    kernel.add(10, "p", 1000).open(kernel.buffer(1, 4096));
    using system_with_pins = bpf::pinned<fake::system>;
    dmabuf::basic_sampler<system_with_pins> sampler(
        {.unheld = true, .bufinfo = mine.root && !no_debugfs},
        system_with_pins{{&kernel}, &pinned});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    return report::source_words(now, mine, release);
}

report::rights user_of(bool can_pin, bool can_pin_list) {
    report::rights mine;
    mine.debugfs = true;
    mine.can_pin = can_pin;
    mine.can_pin_list = can_pin_list;
    return mine;
}

report::rights root_of(bool can_pin, bool can_pin_list) {
    auto mine = user_of(can_pin, can_pin_list);
    mine.root = mine.trace = true;
    return mine;
}

} // namespace

TEST_CASE("of a list of all buffers, the ways that this kernel has are named") {
    // As seen on Debian's kernels of these releases, and on patched ones, which have no BTF.
    struct {
        char const* release;
        report::rights mine;
        bool no_debugfs;
        char const* said;
    } const cases[] = {
        {"7.3.4+deb13-amd64", user_of(true, true), false,
         "/sys/fs/bpf/dmabuf/buffers: no such file (ENOENT). To have one, let root pin the "
         "kernel's "
         "(dmabuf_pin --mode or --group), or run as root, who may read that of debugfs.\n"},
        {"7.3.4+deb13-amd64", root_of(true, true), true,
         "/sys/fs/bpf/dmabuf/buffers: no such file (ENOENT). To have one, pin the kernel's "
         "(dmabuf_pin), or leave out --no-debugfs.\n"},
        {"7.3.4+deb13-amd64", root_of(true, true), false,
         "/sys/kernel/debug/dma_buf/bufinfo: no such file (ENOENT). To have one, pin the kernel's "
         "(dmabuf_pin), or mount debugfs on /sys/kernel/debug.\n"},
        {"7.3.4", user_of(false, false), false,
         "none. To have one, run as root, who may read that of debugfs.\n"},
        {"6.12.117+deb12-amd64", user_of(true, false), false,
         "none. To have one, run as root, who may read that of debugfs, or build the kernel with "
         "CONFIG_DMABUF_SYSFS_STATS.\n"},
        {"5.10.0-46-amd64", user_of(false, false), false,
         "none. To have one, run as root, who may read that of debugfs.\n"},
        {"5.10.0-46-amd64", root_of(false, false), true,
         "none. To have one, leave out --no-debugfs.\n"},
    };
    for (auto const& [release, mine, no_debugfs, expected] : cases) {
        CAPTURE(release, mine.root, no_debugfs);
        bpf::bpffs nothing_pinned;
        auto const text = said_of_sources(release, mine, nothing_pinned, no_debugfs);
        CHECK_SAYS(text, expected);
        CHECK_DOES_NOT_SAY(text, "/sys/kernel/dmabuf");
    }
}

TEST_CASE("where no way is open, none is named") {
    bpf::bpffs nothing_pinned;
    CHECK_SAYS(said_of_sources("7.3.4", {}, nothing_pinned), "List of all buffers: none.\nRead: ");
}

TEST_CASE("the build option of sysfs's tree is named to the releases that had it") {
    bpf::bpffs nothing_pinned;
    for (auto const* const release : {"5.15.0", "6.1.0", "6.19.14"})
        CHECK_SAYS(said_of_sources(release, user_of(true, false), nothing_pinned),
                   "CONFIG_DMABUF_SYSFS_STATS");
    for (auto const* const release : {"5.10.0", "5.14.0", "7.0.13", "7.3.4", ""})
        CHECK_DOES_NOT_SAY(said_of_sources(release, user_of(true, false), nothing_pinned),
                           "CONFIG_DMABUF_SYSFS_STATS");
    // A pinned list is cheaper, and needs no other kernel.
    CHECK_DOES_NOT_SAY(said_of_sources("6.16.12", user_of(true, true), nothing_pinned),
                       "CONFIG_DMABUF_SYSFS_STATS");
}

TEST_CASE("pins that are another's, or of another version, have their cure") {
    bpf::bpffs pinned;
    for (auto const* const path : {bpf::descriptors_path, bpf::buffers_path})
        pinned.pins[path].open_error = EACCES;
    auto const text = said_of_sources("7.3.4", user_of(true, true), pinned);
    CHECK_SAYS(text, "/sys/fs/bpf/dmabuf/descriptors: permission denied (EACCES) (root can pin "
                     "them for this user: dmabuf_pin --mode or --group)");
    CHECK_SAYS(text, "/sys/fs/bpf/dmabuf/buffers: permission denied (EACCES). To have one, let "
                     "root pin the kernel's (dmabuf_pin --mode or --group)");

    auto const older = bpf::header(DMABUF_BPF_DESCRIPTOR, 0, DMABUF_BPF_VERSION - 1);
    pinned.pins[bpf::descriptors_path] = bpf::pin::of(older);
    CHECK_SAYS(said_of_sources("7.3.4", root_of(true, true), pinned),
               "of another version (EPROTONOSUPPORT) (dmabuf_pin pins them)");
}

TEST_CASE("of a better source, only what this kernel can have is named") {
    bpf::bpffs nothing_pinned;
    auto const said_to = [&](report::rights const& mine) {
        return said_of_sources("5.10.0", mine, nothing_pinned);
    };
    CHECK_SAYS(said_to(root_of(true, false)),
               "/sys/fs/bpf/dmabuf/descriptors: no such file (ENOENT) (dmabuf_pin pins them); ");
    CHECK_SAYS(said_to(user_of(true, false)),
               "(root can pin them for this user: dmabuf_pin --mode or --group); ");
    CHECK_SAYS(said_to(user_of(false, false)),
               "(dmabuf_pin could not pin them: that takes Linux 5.11 with BTF); ");
    CHECK_SAYS(said_to({}), "/dmabuf_fds: no such file (ENOENT) (a patched kernel has it).\n");
}

TEST_CASE("by pins, exporters and names that no program may read are said to be that") {
    dmabuf::snapshot now;
    now.coverage.found_by = dmabuf::source::bpf_iterator;
    now.coverage.buffers_undescribed = 2;
    CHECK_SAYS(report::coverage_words(now, {}),
               "2 buffers are without exporter or name here: this kernel lets no BPF program read "
               "them (lockdown=confidentiality), but descriptors tell them (--source fd_walk).\n");
}

TEST_CASE("a list that leaves out what O_PATH descriptors alone hold is said to") {
    fake::kernel kernel;
    kernel.add(10, "p").open(kernel.buffer(1, 4096));
    bool const sysfs = GENERATE(false, true);
    kernel.sysfs_buffers = sysfs;
    kernel.debugfs = true;
    auto const text = said(kernel, {"root", "trace"}, {"--verbose"});
    CHECK_SAYS(text, sysfs ? "List of all buffers: sysfs.\n"
                           : "List of all buffers: bufinfo, without buffers that O_PATH "
                             "descriptors alone hold.\n");
}

TEST_CASE("a recording keeps what could be switched on where it was made") {
    report::rights mine;
    mine.debugfs = mine.can_pin = mine.can_pin_list = true;
    auto const kept = report::rights_of(report::words_of(mine));
    CHECK(kept.debugfs);
    CHECK(kept.can_pin);
    CHECK(kept.can_pin_list);

    fake::kernel kernel;
    kernel.caller = fake::rights::user(1000);
    kernel.add(10, "p", 1000).open(kernel.buffer(1, 4096));
    dmabuf::sample_options wanted;
    wanted.unheld = true;
    wanted.bpf = false;
    auto recording = support::record(kernel, wanted).recording;
    recording.made.kernel = "7.3.4+deb13-amd64";
    recording.made.rights = report::words_of(mine);
    CHECK_SAYS(programs::replayed(recording, {"--verbose"}).out,
               "To have one, let root pin the kernel's (dmabuf_pin --mode or --group), or run as "
               "root, who may read that of debugfs.\n");
}

TEST_CASE("references that no process explains are told, and that two are ordinary on DRM") {
    fake::kernel kernel;
    kernel.debugfs = true;
    auto const gem = kernel.buffer(11, mebibyte, "drm");
    gem->driver_references = 2;
    gem->devices = {"vimc.0", "vimc.0", "0000:00:02.0"};
    auto const kept = kernel.buffer(12, mebibyte, "drm");
    kept->driver_references = 2;
    kernel.add(10, "p").open(gem);
    SECTION("and shown by buffer") {
        auto const text = said(kernel, {"root", "trace"}, {"--buffers"});
        CHECK_SAYS(text, "   11  1.0 MiB  drm         1     0      2  0000:00:02.0, vimc.0 ×2");
        CHECK_SAYS(text, "   12  1.0 MiB  drm           2\n");
        CHECK_SAYS(text, "For a\nbuffer that DRM exported two are ordinary");
        CHECK_DOES_NOT_SAY(said(kernel, {"root", "trace"}), "OTHER");
    }
    SECTION("as JSON, of held and of other buffers") {
        auto const json = said(kernel, {"root", "trace"}, {"--json"});
        CHECK_SAYS(json, "\"count\": 3,\n      \"other_references\": 2");
        CHECK_SAYS(json, "\"count\": 2,\n      \"other_references\": 2");
        CHECK_SAYS(json, "{\"device\": \"vimc.0\", \"times\": 2}");
        CHECK(count(json, "\"attachments\": []") == 1);
    }
    SECTION("unknown ones are no number") {
        kernel.dmabuf_fds = true; // O_PATH is not marked
        auto const text = said(kernel, {"root", "trace"}, {"--buffers"});
        CHECK_SAYS(text, "   11  1.0 MiB  drm         1     0      ?  0000:00:02.0, vimc.0 ×2");
        CHECK_SAYS(text, "   12  1.0 MiB  drm           2\n"); // no process has any
        auto const json = said(kernel, {"root", "trace"}, {"--json"});
        CHECK(count(json, "\"other_references\": null") == 1);
    }
}
