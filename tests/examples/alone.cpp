// SPDX-License-Identifier: MIT
//
// The holdings of one process, as dmabuf_ps shows them: beside all others, and alone.
#include "program.hpp"

#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;
using words = std::vector<std::string>;

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

/// One and two share a buffer, and each has one of its own; three holds nothing.
void furnish(fake::kernel& kernel) {
    auto const frame = kernel.buffer(10, 3 * mebibyte, "system", "frame");
    auto& one = kernel.add(100, "one", 1000);
    auto& two = kernel.add(101, "two", 1001);
    one.open(frame);
    one.open(frame, true);
    one.map(frame, mebibyte);
    one.open(kernel.buffer(11, 8 * mebibyte, "udmabuf"));
    two.open(frame);
    two.open(kernel.buffer(12, mebibyte, "system", ""));
    kernel.add(102, "three", 1000);
}

replay::recording with_rights(replay::recording made) {
    made.made.kernel = "6.12";
    made.made.rights = {"root", "trace", "checkpoint_restore", "search"};
    return made;
}

replay::recording of_all() {
    fake::kernel kernel;
    furnish(kernel);
    dmabuf::sample_options options;
    options.counts = options.cgroups = true;
    return with_rights(support::record(kernel, options).recording);
}

replay::recording of_one(std::int32_t pid) {
    fake::kernel kernel;
    furnish(kernel);
    dmabuf::sample_options options;
    options.counts = options.cgroups = true;
    return with_rights(support::record_alone(kernel, pid, options).recording);
}

std::string shown(replay::recording const& made, words const& options) {
    auto const answer = programs::replayed(made, options);
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    return answer.out;
}

std::string refused(replay::recording const& made, words const& options) {
    auto const answer = programs::replayed(made, options);
    INFO(answer.out);
    CHECK(answer.status == 1);
    CHECK(answer.out.empty());
    return answer.err;
}

bool begins(std::string const& text, std::string_view beginning) {
    INFO(text);
    return text.starts_with(beginning);
}

bool has(std::string const& text, std::string_view part) {
    INFO(text);
    return text.find(part) != text.npos;
}

} // namespace

TEST_CASE("what one process holds: its own descriptors and mappings, its share, and the others") {
    auto const text = shown(of_all(), {"--pid", "100", "--buffers"});
    INFO(text);
    CHECK(begins(text, "INODE     SIZE    SHARE  HOLDERS  FDS  MAPS  EXPORTER  NAME   SHARED WITH\n"
                       "   11  8.0 MiB  8.0 MiB        1    1     0  udmabuf   -      -\n"
                       "   10  3.0 MiB  1.5 MiB        2    2     1  system    frame  101 two\n"
                       "\nShowing 1 of 2 processes, 2 of 3 buffers, 11.0 MiB of 12.0 MiB\n"));
    // Of several processes no row is one's.
    CHECK(has(shown(of_all(), {"--pid", "100,101", "--buffers"}), "OTHER"));
}

TEST_CASE("alone: the same rows, and what others tell is unknown") {
    auto const made = of_one(100);
    auto const text = shown(made, {"--pid", "100", "--alone", "--buffers"});
    INFO(text);
    CHECK(
        text ==
        "INODE     SIZE  SHARE  HOLDERS  FDS  MAPS  EXPORTER  NAME\n"
        "   11  8.0 MiB      ?        ?    1     0  udmabuf   -\n"
        "   10  3.0 MiB      ?        ?    2     1  system    frame\n"
        "\n2 buffers, 11.0 MiB in all, held by 1 process\n"
        "  exporter udmabuf: 1 buffer, 8.0 MiB\n"
        "  exporter system: 1 buffer, 3.0 MiB\n"
        "Process 100 alone: all that it holds was found. No other process was looked at: PSS, USS "
        "and other holders are unknown.\n");
    CHECK(begins(shown(made, {}), "PID  USER  BUFFERS  FDS  MAPS  PSS       RSS  USS  COMMAND\n"
                                  "100  1000        2    3     1    ?  11.0 MiB    ?  one\n"));
    CHECK(has(shown(made, {"--verbose"}), "Source: fd_walk"));
    CHECK_FALSE(has(shown(made, {"--verbose"}), "List of all buffers"));
}

