// SPDX-License-Identifier: MIT
//
// dmabuf_watch as a whole, on series of recordings: what it tells, whom it tells, and how it ends.
#include <dmabuf/trend.hpp>

#include "dmabuf_watch/look_times.hpp"
#include "program.hpp"
#include "series.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using nlohmann::json;
using words = std::vector<std::string>;

using programs::world;

class series : public programs::series {
public:
    using programs::series::series;

    /// Runs the program on it.
    [[nodiscard]] programs::answer watch(words const& options, words const& behind = {}) const {
        words all{DMABUF_WATCH};
        all.insert(all.end(), options.begin(), options.end());
        all.emplace_back("--replay");
        all.insert(all.end(), files().begin(), files().end());
        all.insert(all.end(), behind.begin(), behind.end());
        return programs::run(std::move(all));
    }

    /// Its rows, one JSON object each.
    [[nodiscard]] std::vector<json> rows(words options = {}) const {
        options.insert(options.begin(), {"--format", "ndjson"});
        auto const answer = watch(options);
        INFO(answer.err);
        CHECK(answer.status == 0);
        std::vector<json> all;
        std::istringstream lines(answer.out);
        for (std::string line; std::getline(lines, line);)
            all.push_back(json::parse(line));
        return all;
    }
};

/// The rows of one event.
std::vector<json> rows_of(std::vector<json> const& all, std::string const& event) {
    std::vector<json> some;
    for (auto const& one : all)
        if (one["event"] == event) some.push_back(one);
    return some;
}

/// The rate of a process's measure that was told to grow; NaN: it was not.
double rate(std::vector<json> const& all, int pid, std::string const& measure) {
    for (auto const& one : rows_of(all, "grows"))
        if (one["subject"] == "process" && one["pid"] == pid && one["measure"] == measure)
            return one["rate_per_second"];
    return std::nan("");
}

/// Within 10 %.
#define CHECK_NEAR(found, truth) CHECK(std::abs((found) - (truth)) <= 0.1 * (truth))

int count_of(std::string const& text, std::string_view word) {
    int found = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1))
        ++found;
    return found;
}

void leak_descriptor(world& it, int /*second*/) {
    it.one->open(it.first);
}

void leak_buffer(world& it, int /*second*/) {
    it.one->open(it.buffer());
}

/// Looks at which no process is said to be gone or to have appeared.
void check_all_stay(series const& looks) {
    auto const told = looks.watch({}).out;
    CHECK(told.find("gone") == told.npos);
    CHECK(told.find("appeared") == told.npos);
}

/// Leaks for a minute, holds for a minute, and leaks again.
void leak_twice(world& it, int second) {
    if (second < 60 || second >= 120) leak_descriptor(it, second);
}

} // namespace

TEST_CASE("watch: a descriptor a second on one buffer grows, and nothing else does") {
    series const looks(60, leak_descriptor);
    auto const rows = looks.rows();
    CHECK_NEAR(rate(rows, 10, "descriptors"), 1);
    for (auto const& one : rows_of(rows, "grows")) {
        CHECK(one["measure"] == "descriptors");
        CHECK(one["for_seconds"] > 40);
    }
    auto const text = looks.watch({});
    CHECK(text.status == 0);
    CHECK(count_of(text.out, ": grows: process 10 (one), for ") == 1);
    CHECK(text.out.find("two") == text.out.npos);
}

TEST_CASE("watch: a buffer a second grows in buffers, bytes and descriptors, as one event") {
    series const looks(60, leak_buffer);
    auto const rows = looks.rows();
    CHECK_NEAR(rate(rows, 10, "buffers"), 1);
    CHECK_NEAR(rate(rows, 10, "descriptors"), 1);
    CHECK_NEAR(rate(rows, 10, "bytes"), 16384);
    auto const text = looks.watch({"--leaks"}).out;
    CHECK(count_of(text, ": grows: process 10 (one)") == 1);
    CHECK(text.find("16.0 KiB/s ± ") != text.npos);
    CHECK(text.find("; 1 buffers/s ± ") != text.npos);
}

