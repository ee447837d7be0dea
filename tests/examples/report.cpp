// SPDX-License-Identifier: MIT
//
// dmabuf_report as a whole: what a page says, whatever the names in it are, and of which files.
#include "program.hpp"
#include "report/rights.hpp"
#include "scratch.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace {

using nlohmann::json;
using words = std::vector<std::string>;

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

dmabuf::sample_options everything() {
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.counts = wanted.cgroups = wanted.unheld = wanted.bufinfo = wanted.names = true;
    return wanted;
}

replay::recording recorded(fake::kernel& kernel, unsigned samples = 1) {
    kernel.debugfs = true;
    auto made = support::record(kernel, everything(), samples).recording;
    made.made.kernel = "6.12";
    made.made.rights = report::words_of({true, true, true, true, false});
    return made;
}

/// Two processes that share a buffer, and a driver's buffer that no process holds.
struct desktop {
    fake::kernel kernel;
    fake::file_ptr frame = kernel.buffer(41, 3 * mebibyte, "system", "frame");
    fake::file_ptr scanout = kernel.buffer(42, 8 * mebibyte, "drm");
    fake::process* camera = &kernel.add(812, "camera", 1000);
    fake::process* compositor = &kernel.add(640, "compositor", 1000);

    desktop() {
        kernel.buffer(43, mebibyte, "drm")->driver_references = 1;
        camera->cgroup = "/camera";
        compositor->cgroup = "/desktop";
        camera->open(frame);
        compositor->open(frame);
        compositor->open(scanout);
    }
};

