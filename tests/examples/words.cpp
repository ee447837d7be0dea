// SPDX-License-Identifier: MIT
//
// Where something is missing, dmabuf_ps names the reason and the cure that are right.
#include "program.hpp"
#include "report/coverage_words.hpp"
#include "systems/followed_calls.hpp"

namespace {

using words = std::vector<std::string>;

/// What dmabuf_ps says of this system, to a caller of these rights, without BPF.
std::string said(fake::kernel& kernel, words const& rights, words const& options = {}) {
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.unheld = wanted.bufinfo = kernel.debugfs;
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
    auto const text = report::source_words(now);
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

/// What the report says where the kernel's list tells more than the processes, or there is none.
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
    SECTION("where there is none") {
        CHECK_SAYS(said(kernel, {"root", "trace"}),
                   ", all seen.\nBuffers: compared with the list of bufinfo, which has none.\n");
    }
}