TEST_CASE("watch: one leak is one line for people, and names all that grows with it") {
    SECTION("of one process") {
        series const looks(140, [](world& it, int second) {
            if (second < 70) leak_buffer(it, second);
        });
        auto const text = looks.watch({"--leaks"}).out;
        CHECK(count_of(text, ": grows: ") == 1);
        CHECK(count_of(text, "; the same in cgroup /a, exporter system\n") == 2);
        CHECK(count_of(text, ": stopped: process 10 (one): ") == 1);
        CHECK(count_of(text, ": stopped: ") == 1);
        CHECK(count_of(text, "; 1 told to grow\n") == 1);
        auto const rows = looks.rows({"--leaks"});
        CHECK(rows_of(rows, "grows").size() == 8); // three amounts twice, and two of the exporter
        CHECK(rows_of(rows, "stopped").size() == 8);
        for (auto const& one : rows)
            CHECK(one["leak"] ==
                  (one["event"] == "grows" || one["event"] == "stopped" ? json(1) : json()));
    }
    SECTION("of two processes, one of which shares its cgroup with a third") {
        auto* quiet = static_cast<fake::process*>(nullptr);
        series const looks(60, [&](world& it, int second) {
            if (second == 0) (quiet = &it.kernel.add(30, "quiet"))->cgroup = "/a";
            if (second == 0) quiet->open(it.first);
            leak_buffer(it, second);
            it.two->open(it.kernel.buffer(it.next_inode++, 16384, "drm"));
        });
        auto const text = looks.watch({"--leaks"}).out;
        CHECK(count_of(text, ": grows: ") == 2);
        CHECK(count_of(text, "; the same in cgroup /a, exporter system\n") == 1);
        CHECK(count_of(text, "; the same in cgroup /, exporter drm\n") == 1);
    }
    SECTION("the sums of two leaks are told apart from both") {
        series const looks(60, [](world& it, int second) {
            it.two->cgroup = "/a";
            leak_buffer(it, second);
            it.two->open(it.buffer());
        });
        auto const text = looks.watch({"--leaks"}).out;
        CHECK(count_of(text, ": grows: ") == 3);
        CHECK(count_of(text, ": grows: cgroup /a, for ") == 1);
        CHECK(count_of(text, "; the same in exporter system\n") == 1);
        CHECK(count_of(text, ": grows: process ") == 2);
        CHECK(count_of(text, "; 3 told to grow\n") == 1);
    }
}

TEST_CASE("watch: an alarm is raised once a leak") {
    series const looks(60, leak_buffer);
    auto const answer = looks.watch({"--alarm-every", "0s"}, {"--exec", "env"});
    CHECK(count_of(answer.err, "DMABUF_EVENT=grows\n") == 1);
    CHECK(count_of(answer.err, "DMABUF_SUBJECT=process\n") == 1);
}

TEST_CASE("watch: --until-growth ends with status 3 at the growth, and with 0 without one") {
    auto const leak = series(60, leak_descriptor).watch({"--until-growth"});
    CHECK(leak.status == 3);
    CHECK(count_of(leak.out, ": grows: process 10 (one)") == 1);
    CHECK(leak.out.find("finished: ") != leak.out.npos);
    CHECK(leak.out.find(" 60 looks") == leak.out.npos);
    auto const still = series(30, [](world&, int) {}).watch({"--until-growth"});
    CHECK(still.status == 0);
    CHECK(still.out.find(" 30 looks in 29 s; 0 told to grow\n") != still.out.npos);
}

TEST_CASE("watch: a ring and a process that doubles and halves are silent") {
    std::vector<fake::file_ptr> held;
    series const looks(120, [&](world& it, int second) {
        std::size_t const keep = second % 10 < 5 ? 8 : 4;
        held.push_back(it.buffer());
        it.one->open(held.back());
        for (; held.size() > keep; held.erase(held.begin()))
            it.kernel.release(held.front());
    });
    CHECK(rows_of(looks.rows(), "grows").empty());
}

TEST_CASE("watch: processes that come and go are told, and with --leaks they are not") {
    series const looks(6, [](world& it, int second) {
        if (second == 2) it.kernel.add(30, "late", 1000).open(it.first);
        if (second == 4) it.kernel.exit(30);
    });
    auto const text = looks.watch({}).out;
    CHECK(text.find("+2.0 s: appeared: process 30 (late): 4.0 KiB; 1 buffer\n") != text.npos);
    CHECK(text.find("+4.0 s: gone: process 30 (late): 4.0 KiB; 1 buffer\n") != text.npos);
    auto const leaks = looks.watch({"--leaks"}).out;
    CHECK(count_of(leaks, "\n") == 2);
    CHECK(leaks.find("process") == leaks.find("processes"));
}