/// Files for the program, and the pages that it makes of them.
class pages {
public:
    std::string keep(std::string const& name, std::string const& text) {
        auto path = there_.path() + "/" + name;
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
    std::string keep(std::string const& name, replay::recording const& made) {
        return keep(name, replay::write(made));
    }
    [[nodiscard]] std::string const& path() const { return there_.path(); }

    static programs::answer answer(words const& options) {
        words all{DMABUF_REPORT, "-o", "-"};
        all.insert(all.end(), options.begin(), options.end());
        return programs::run(all);
    }
    static std::string page(words const& options) {
        auto const made = answer(options);
        INFO(made.err);
        REQUIRE(made.status == 0);
        CHECK(made.err.empty());
        return made.out;
    }
    std::string page_of(replay::recording const& made, words options = {}) {
        options.insert(options.end(), {"--replay", keep("it.recording", made)});
        return page(options);
    }

private:
    programs::scratch there_;
};

std::string between(std::string const& text, std::string const& begin, std::string const& end) {
    auto const at = text.find(begin);
    REQUIRE(at != text.npos);
    auto const from = at + begin.size();
    auto const to = text.find(end, from);
    REQUIRE(to != text.npos);
    return text.substr(from, to - from);
}

json data_of(std::string const& page) {
    return json::parse(between(page, "id=\"data\">", "</script>"));
}

/// Without the style sheet, the script and the licences, which are the same in each page.
std::string words_of(std::string page) {
    page.erase(0, page.find("</head>"));
    page.erase(page.find("<pre>"), page.find("</pre>") - page.find("<pre>"));
    return page.substr(0, page.rfind("<script>"));
}

std::size_t count_of(std::string const& text, std::string const& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

void expect(std::string const& page, std::string const& part) {
    INFO(words_of(page));
    CHECK(page.find(part) != page.npos);
}

/// Names that would end an element, begin one, or a comment, or change the meaning of text.
words const hostile_names = {"</script><script>hit()</script>",
                             "<!--<script>",
                             "]]></style><img src=x onerror=hit()>",
                             "\" onload='hit()' x=\"",
                             "&lt;b&gt;&#60;",
                             "a\xe2\x80\xa8"
                             "b\xe2\x80\xa9"
                             "c",
                             "\\u003c/script>",
                             "${hit()} `x` {{x}}"};

} // namespace

TEST_CASE("report: the page says what is held, by whom, and what was not seen") {
    desktop it;
    pages all;
    auto const page = all.page_of(recorded(it.kernel));
    expect(page, "<p class=\"lead\">2 processes hold 11.0 MiB of DMA-BUF memory in 2 buffers.</p>");
    expect(page, "The largest holder is compositor (640) with 9.5 MiB, 86 % of it");
    expect(page, "1 buffer is held by more than one process: 3.0 MiB in all.");
    expect(page, "By exporter: 8.0 MiB of drm, 3.0 MiB of system.");
    expect(page, "1 buffer is held by no process that was seen, but by a driver, a socket or a "
                 "ring: 1.0 MiB in all.");
    expect(page, "Processes: 2, all seen.");
    expect(page, "processes hold 11.0 MiB of 12.0 MiB (91 %)");
    expect(page, "<tr><td>compositor (640)</td><td class=\"number\">9.5 MiB</td><td "
                 "class=\"number\">11.0 MiB</td>"
                 "<td class=\"number\">8.0 MiB</td><td class=\"number\">2</td><td>1000</td></tr>");
}

TEST_CASE("report: the page of questions has its sentences") {
    desktop it;
    pages all;
    auto const page = all.page_of(recorded(it.kernel));
    std::ifstream file(DMABUF_QUESTIONS);
    std::string const questions{std::istreambuf_iterator<char>(file), {}};
    auto const quoted =
        between(questions, "On top of the page stand sentences, as these:\n\n", "\n\n");
    CHECK(count_of(quoted, "* ") == 4);
    std::istringstream lines(quoted);
    for (std::string line; std::getline(lines, line);)
        expect(page, line.substr(2));
}

TEST_CASE("report: the data of a page are those of the workload") {
    desktop it;
    pages all;
    auto const data = data_of(all.page_of(recorded(it.kernel)));
    CHECK(data["exporters"] == json({"system", "drm"}));
    REQUIRE(data["processes"].size() == 2);
    CHECK(data["processes"][0]["comm"] == "compositor");
    CHECK(data["processes"][0]["pss"] == 9 * mebibyte + mebibyte / 2);
    CHECK(data["processes"][1]["rss"] == 3 * mebibyte);
    REQUIRE(data["buffers"].size() == 3);
    CHECK(data["buffers"][0]["inode"] == "42");
    CHECK(data["buffers"][1]["name"] == "frame");
    CHECK(data["buffers"][1]["holders"] == json({0, 1}));
    CHECK(data["buffers"][2]["holder_count"] == 0);
    CHECK(data["buffers"][2]["others"] == 1);
    CHECK(data["more_buffers"].empty());
    CHECK(data["times"].is_null());
}

TEST_CASE("report: no name ends an element or begins one") {
    pages all;
    fake::kernel kernel;
    int pid = 10;
    for (auto const& name : hostile_names) {
        auto& who = kernel.add(pid, name.substr(0, 15), 1000); // as long as the kernel keeps them
        who.cgroup = "/" + name;
        who.open(kernel.buffer(static_cast<std::uint64_t>(pid), 4096, "drm", name.substr(0, 31)));
        ++pid;
    }
    auto const page = all.page_of(recorded(kernel));
    auto const text = words_of(page);
    INFO(text);
    CHECK(count_of(page, "</script>") == 2);
    CHECK(count_of(text, "<script") == 1);
    CHECK(text.find("<script type=\"application/json\" id=\"data\">") != text.npos);
    for (auto const* part :
         {"<img", "<!--", "]]><", "' x=\"", "<b>", "\xe2\x80\xa8", "\xe2\x80\xa9"})
        CHECK(text.find(part) == text.npos);
    // They are all there, as text.
    auto const data = data_of(page);
    REQUIRE(data["processes"].size() == hostile_names.size());
    auto const holds = [&](char const* rows, char const* key, std::string const& name) {
        return std::ranges::any_of(data[rows], [&](json const& one) { return one[key] == name; });
    };
    CHECK(holds("buffers", "name", hostile_names[0]));
    CHECK(holds("processes", "comm", "]]></style><img"));
    CHECK(holds("processes", "comm", "\\\\u003c/script>")); // a backslash is two
    expect(page, "&lt;/script&gt;&lt;scrip (10)");
    expect(page, "&amp;lt;b&amp;gt;&amp;#60; (14)");
}

TEST_CASE("report: the policy lets no other script run, and nothing be loaded") {
    desktop it;
    pages all;
    auto const page = all.page_of(recorded(it.kernel));
    auto const policy = between(page, "http-equiv=\"Content-Security-Policy\" content=\"", "\">");
    INFO(policy);
    CHECK(policy.starts_with(
        "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'sha256-"));
    CHECK(policy.find("unsafe") == policy.npos);
    CHECK(page.find("Content-Security-Policy") < page.find("<style"));
    CHECK(page.find("http://") == page.npos);
    CHECK(page.find("https://") == page.npos);
    CHECK(page.find("Bostock") != page.npos);
    CHECK(page.find("Leon Sorokin") != page.npos);
}

TEST_CASE("report: the same input gives the same bytes, less than 400 KiB of them without data") {
    desktop it;
    pages all;
    auto const made = recorded(it.kernel);
    auto const page = all.page_of(made);
    CHECK(page == all.page_of(made));
    CHECK(page.size() < std::size_t{400} * 1024);
}

TEST_CASE("report: --anonymise leaves no name") {
    desktop it;
    it.camera->cgroup = "/user.slice/secret";
    it.kernel.add(900, "private-app", 1234).open(it.kernel.buffer(50, 4096, "system", "hush"));
    auto made = recorded(it.kernel);
    made.made.users = {{1000, "anna"}, {1234, "berta"}};
    pages all;
    auto const plain = all.page_of(made);
    auto const page = all.page_of(made, {"--anonymise"});
    for (auto const* name : {"camera", "compositor", "private-app", "frame", "hush", "secret",
                             "user.slice", "desktop", "anna", "berta"}) {
        INFO(name);
        CHECK(words_of(plain).find(name) != std::string::npos);
        CHECK(words_of(page).find(name) == std::string::npos);
    }
    expect(page, "Names of processes, buffers and cgroups are not the real ones.");
    auto const data = data_of(page);
    CHECK(data["exporters"] == json({"system", "drm"}));
    CHECK(data["processes"][0]["comm"] == "process-1");
    CHECK(data["processes"][0]["user"] == "1000");
    CHECK(data["processes"][0]["pss"] == 9 * mebibyte + mebibyte / 2);
}

TEST_CASE("report: what is too much for single rows is summed up, and said to be") {
    fake::kernel kernel;
    auto& who = kernel.add(10, "hoarder", 0);
    for (std::uint64_t i = 0; i < 6000; ++i)
        who.open(kernel.buffer(100 + i, 4096 * (i + 1)));
    pages all;
    auto const page = all.page_of(recorded(kernel));
    auto const data = data_of(page);
    REQUIRE(data["buffers"].size() == 5000);
    CHECK(data["buffers"][0]["size"] == 4096 * 6000);
    CHECK(data["buffers"][4999]["size"] == 4096 * 1001);
    REQUIRE(data["more_buffers"].size() == 1);
    CHECK(data["more_buffers"][0]["buffers"] == 1000);
    CHECK(data["more_buffers"][0]["bytes"] == std::uint64_t{4096} * 1000 * 1001 / 2);
    expect(page, "The 5000 largest buffers are shown one by one; the 1000 smaller ones, 1.9 GiB in "
                 "all, only as sums.");
}

TEST_CASE("report: a recording of two samples has a timeline") {
    desktop rehearsal;
    (void)recorded(rehearsal.kernel);
    auto const first = rehearsal.kernel.calls();
    desktop it;
    it.kernel.event = [&](fake::call_event const& event) {
        if (event.number == first + 1) it.camera->open(it.kernel.buffer(60, 5 * mebibyte));
    };
    pages all;
    auto const data = data_of(all.page_of(recorded(it.kernel, 2)));
    auto const& times = data["times"];
    REQUIRE(times.is_object());
    CHECK(times["utc"] == false);
    REQUIRE(times["at_ms"].size() == 2);
    CHECK(times["lines"][0]["name"] == "all processes");
    CHECK(times["lines"][0]["bytes"] == json({11 * mebibyte, 16 * mebibyte}));
    CHECK(data["buffers"].size() == 4);
}

TEST_CASE("report: JSON tells makers and attached devices as the recording does") {
    desktop it;
    auto const clock = it.kernel.buffer(44, mebibyte);
    fake::process ended;
    {
        auto& maker = it.kernel.add(77, "wizard", 1000);
        ended = maker;
        it.kernel.exit(77);
    }
    it.camera->open(clock);
    bpf::bpffs pins;
    pins.boot_ns = 100'000'000'000;
    auto const made = [&](fake::file const& file, fake::process const& by) {
        return bpf::origin_of(file, bpf::actor_of(by), pins.boot_ns - 1'000'000'000);
    };
    auto const watch = bpf::watch_from(1);
    pins.pins[bpf::origins_path] = bpf::pin::of(bpf::origins(
        {made(*it.frame, *it.camera), made(*it.scanout, *it.compositor), made(*clock, ended)},
        watch));
    pins.pins[bpf::attachments_path] = bpf::pin::of(
        bpf::attachments({bpf::attachment_of(*it.scanout, "0000:00:02.0",
                                             bpf::actor_of(*it.compositor), pins.boot_ns - 1)},
                         watch));
    it.kernel.debugfs = true;
    auto wanted = everything();
    wanted.origins = true;
    auto recording = support::record_watched(it.kernel, pins, wanted).recording;
    recording.made.kernel = "6.12";
    recording.made.rights = report::words_of({true, true, true, true, false});

    pages all;
    auto const written = programs::replayed(recording, {"--json"});
    REQUIRE(written.status == 0);
    auto const by_recording = all.page_of(recording);
    auto const by_json = pages::page({"--replay", all.keep("it.json", written.out)});
    for (auto const& page : {by_recording, by_json}) {
        auto const data = data_of(page);
        auto const told = [&](std::string const& inode) {
            for (auto const& one : data["buffers"])
                if (one["inode"] == inode)
                    return one["maker"].is_null()
                               ? std::string("not told")
                               : std::string(data["makers"][one["maker"].get<std::size_t>()]);
            return std::string("no buffer");
        };
        CHECK(told("41") == "camera (812)");
        CHECK(told("42") == "compositor (640)");
        CHECK(told("44") == "wizard (77, ended)");
        CHECK(data["buffers"][0]["devices"] == json({"0000:00:02.0"}));
        expect(page, "Of makers, compositor (640) made 8.0 MiB, camera (812) made 3.0 MiB, ");
    }
    CHECK(data_of(by_json)["buffers"] == data_of(by_recording)["buffers"]);
    auto const hidden = pages::page({"--replay", all.path() + "/it.json", "--anonymise"});
    CHECK(words_of(hidden).find("wizard") == std::string::npos);
}

TEST_CASE("report: captures in a directory, in their order") {
    desktop it;
    pages all;
    auto const capture = [&](std::string const& name, std::string const& time) {
        auto const snapshot = programs::replayed(recorded(it.kernel), {"--json"});
        REQUIRE(snapshot.status == 0);
        json const whole = {{"schema", "lowmem_capture/1"},
                            {"time", time},
                            {"snapshot", json::parse(snapshot.out)}};
        all.keep(name, whole.dump());
    };
    capture("lowmem-0000000001-20261126T105401Z.json", "2026-11-26T10:54:01Z");
    it.camera->open(it.kernel.buffer(60, 5 * mebibyte));
    capture("lowmem-0000000002-20261126T105411Z.json", "2026-11-26T10:54:11Z");
    all.keep("failed-0000000001-20261126T105411Z.json", "no capture");
    auto const page = pages::page({"--replay", all.path()});
    expect(page, "2 processes hold 16.0 MiB of DMA-BUF memory in 3 buffers.");
    expect(page, "Source: a capture of lowmem_capture. Taken 2026-11-26T10:54:11Z. Linux 6.12.");
    expect(page, "<li>2026-11-26T10:54:01Z: memory was short: a capture</li>");
    auto const times = data_of(page)["times"];
    CHECK(times["utc"] == true);
    CHECK(times["at_ms"] == json({1795690441000, 1795690451000}));
    CHECK(times["lines"][0]["bytes"] == json({11 * mebibyte, 16 * mebibyte}));
    CHECK(times["events_ms"] == times["at_ms"]);
}

namespace {

std::string log_row(std::string const& event, std::string const& fields) {
    return R"({"time":"2026-11-26T10:54:01Z","seconds":0,"event":")" + event + "\"," + fields +
           "}\n";
}

constexpr auto growth =
    R"({"time":"2026-11-26T10:55:01Z","seconds":60,"event":"grows","subject":"process","pid":4711,"start_ticks":9,"name":"player","inode":null,"measure":"bytes","value":3145728,"rate_per_second":34952.5,"rate_error_per_second":1,"for_seconds":30,"since_value":2097152,"highest":3145728})"
    "\n";

} // namespace

TEST_CASE("report: the log of a watch") {
    pages all;
    auto const start =
        log_row("started", R"("subject":null,"name":null,"measure":"bytes","value":2097152)");
    auto const cut = R"({"time":"2026-11-26T10:56:01Z","seconds":1)";
    auto const file = all.keep("log", start + growth + cut);
    auto const page = pages::page({"--replay", file});
    expect(page, "A watch told 2 events, 1 of growth.");
    expect(page, "<li>2026-11-26T10:55:01Z: player (4711) grows: 3.0 MiB, 34.1 KiB a second "
                 "for 30 s, from 2.0 MiB</li>");
    auto const times = data_of(page)["times"];
    CHECK(times["at_ms"] == json({1795690441000, 1795690471000, 1795690501000}));
    CHECK(times["lines"][0]["name"] == "player (4711)");
    CHECK(times["lines"][0]["bytes"] == json({nullptr, 2097152, 3145728}));
    auto const hidden = pages::page({"--replay", file, "--anonymise"});
    CHECK(words_of(hidden).find("player") == std::string::npos);
    expect(hidden, "process-1 (4711) grows");
}

TEST_CASE("report: half a row is left out where another watch begins behind it") {
    pages all;
    auto const start =
        log_row("started", R"("subject":null,"name":null,"measure":"bytes","value":2097152)");
    std::string const half = "{\"time\":\"2026-\n";
    expect(pages::page({"--replay", all.keep("log", start + half + start + growth)}),
           "1 of growth.");
    for (auto const& wrong : {start + half + growth, start + half, start + half + half + start}) {
        auto const answer = pages::answer({"--replay", all.keep("wrong", wrong)});
        CHECK(answer.status == 1);
        CHECK(answer.err.find("wrong:2: it is not JSON") != std::string::npos);
    }
}

TEST_CASE("report: a process whose name speaks of growth does not grow") {
    pages all;
    auto const row = log_row(
        "appears",
        R"("subject":"process","pid":7,"start_ticks":9,"name":"x grows: 9","measure":"bytes","value":4096)");
    auto const page = pages::page({"--replay", all.keep("log", row)});
    expect(page, "A watch told 1 event, 0 of growth.");
}

TEST_CASE("report: a leak of a real watch is one event, and stands on top") {
    // Of dmabuf_watch on 6.12, where a process called camera took a buffer of 1 MiB a second.
    auto const row = [](int seconds, std::string const& event, std::string const& subject,
                        std::string const& measure, std::string const& numbers) {
        return fmt::format(R"({{"time":"2026-11-26T18:42:{:02}Z","seconds":{},"event":"{}",{},)"
                           R"("inode":null,"measure":"{}",{}}})"
                           "\n",
                           seconds, seconds, event, subject, measure, numbers);
    };
    std::string const none = R"("subject":null,"pid":null,"start_ticks":null,"name":null)";
    std::string const camera =
        R"("subject":"process","pid":178,"start_ticks":3293,"name":"camera")";
    std::string const cgroup = R"("subject":"cgroup","pid":null,"start_ticks":null,"name":"/")";
    std::string const bytes =
        R"("value":50331648,"rate_per_second":1.02004e+06,"rate_error_per_second":24419.3,)"
        R"("for_seconds":46.8221,"since_value":2097152,"highest":50331648,"leak":1)";
    std::string const counts =
        R"("value":48,"rate_per_second":0.97279,"rate_error_per_second":0.023288,)"
        R"("for_seconds":46.8221,"since_value":2,"highest":48,"leak":1)";
    auto const log =
        row(1, "started", none, "bytes", R"("value":14680064,"leak":null)") +
        row(1, "started", none, "buffers", R"("value":4,"leak":null)") +
        row(47, "grows", camera, "bytes", bytes) + row(47, "grows", camera, "buffers", counts) +
        row(47, "grows", camera, "descriptors", counts) + row(47, "grows", cgroup, "bytes", bytes) +
        row(47, "grows", cgroup, "buffers", counts) +
        row(59, "finished", none, "bytes", R"("value":91226112,"leak":null)") +
        row(59, "finished", none, "buffers", R"("value":77,"leak":null)");
    pages all;
    auto const file = all.keep("log", log);
    auto const page = pages::page({"--replay", file});
    expect(page, "A watch told 3 events, 1 of growth.");
    expect(page, "<li>2026-11-26T18:42:01Z: the watch begins at 14.0 MiB, 4 buffers</li>");
    std::string const leak =
        "camera (178) grows: 48.0 MiB, 996.1 KiB a second for 47 s, from 2.0 MiB; "
        "with it its buffers, its descriptors, cgroup /";
    expect(page, "Z: " + leak + "</li>");
    expect(page, "<li>2026-11-26T18:42:59Z: the watch ends at 87.0 MiB, 77 buffers</li>");
    desktop it;
    auto const state = all.keep("it.recording", recorded(it.kernel));
    expect(pages::page({"--replay", file, state}), "<ul>\n<li>" + leak + ".</li>");
}

TEST_CASE("report: rows that no watch writes are refused, with their line") {
    pages all;
    auto const row = [](std::string const& fields) { return log_row("appeared", fields); };
    auto const good = row(R"("subject":"process","name":"a","measure":"bytes","value":1)");
    struct {
        std::string text, why;
    } const wrong[] = {
        {row(R"("name":"a","measure":"bytes")"), "it has no seconds or no value"},
        {row(R"("name":7,"value":1)"), "name is no escaped text"},
        {row(R"("name":"a\u0007","value":1)"), "name is no escaped text"},
        {row(R"("name":"a","value":-1)"), "value is no number that fits"},
        {row(R"("name":"a","value":99999999999999999999)"), "value is no number that fits"},
        {"[[[[\n", "it is not JSON"},
        {std::string(100'000, ' ') + "\n", "it is longer than a row can be"},
        {"7\n", "it is no object"}};
    for (auto const& one : wrong) {
        auto const answer = pages::answer({"--replay", all.keep("log", good + one.text)});
        INFO(one.text.substr(0, 100));
        CHECK(answer.status == 1);
        CHECK(answer.out.empty());
        CHECK(answer.err.find("log:2: " + one.why) != std::string::npos);
    }
}

TEST_CASE("report: hostile names in a log and in JSON are text") {
    pages all;
    auto const page = pages::page(
        {"--replay",
         all.keep(
             "log",
             log_row(
                 "appeared",
                 R"x("subject":"process","pid":3,"name":"</script><script>hit()","measure":"bytes","value":5)x"))});
    CHECK(count_of(page, "</script>") == 2);
    expect(page, "&lt;/script&gt;&lt;script&gt;hit() (3) appeared: 5 B");

    desktop it;
    auto snapshot = json::parse(programs::replayed(recorded(it.kernel), {"--json"}).out);
    snapshot["coverage"]["notes"] = json({"</script><script>hit()", "a\nb"});
    snapshot["kernel"] = "<img src=x>";
    auto const second = pages::page({"--replay", all.keep("it.json", snapshot.dump())});
    CHECK(count_of(second, "</script>") == 2);
    expect(second, "<li>&lt;/script&gt;&lt;script&gt;hit()</li>");
    expect(second, "<li>a\\nb</li>");
    expect(second, "Linux &lt;img src=x&gt;.");
    auto const hidden =
        pages::page({"--anonymise", "--replay", all.keep("it.json", snapshot.dump())});
    CHECK(hidden.find("hit()") == std::string::npos);
    expect(hidden, "2 of its sentences on what was not seen are left out");
}

TEST_CASE("report: what is no recording is refused in words") {
    pages all;
    auto const refused = [&](std::string const& text, std::string const& why) {
        auto const answer = pages::answer({"--replay", all.keep("file", text)});
        INFO(answer.err);
        CHECK(answer.status == 1);
        CHECK(answer.out.empty());
        CHECK(answer.err.find(why) != std::string::npos);
    };
    refused("", "file:0: this is not a recording");
    refused("<html>", "file:1: the line has no end");
    refused("{}", "file: /schema: is missing");
    refused(R"({"schema":"dmabuf_report/7"})", "file: /schema: is not dmabuf_ps/2");
    refused("{\"schema\":", "this is not JSON");
}
