// SPDX-License-Identifier: MIT
//
// dmabuf_ps --args: the command lines of the processes shown, whatever they hold.
#include "identity/command_lines.hpp"
#include "program.hpp"
#include "replay/anonymise.hpp"
#include "systems/wrappers.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace std::string_literals;
using words = std::vector<std::string>;

/// The recording that `dmabuf_ps --record` makes of this system, with --args or without.
replay::recording recorded(fake::kernel& kernel, bool args = true) {
    replay::recording_system<fake::system> const system(fake::system{&kernel});
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    dmabuf::snapshot now;
    {
        dmabuf::basic_sampler<replay::recording_system<fake::system>> sampler(wanted, system);
        REQUIRE(sampler.sample(now));
    }
    std::vector<dmabuf::holder const*> all;
    for (auto const& who : now.holders)
        all.push_back(&who);
    if (args) (void)identity::read_command_lines(system, all);
    replay::recording done;
    done.made.kernel = "6.12";
    done.made.options = wanted;
    done.entries = system.entries();
    return done;
}

std::string shown(replay::recording const& recording, words const& options) {
    auto const answer = programs::replayed(recording, options);
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    return answer.out;
}

nlohmann::json process_in(replay::recording const& recording, int pid) {
    auto const report = nlohmann::json::parse(shown(recording, {"--args", "--json"}));
    for (auto const& one : report["processes"])
        if (one["pid"] == pid) return one;
    FAIL("process " << pid << " is not shown");
    return {};
}

/// A process that holds a buffer of its own.
fake::process& add_holder(fake::kernel& kernel, int pid, std::string comm, std::string arguments) {
    auto& process = kernel.add(pid, std::move(comm));
    process.command_line = std::move(arguments);
    process.open(kernel.buffer(static_cast<std::uint64_t>(pid), 4096));
    return process;
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

} // namespace

TEST_CASE("args: ten processes of one name are told apart") {
    fake::kernel kernel;
    for (int pid = 100; pid < 110; ++pid)
        add_holder(kernel, pid, "chrome",
                   "chrome\0--type=renderer\0--renderer-client-id="s + std::to_string(pid) + "\0"s);
    auto const recording = recorded(kernel);
    auto const text = shown(recording, {"--args"});
    for (int pid = 100; pid < 110; ++pid) {
        auto const id = std::to_string(pid);
        CHECK(has(text, "chrome   chrome --type=renderer --renderer-client-id=" + id + "\n"));
        CHECK(process_in(recording, pid)["args"] ==
              words{"chrome", "--type=renderer", "--renderer-client-id=" + id});
    }
    CHECK_FALSE(has(shown(recording, {}), "--type"));
    CHECK_FALSE(has(shown(recording, {"--json"}), "args"));
    auto const one = shown(recording, {"--args", "--pid", "104"});
    CHECK(has(one, "id=104"));
    CHECK_FALSE(has(one, "id=105"));
}

TEST_CASE("args: a command line is hostile, as any name") {
    fake::kernel kernel;
    add_holder(kernel, 100, "evil",
               "a\nPID  USER\r\0\x1b]0;title\x07\0\"b\", \\x41\0\xff\xc0\xe2\x80\xae\0\0z\0"s);
    auto const recording = recorded(kernel);
    CHECK(has(shown(recording, {"--args"}),
              "evil     a\\nPID  USER\\r \\x1b]0;title\\x07 \"b\", \\\\x41 "
              "\\xff\\xc0\\xe2\\x80\\xae  z\n"));
    auto const process = process_in(recording, 100);
    CHECK(process["args"] == words{"a\\nPID  USER\\r", "\\x1b]0;title\\x07", "\"b\", \\\\x41",
                                   "\\xff\\xc0\\xe2\\x80\\xae", "", "z"});
    CHECK(process["args_cut"] == false);
}