TEST_CASE("watch: a process that is lost from sight is not gone") {
    series const looks(4, [](world& it, int second) {
        it.kernel.caller = second == 2 ? fake::rights::user(2000) : fake::rights::root();
    });
    auto const answer = looks.watch({});
    CHECK(answer.out.find("gone") == answer.out.npos);
    CHECK(answer.out.find("appeared") == answer.out.npos);
    CHECK(count_of(answer.err, "may not be read") == 1);
}

TEST_CASE("watch: a process that is lost from sight is not gone while another one ends") {
    series const looks(7, [](world& it, int second) {
        if (second == 0) it.kernel.caller = fake::rights::user(1000);
        it.one->dumpable = second < 2 || second >= 4;
        if (second == 2) it.kernel.exit(20); // bert's, as many are out of sight as before
        if (second == 4) it.kernel.add(21, "other", 2000);
    });
    check_all_stay(looks);
}

TEST_CASE("watch: a process that is lost from sight within a look is not gone") {
    series const looks(5, [](world& it, int second) {
        if (second == 0) it.kernel.caller = fake::rights::user(1000);
        it.kernel.event = [&it, second](fake::call_event const& call) {
            if (second == 2 && call.path.ends_with("10/maps")) it.one->dumpable = false;
        };
    });
    check_all_stay(looks);
}

TEST_CASE("watch: a process that ends out of sight is gone") {
    series const looks(6, [](world& it, int second) {
        if (second == 0) it.kernel.caller = fake::rights::user(1000);
        if (second == 2) it.one->dumpable = false;
        if (second == 4) it.kernel.exit(10);
    });
    auto const text = looks.watch({}).out;
    CHECK(text.find("+4.0 s: gone: process 10 (one): 4.0 KiB; 1 buffer\n") != text.npos);
}

TEST_CASE("watch: processes that hidepid hides from now on are not gone") {
    series const looks(4, [](world& it, int second) {
        if (second == 2) it.kernel.caller = fake::rights::user(1000);
        if (second == 2) it.kernel.hidepid = 2;
    });
    check_all_stay(looks);
}

TEST_CASE("watch: growth that ends is told once, and so is growth that comes again") {
    series const looks(200, leak_twice);
    auto const text = looks.watch({"--leaks"}).out;
    CHECK(count_of(text, ": grows: process 10 (one)") == 2);
    CHECK(count_of(text, ": stopped: process 10 (one)") == 1);
    series const ended(80, [](world& it, int second) {
        if (second < 70) leak_descriptor(it, second);
        if (second == 70) it.kernel.exit(10);
    });
    auto const rows = ended.rows({"--leaks", "--comm", "one"});
    REQUIRE(rows_of(rows, "ended").size() == 1);
    CHECK(rows_of(rows, "ended")[0]["pid"] == 10);
    CHECK(rows_of(rows, "stopped").empty());
}

TEST_CASE("watch: it tells of those that are chosen alone") {
    series const looks(60, [](world& it, int second) {
        leak_buffer(it, second);
        it.two->open(it.kernel.buffer(it.next_inode++, 4096, "drm"));
    });
    auto const subjects = [&](words options) {
        std::set<std::string> names;
        options.emplace_back("--leaks");
        for (auto const& one : rows_of(looks.rows(options), "grows"))
            names.insert(std::string(one["subject"]) + " " + std::string(one["name"]));
        return names;
    };
    using set = std::set<std::string>;
    CHECK(subjects({}) == set{"cgroup /", "cgroup /a", "exporter drm", "exporter system",
                              "process one", "process two"});
    CHECK(subjects({"--comm", "o*"}) == set{"process one"});
    CHECK(subjects({"--user", "bert"}) == set{"process two"});
    CHECK(subjects({"--cgroup", "/a"}) == set{"process one"});
    CHECK(subjects({"--exporter", "drm"}) == set{"cgroup /", "exporter drm", "process two"});
    CHECK(subjects({"--pid", "20"}) == set{"process two"});
    CHECK(subjects({"--pid", "21"}).empty());
}

