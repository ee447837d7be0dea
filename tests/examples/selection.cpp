// SPDX-License-Identifier: MIT
//
// The options that choose what is shown: patterns, sizes, and the sums over what is left.
#include "options/size.hpp"
#include "program.hpp"
#include "selection/criteria.hpp"

#include <nlohmann/json.hpp>

namespace {

using words = std::vector<std::string>;

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

constexpr std::uint64_t mib = 1U << 20U;

/// Five processes and five buffers: what each holds is written beside it.
void furnish(fake::kernel& kernel) {
    auto const frame = kernel.buffer(10, 6 * mib, "system", "frame");
    auto const small = kernel.buffer(11, mib, "system", "a,\"b\"\nc*");
    auto const camera = kernel.buffer(12, 3 * mib, "vb2");
    auto const empty = kernel.buffer(13, 2 * mib, "vb2", "");
    kernel.buffer(14, 8 * mib, "vb2", "kept");
    kernel.debugfs = true;
    auto const add = [&](int pid, std::string comm, std::uint32_t uid,
                         std::string cgroup) -> auto& {
        auto& process = kernel.add(pid, std::move(comm), uid);
        process.cgroup = std::move(cgroup);
        return process;
    };
    auto& compositor = add(100, "compositor", 0, "/system.slice/weston");
    compositor.open(frame);
    compositor.open(camera);
    auto& player = add(101, "player", 1000, "/user.slice/player"); // 6 and 1 MiB
    player.open(frame);
    player.open(small);
    add(102, "player", 1001, "/user.slice/other").open(small);
    add(103, "a*b\n", 1000, "/user.slice/camera").open(camera); // 3 MiB
    add(104, "last", 1000, "/").open(empty);                    // 2 MiB
}

replay::recording recorded(bool everything = true) {
    fake::kernel kernel;
    furnish(kernel);
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.unheld = wanted.bufinfo = true;
    wanted.cgroups = wanted.exporters = wanted.names = everything;
    auto done = support::record(kernel, wanted).recording;
    done.made.kernel = "6.12";
    done.made.users = {{0, "root"}, {1000, "me"}, {1001, "evil\x1b"}};
    return done;
}

std::string shown(words const& options, bool everything = true) {
    auto const answer = programs::replayed(recorded(everything), options);
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    return answer.out;
}

nlohmann::json json(words options) {
    options.emplace_back("--json");
    return nlohmann::json::parse(shown(options));
}

std::vector<int> pids_in(nlohmann::json const& report) {
    std::vector<int> pids;
    for (auto const& one : report["processes"])
        pids.push_back(one["pid"]);
    return pids;
}

} // namespace