TEST_CASE("args: a long one is cut, and said to be") {
    fake::kernel kernel;
    add_holder(kernel, 100, "long", "long\0"s + std::string(4091, 'x'));
    add_holder(kernel, 101, "longer", "longer\0"s + std::string(1'000'000, 'y'));
    add_holder(kernel, 102, "none", "");
    auto const recording = recorded(kernel);
    auto const text = shown(recording, {"--args"});
    CHECK(has(text, " long " + std::string(4091, 'x') + "\n"));
    CHECK(has(text, " longer " + std::string(4089, 'y') + "\\..\n"));
    CHECK(has(text, "none     -\n"));
    CHECK(process_in(recording, 100)["args_cut"] == false);
    CHECK(process_in(recording, 101)["args_cut"] == true);
    CHECK(process_in(recording, 102)["args"].empty());
}

TEST_CASE("args: whoever is given the number of a process is not taken for it") {
    auto const change_at = GENERATE(range(0U, 12U));
    bool const reused = GENERATE(false, true);
    CAPTURE(change_at, reused);
    fake::kernel kernel;
    add_holder(kernel, 100, "one", "mine\0"s);
    unsigned last_of_sample = 0;
    {
        fake::kernel rehearsal;
        add_holder(rehearsal, 100, "one", "mine\0"s);
        (void)recorded(rehearsal, false);
        last_of_sample = rehearsal.calls();
    }
    kernel.event = [&](fake::call_event const& event) {
        if (event.number != last_of_sample + change_at + 1) return;
        kernel.exit(100);
        if (!reused) return;
        auto& other = kernel.add(100, "one");
        other.start_ticks = 999'999;
        other.command_line = "another's\0"s;
    };
    auto const process = process_in(recorded(kernel), 100);
    CHECK((process["args"].is_null() || process["args"] == words{"mine"}));
    if (change_at == 0) CHECK(process["args"].is_null());
    if (change_at == 11) CHECK(process["args"] == words{"mine"});
}

TEST_CASE("args: they are read of the processes shown, nine calls for each") {
    fake::kernel kernel;
    for (int pid = 100; pid < 105; ++pid)
        add_holder(kernel, pid, "p", "p\0-x\0"s);
    std::size_t asked = 0; // lives longer than the sampler, whose end makes calls too
    dmabuf::snapshot now;
    dmabuf::basic_sampler<fake::system> sampler({}, fake::system{&kernel});
    REQUIRE(sampler.sample(now));
    std::vector<dmabuf::holder const*> some{&now.holders[1], &now.holders[3]};
    auto const open = kernel.open_descriptors();
    kernel.event = [&](fake::call_event const& event) {
        asked += has(event.path, "/proc/101") || has(event.path, "/proc/103");
        CHECK_FALSE(has(event.path, "/proc/100"));
    };
    auto const lines = identity::read_command_lines(fake::system{&kernel}, some);
    CHECK(asked == 18);
    CHECK(lines.of(now.holders[1])->arguments == "p\0-x"s);
    CHECK(lines.of(now.holders[0]) == nullptr);
    CHECK(kernel.open_descriptors() == open);
}

TEST_CASE("args: a recording has them only where they were asked for, and other ones where it is "
          "anonymised") {
    fake::kernel kernel;
    add_holder(kernel, 100, "p", "p\0--password=secret\0"s);
    auto const without = programs::replayed(recorded(kernel, false), {"--args"});
    CHECK(without.status == 1);
    CHECK(has(without.err, "holds no command lines: record it with --args\n"));
    CHECK(without.out.empty());
    auto const recording = recorded(kernel);
    CHECK(has(shown(recording, {"--args"}), "p --password=secret"));
    auto const other = replay::anonymised(recording);
    CHECK_FALSE(has(replay::write(other), "secret"));
    CHECK(has(shown(other, {"--args"}), "argument-1 argument-2\n"));
}

TEST_CASE("args: they are asked for where there is a row for each process") {
    fake::kernel kernel;
    auto const recording = recorded(kernel);
    for (auto const& other : {words{"--buffers"}, words{"--by", "user"}, words{"--diff", "0"}}) {
        auto options = other;
        options.emplace_back("--args");
        auto const answer = programs::replayed(recording, options);
        CHECK(answer.status == 2);
        CHECK(has(answer.err, "--args: it goes with one row per process, or with --json"));
    }
}