TEST_CASE("watch: a hostile name stays within its line and its field") {
    series const looks(3, [](world& it, int second) {
        if (second == 1)
            it.kernel.add(30, "\x1b[2J\n=1,\"x\xe2\x80\xae").open(it.first); // 14 bytes
    });
    auto const shown = R"(\x1b[2J\n=1,"x\xe2\x80\xae)";
    auto const text = looks.watch({}).out;
    CHECK(text.find(std::string("appeared: process 30 (") + shown + "): ") != text.npos);
    CHECK(count_of(text, "\n") == 3);
    CHECK(text.find('\x1b') == text.npos);
    CHECK(rows_of(looks.rows(), "appeared")[0]["name"] == shown);
    auto const csv = looks.watch({"--format", "csv"}).out;
    CHECK(csv.find(R"(,"\x1b[2J\n=1,""x\xe2\x80\xae",)") != csv.npos);
    CHECK(csv.starts_with("time,seconds,event,subject,pid,"));
    CHECK(count_of(csv, "time,seconds") == 1);
    CHECK(count_of(csv, "\n") == 7);
}

TEST_CASE("watch: clocks that go back and gaps begin anew, and end nothing") {
    series looks(40, leak_descriptor);
    auto files = looks.files();
    files.insert(files.end(), looks.files().begin(), looks.files().end());
    words all{DMABUF_WATCH, "--leaks", "--replay"};
    all.insert(all.end(), files.begin(), files.end());
    auto const answer = programs::run(all);
    CHECK(answer.status == 0);
    CHECK(answer.out.find("grows") == answer.out.npos);
}

TEST_CASE("watch: a file that is no recording ends it with status 1, in words") {
    series const looks(2, [](world&, int) {});
    std::ofstream(looks.path("none")) << "dmabuf-recording 1\nclock what\n";
    auto const answer = looks.watch({}, {looks.path("none")});
    CHECK(answer.status == 1);
    CHECK(answer.err.find("/none:2: ") != answer.err.npos);
    auto const missing = looks.watch({}, {looks.path("missing")});
    CHECK(missing.status == 1);
    CHECK(missing.err.find("missing: No such file") != missing.err.npos);
}

TEST_CASE("watch: --exec hands its words on as they are, and no shell sees them") {
    series const looks(60, leak_descriptor);
    auto const mark = looks.path("mark");
    auto const answer =
        looks.watch({"--leaks"}, {"--exec", "/bin/echo", "told:", "$(touch " + mark + ")",
                                  "; touch " + mark, "--leaks", "*"});
    CHECK(answer.status == 0);
    CHECK(answer.err.find("told: $(touch " + mark + ") ; touch " + mark + " --leaks *\n") !=
          answer.err.npos);
    CHECK(answer.out.find("told:") == answer.out.npos); // which has lines alone
    CHECK(::access(mark.c_str(), F_OK) != 0);

    // A script without a first line that names a shell: execvp(3) hands it to one.
    auto const script = looks.path("script");
    std::ofstream(script) << "touch " << mark << "\n";
    REQUIRE(::chmod(script.c_str(), 0700) == 0);
    auto const refused = looks.watch({}, {"--exec", script});
    CHECK(refused.status == 0);
    CHECK(refused.err.find("cannot start " + script + ": Exec format error") != refused.err.npos);
    CHECK(::access(mark.c_str(), F_OK) != 0);
    auto const none = looks.watch({}, {"--exec", "/nowhere/program"});
    CHECK(none.err.find("cannot start /nowhere/program: No such file") != none.err.npos);
}

TEST_CASE("watch: the facts of an alarm are in the environment of its program") {
    series const looks(60, [](world& it, int second) {
        it.one->comm = "a\nb;`c`";
        leak_descriptor(it, second);
    });
    ::setenv("DMABUF_STALE", "of another watch", 1);
    auto const answer = looks.watch({}, {"--exec", "env"});
    ::unsetenv("DMABUF_STALE");
    auto const& facts = answer.err;
    for (auto const* fact :
         {"\nDMABUF_EVENT=grows\n", "\nDMABUF_SUBJECT=process\n", "\nDMABUF_PID=10\n",
          "\nDMABUF_NAME=a\\nb;`c`\n", "\nDMABUF_MEASURE=descriptors\n", "\nDMABUF_SKIPPED=0\n"})
        CHECK(("\n" + facts).find(fact) != facts.npos);
    CHECK(facts.find("DMABUF_STALE") == facts.npos);
    CHECK(facts.find("DMABUF_RECORDING") == facts.npos);
    CHECK(facts.find("PATH=") != facts.npos);
}