TEST_CASE("selection: a pattern is a name as it is shown, with * and ?") {
    struct {
        char const* pattern;
        std::string_view name;
        bool fits;
    } const table[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"*", "", true},
        {"*", "any\n\xff", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "ab", false},
        {"?", "ä", true}, // a character, not a byte
        {"a?c", "aäc", true},
        {"chrome", "chrome", true},
        {"chrome", "chromed", false},
        {"chrome", "Chrome", false},
        {"chrome*", "chrome", true},
        {"chrome*", "chrome-gpu", true},
        {"*gpu", "chrome-gpu", true},
        {"*gpu", "gpu gpu", true},
        {"*gp?", "gpugpa", true},
        {"a*b*c", "a-b-b-c", true},
        {"a*b*c", "a-c-b", false},
        {"**a**", "bab", true},
        {"a\\nb", "a\nb", true}, // as it is shown
        {"a\nb", "a\nb", false},
        {"\\\\x41", "\\x41", true},
        {"\\xff", "\xff", true},
        {"[a]", "[a]", true}, // no brackets
        {"[a]", "a", false},
        {"?", "*", true},
    };
    for (auto const& row : table) {
        CAPTURE(row.pattern, std::string(row.name));
        CHECK(selection::pattern(row.pattern).fits(row.name) == row.fits);
    }
    std::string const stars(30, '*');
    CHECK_FALSE(selection::pattern(stars + "b").fits(std::string(60'000, 'a'))); // soon
    dmabuf::inline_text<3> const cut("abcdef");
    CHECK(selection::pattern("abc\\..").fits(cut));
    CHECK_FALSE(selection::pattern("abc").fits(cut));
}

TEST_CASE("selection: sizes have units of 1024") {
    auto const size = [](std::string_view word) {
        std::uint64_t bytes = 0;
        return command_line::parse_size(word, bytes) ? std::to_string(bytes) : "none";
    };
    CHECK(size("0") == "0");
    CHECK(size("4096") == "4096");
    CHECK(size("1K") == "1024");
    CHECK(size("1KiB") == "1024");
    CHECK(size("3M") == "3145728");
    CHECK(size("3MiB") == "3145728");
    CHECK(size("2G") == "2147483648");
    CHECK(size("1TiB") == "1099511627776");
    CHECK(size("18446744073709551615") == "18446744073709551615");
    CHECK(size("16777215T") == "18446742974197923840");
    for (auto const* none :
         {"", "K", "iB", "MiB", "1iB", "1B", "1MB", "1m", "1k", "-1", "+1", "1.5M", " 1", "1 M",
          "1MM", "0x10", "16777216T", "18446744073709551616", "nan"})
        CHECK(size(none) == "none");
}

TEST_CASE("selection: processes by user, name and cgroup") {
    CHECK(pids_in(json({"--user", "me"})) == std::vector{101, 104, 103});
    CHECK(pids_in(json({"--user", "1000"})) == std::vector{101, 104, 103});
    CHECK(pids_in(json({"--user", "evil\\x1b"})) == std::vector{102});
    CHECK(pids_in(json({"--comm", "player"})) == std::vector{101, 102});
    CHECK(pids_in(json({"--comm", "player", "last"})) == std::vector{101, 104, 102});
    CHECK(pids_in(json({"--comm", "player", "--comm", "last"})) == std::vector{101, 104, 102});
    CHECK(pids_in(json({"--comm", "player", "--user", "me"})) == std::vector{101});
    CHECK(pids_in(json({"--comm", "a?b\\n"})) == std::vector{103});
    CHECK(pids_in(json({"--cgroup", "/user.slice/*"})) == std::vector{101, 103, 102});
    CHECK(pids_in(json({"--pid", "100,101", "--user", "me"})) == std::vector{101});
    CHECK(pids_in(json({"--comm", "play"})).empty());
    CHECK(pids_in(json({"--comm", ""})).empty());
}

TEST_CASE("selection: where buffers are chosen, every number is of these alone") {
    auto const report = json({"--exporter", "vb2"});
    CHECK(pids_in(report) == std::vector{104, 100, 103});
    auto const& compositor = report["processes"][1];
    CHECK(compositor["rss_bytes"] == 3 * mib);
    CHECK(compositor["pss_bytes"] == 3 * mib / 2); // shared with 103
    CHECK(compositor["uss_bytes"] == 0);
    CHECK(compositor["references"].size() == 1);
    CHECK(report["totals"]["size_bytes"] == 5 * mib);
    CHECK(report["buffers"].size() == 2);
    CHECK(report["unheld"].size() == 1);
    CHECK(report["selected_from"]["processes"] == 5);
    CHECK(report["selected_from"]["buffers"] == 4);
    CHECK(report["selected_from"]["size_bytes"] == 12 * mib);
    CHECK(report["coverage"]["held_bytes"] == 12 * mib);
    CHECK(json({"--exporter", "system"})["unheld"].empty());
    CHECK(json({})["selected_from"].is_null());
}

TEST_CASE("selection: buffers by name, which nobody else chose for them") {
    CHECK(pids_in(json({"--name", "frame"})) == std::vector{100, 101});
    CHECK(pids_in(json({"--name", "a,\"b\"\\nc*"})) == std::vector{101, 102});
    CHECK(pids_in(json({"--name", ""})) == std::vector{104}); // an empty name, and not none
    CHECK(pids_in(json({"--name", "*"})) == std::vector{101, 100, 104, 102});
    CHECK(pids_in(json({"--name", "frame", "--comm", "player"})) == std::vector{101});
}

TEST_CASE("selection: the sums say what was left out, and are of everything") {
    auto const text = shown({"--comm", "player"});
    CHECK(has(text, "\nShowing 2 of 5 processes, 2 of 4 buffers, 7.0 MiB of 12.0 MiB\n"
                    "4 buffers, 12.0 MiB in all, held by 5 processes\n"
                    "  exporter system: 2 buffers, 7.0 MiB\n  exporter vb2: 2 buffers, 5.0 MiB\n"));
    CHECK(has(text, "processes hold 12.0 MiB of 20.0 MiB"));
    CHECK_FALSE(has(shown({}), "Showing"));
    CHECK(has(shown({"--comm", "nobody"}),
              "Nothing that is held fits what was asked for.\n"
              "Showing 0 of 5 processes, 0 of 4 buffers, 0 B of 12.0 MiB\n4 buffers, 12.0 MiB"));
    CHECK(has(shown({"--exporter", "vb2"}), "1 buffer, 8.0 MiB, held by no process seen"));
    CHECK_FALSE(has(shown({"--exporter", "system"}), "held by no process seen"));
}

TEST_CASE("selection: rows of a size, and the first ones") {
    CHECK(pids_in(json({"--min-size", "3M"})) == std::vector{100, 101, 103});
    CHECK(pids_in(json({"--min-size", "3145729"})) == std::vector{100, 101});
    CHECK(pids_in(json({"--top", "1"})) == std::vector{100});
    CHECK(pids_in(json({"--top", "1", "--sort", "pid", "--min-size", "4M"})) == std::vector{100});
    CHECK(pids_in(json({"--top", "9"})).size() == 5);
    auto const buffers = json({"--buffers", "--top", "2"})["buffers"];
    REQUIRE(buffers.size() == 2);
    CHECK(buffers[0]["inode"] == 10);
    CHECK(buffers[1]["inode"] == 12);
    auto const users = shown({"--by", "user", "--min-size", "2M"});
    CHECK(has(users, "\nShowing 2 of 3 users\n"));
    CHECK_FALSE(has(users, "evil"));
    CHECK(has(shown({"--by", "exporter", "--top", "1"}), "\nShowing 1 of 2 exporters\n"));
    CHECK(has(shown({"--buffers", "--min-size", "3M"}),
              "Showing 5 of 5 processes, 2 of 4 buffers, 9.0 MiB of 12.0 MiB\n"));
}

TEST_CASE("selection: a size that is not known is hidden by no other") {
    fake::kernel kernel;
    kernel.caller = fake::rights::ptrace_only(1000);
    kernel.add(9, "own", 1000).open(kernel.buffer(1, 4096)); // tells the DMA-BUFs' device
    kernel.add(10, "p", 2000).open(kernel.buffer(2, 64 * mib), true);
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    auto const answer =
        programs::replayed(support::record(kernel, wanted).recording, {"--min-size", "1M"});
    CHECK(has(answer.out, "  p\n"));
    CHECK_FALSE(has(answer.out, "  own\n"));
}

TEST_CASE("selection: what is not known to fit is counted") {
    auto const text = shown({"--name", "frame"}, false);
    CHECK(has(text, "Left out, since it is not known whether they fit: 4 buffers\n"));
    CHECK(has(shown({"--cgroup", "/*"}, false),
              "Left out, since their cgroups are not known: 5 processes\n"));
}

TEST_CASE("selection: wishes that cannot be had together") {
    auto const refused = [](words const& options, char const* why) {
        auto const answer = programs::replayed(recorded(), options);
        CAPTURE(options, answer.err);
        CHECK(answer.status == 2);
        CHECK(has(answer.err, why));
    };
    refused({"--min-size", "1MB"}, "--min-size: '1MB' is no size");
    refused({"--top", "0"}, "--top: '0' is not a whole number from 1");
    refused({"--diff", "0", "--top", "1"}, "--diff: it shows each row that changed");
    refused({"--by", "user", "--top", "1", "--json"}, "--by: in JSON");
}

TEST_CASE("selection: a report that has gaps is printed, and can be refused") {
    fake::kernel kernel;
    kernel.add(9, "own", 1000).open(kernel.buffer(1, 4096));
    kernel.add(10, "p", 2000).open(kernel.buffer(2, 8192));
    kernel.debugfs = true;
    bool const root = GENERATE(true, false);
    kernel.caller = root ? fake::rights::root() : fake::rights::user(1000);
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.unheld = true;
    wanted.bufinfo = root;
    auto const recording = support::record(kernel, wanted).recording;
    auto const without = programs::replayed(recording, {});
    auto const with = programs::replayed(recording, {"--require-complete"});
    CHECK(without.status == 0);
    CHECK(with.status == (root ? 0 : 3));
    CHECK(with.out == without.out);
    CHECK(programs::replayed(recording, {"--require-complete", "--pid", "77"}).status == 1);
}