TEST_CASE("alone: JSON has null for what others tell, and all else") {
    auto const told = json::parse(shown(of_one(100), {"--json"}));
    auto const& process = told.at("processes").at(0);
    CHECK(process.at("pid") == 100);
    CHECK(process.at("rss_bytes") == 11 * mebibyte);
    CHECK(process.at("mapped_bytes") == mebibyte);
    CHECK(process.at("references").size() == 2);
    for (auto const* sum : {"pss_bytes", "uss_bytes"}) {
        CHECK(process.at(sum).is_null());
        CHECK(told.at("users").at(0).at(sum).is_null());
        CHECK(told.at("cgroups").at(0).at(sum).is_null());
    }
    for (auto const& buffer : told.at("buffers"))
        for (auto const* unknown : {"holders", "pids", "other_references"})
            CHECK(buffer.at(unknown).is_null());
    CHECK(told.at("buffers").at(0).at("count") == 3); // one's two, and that of another
    CHECK(told.at("unheld").is_null());
    auto const& coverage = told.at("coverage");
    CHECK(coverage.at("alone_pid") == 100);
    CHECK(coverage.at("found_all_held") == true);
    CHECK(coverage.at("processes_complete") == false);
    CHECK(coverage.at("processes") == 1);
    CHECK(coverage.at("notes").size() == 1);
    auto const all = json::parse(shown(of_all(), {"--json"}));
    CHECK(all.at("coverage").at("alone_pid").is_null());
    CHECK(all.at("coverage").at("found_all_held") == true);
    CHECK(all.at("buffers").at(0).at("holders") == 2);
}

TEST_CASE("alone: a recording tells that it is of one, and shows it with or without the options") {
    auto const made = of_one(100);
    CHECK(has(replay::write(made), "\nalone 100\n"));
    CHECK_FALSE(has(replay::write(of_all()), "\nalone"));
    for (words const& view : {words{}, words{"--buffers"}, words{"--json"}}) {
        auto with = view;
        with.insert(with.end(), {"--pid", "100", "--alone"});
        CHECK(shown(made, view) == shown(made, with));
    }
    CHECK(refused(made, {"--pid", "101"}).ends_with(" is of process 100 alone\n"));
    CHECK(refused(of_all(), {"--pid", "100", "--alone"})
              .ends_with(" is of all processes: leave out --alone\n"));
    CHECK(has(refused(made, {"--diff", "0"}), "holds one sample"));
}

TEST_CASE("alone: nothing that others tell is read of a recording as if it were known") {
    for (auto const* by : {"user", "cgroup", "exporter"})
        CHECK(has(shown(of_one(100), {"--by", by}), "Process 100 alone"));
    for (auto const* by : {"user", "cgroup"})
        CHECK(has(shown(of_one(100), {"--by", by}), "  ?  11.0 MiB    ?  "));
    for (auto const* key : {"pss", "rss", "uss", "buffers", "name", "pid"})
        CHECK(has(shown(of_one(100), {"--sort", key}), "one\n"));
}

TEST_CASE("alone: a recording of one process has one sample") {
    auto text = replay::write(of_one(100));
    text.replace(text.find("samples 1"), 9, "samples 2");
    auto const parsed = replay::parse(text);
    REQUIRE(std::holds_alternative<replay::malformed>(parsed));
    CHECK(std::get<replay::malformed>(parsed).why == "one process alone is looked at once");
    text.replace(text.find("samples 2"), 9, "samples 1");
    for (auto const* pid : {"0", "-1", "2147483648", ""}) {
        auto broken = text;
        broken.replace(broken.find("alone 100"), 9, std::string("alone ") + pid);
        CHECK(std::holds_alternative<replay::malformed>(replay::parse(broken)));
    }
}

TEST_CASE("alone: where a part may not be read, that is said") {
    fake::kernel kernel;
    furnish(kernel);
    auto const worker = std::make_shared<fake::table>();
    kernel.at(100).add_thread(450, worker);
    kernel.caller = fake::rights::user(1000);
    bool done = false; // after the first table the process runs a set-user-ID program
    kernel.event = [&](fake::call_event const& event) {
        if (!std::exchange(done, done || event.path == "/proc/100/task/450/fd") && done)
            kernel.at(100).dumpable = false;
    };
    auto made = support::record_alone(kernel, 100).recording;
    auto const text = shown(made, {});
    CHECK(has(text, "Process 100 alone: incomplete. No other process was looked at"));
    CHECK(
        has(text, "  A part of process 100 may not be read: run as root, or with CAP_SYS_PTRACE."));
}