TEST_CASE("watch: programs are started no more often than --alarm-every, and the rest is counted") {
    series const looks(200, leak_twice);
    auto const starts = [&](std::string const& every) {
        auto const answer =
            looks.watch({"--comm", "one", "--alarm-every", every}, {"--exec", "env"});
        return count_of(answer.err, "DMABUF_EVENT=grows\n");
    };
    CHECK(starts("0s") == 2);
    CHECK(starts("1h") == 1);
    CHECK(starts("100s") == 2);
    auto const failing =
        looks.watch({"--comm", "one", "--alarm-every", "1h"}, {"--exec", "/bin/false"});
    CHECK(failing.status == 0);
    CHECK(count_of(failing.err, "/bin/false ended with status 1") == 1);
}

TEST_CASE("watch: a log begins anew before it grows too large, with whole lines and a header") {
    series const looks(
        20, [](world& it, int second) { it.kernel.add(100 + second, "burst").open(it.first); });
    auto const log = looks.path("log");
    auto const answer = looks.watch({"--log", log, "--log-bytes", "400", "--format", "csv"});
    CHECK(answer.status == 0);
    CHECK(answer.out.empty());
    for (auto const& name : {log, log + ".1"}) {
        std::ifstream file(name);
        std::string const text{std::istreambuf_iterator<char>(file), {}};
        CHECK(text.size() <= 600); // the lines of one event more
        CHECK(text.starts_with("time,seconds,"));
        CHECK(text.ends_with("\r\n"));
        CHECK(count_of(text, "time,seconds,") == 1);
    }
    CHECK(::access((log + ".2").c_str(), F_OK) != 0);
}

namespace {

constexpr std::uint64_t second = 1'000'000'000;

/// A process makes twenty buffers in each cycle, one after the other, and frees them together. It
/// leaks `leaks` more.
struct cycle {
    double seconds;
    double begin;
    unsigned leaks;

    [[nodiscard]] std::uint64_t buffers(double at) const {
        auto const cycles = (at + begin) / seconds;
        auto const made = std::floor((20 + leaks) * (cycles - std::floor(cycles)));
        return 5 + static_cast<std::uint64_t>(std::floor(cycles) * leaks + made);
    }
};

/// When looks once a second tell growth, in seconds; 0: never.
double told_after(cycle const& of, std::uint64_t seed, double seconds) {
    dmabuf_watch::look_times times(1000 * second, second, seed);
    dmabuf::trend so_far;
    for (double at = 0; at < seconds;
         at = static_cast<double>(times.next() - 1000 * second) / 1e9) {
        auto const time_ns = 1000 * second + static_cast<std::uint64_t>(at * 1e9);
        if (so_far.add(of.buffers(at), time_ns, {}) == dmabuf::trend_change::grows) return at;
    }
    return 0;
}

constexpr double near_a_second[] = {0.9,   0.95, 0.97, 0.98, 0.985, 0.99, 0.995, 1,
                                    1.005, 1.01, 1.02, 1.03, 1.05,  1.1,  0.333, 0.5};

} // namespace

TEST_CASE("watch: a cycle that lasts nearly a second is no growth where it leaks nothing") {
    int told = 0;
    for (double const seconds : near_a_second)
        for (unsigned seed = 0; seed < 100; ++seed)
            told += told_after({seconds, seconds * seed / 100, 0}, seed, 600) != 0 ? 1 : 0;
    CHECK(told == 0);
}

TEST_CASE("watch: and where it leaks, that is told within two minutes") {
    for (double const seconds : near_a_second) {
        CAPTURE(seconds);
        int in_a_minute = 0;
        int in_two = 0;
        for (unsigned seed = 0; seed < 200; ++seed) {
            auto const after = told_after({seconds, seconds * seed / 200, 1}, seed, 120);
            in_two += after != 0 ? 1 : 0;
            in_a_minute += after != 0 && after <= 60 ? 1 : 0;
        }
        CHECK(in_a_minute >= 200 * 60 / 100);
        CHECK(in_two >= 200 * 96 / 100);
    }
}

TEST_CASE("watch: there is one look in each interval, unless it is over") {
    dmabuf_watch::look_times times(1000 * second, second, 1);
    double early = 0;
    for (std::uint64_t look = 1; look <= 1000; ++look) {
        auto const at = times.next();
        auto const regular = (1000 + look) * second;
        CHECK(at >= regular - second / 2);
        CHECK(at < regular + second / 2);
        early += at < regular ? 1 : 0;
        CHECK(times.leave_out(at) == 0);
    }
    CHECK(early > 400);
    CHECK(early < 600);
    CHECK(times.leave_out(2004 * second + second / 2) == 5);
    auto const at = times.next();
    CHECK(at >= 2005 * second + second / 2);
    CHECK(at < 2006 * second + second / 2);
}
