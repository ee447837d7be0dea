// SPDX-License-Identifier: MIT
//
// dmabuf_exporter on recordings: what it tells, how much of it, and of what it is silent. Expected
// values are those that the recorded processes were given.
#include "dmabuf_exporter/labels.hpp"
#include "dmabuf_exporter/listen_address.hpp"
#include "dmabuf_exporter/requests.hpp"
#include "dmabuf_exporter/shared_looks.hpp"
#include "program.hpp"
#include "series.hpp"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <thread>

namespace {

using programs::series;
using programs::world;
using words = std::vector<std::string>;

/// The series of a page, by name and labels as they are written. Strict: a line that is none, and a
/// series that comes twice, fails.
class told {
public:
    explicit told(std::string const& text) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);)
            if (!line.starts_with("# ")) add(line);
        CHECK(text.ends_with('\n'));
    }

    [[nodiscard]] std::size_t count() const { return all_.size(); }
    [[nodiscard]] bool has(std::string const& series) const { return all_.count(series) != 0; }
    [[nodiscard]] double operator[](std::string const& series) const {
        INFO(series);
        REQUIRE(has(series));
        return all_.at(series);
    }

    /// Of all series of a name.
    [[nodiscard]] double sum(std::string const& name) const {
        double all = 0;
        for (auto const& [series, value] : all_)
            if (series.substr(0, series.find('{')) == name) all += value;
        return all;
    }
    [[nodiscard]] std::set<std::string> labels(std::string const& name) const {
        std::set<std::string> found;
        for (auto const& [series, value] : all_)
            if (series.starts_with(name + "{")) found.insert(series.substr(name.size()));
        return found;
    }

private:
    void add(std::string const& line) {
        INFO(line);
        auto const blank = line.rfind(' ');
        REQUIRE(blank != line.npos);
        auto const series = line.substr(0, blank);
        CHECK((series.find('{') == series.npos || series.ends_with("\"}")));
        for (char const c : line)
            CHECK(static_cast<unsigned char>(c) >= 0x20);
        CHECK(all_.emplace(series, std::stod(line.substr(blank + 1))).second);
    }

    std::map<std::string, double> all_;
};

/// Runs the program on recordings.
programs::answer write(words const& files, words const& options = {}) {
    words all{DMABUF_EXPORTER, "--textfile", "-", "--once", "--every", "1s"};
    all.insert(all.end(), options.begin(), options.end());
    for (auto const& one : files)
        all.insert(all.end(), {"--replay", one});
    return programs::run(std::move(all));
}

told told_of(words const& files, words const& options = {}) {
    auto const answer = write(files, options);
    INFO(answer.err);
    CHECK(answer.status == 0);
    return told(answer.out);
}

told told_of(series::step const& happens, words const& options = {}) {
    return told_of(series(1, happens).files(), options);
}

void nothing(world& /*it*/, int /*second*/) {}

constexpr std::size_t default_series = 200 - 3; // without those that only a server has

} // namespace

TEST_CASE("exporter: the amounts of a system are those that it has") {
    auto const all = told_of([](world& it, int) {
        it.two->open(it.first);
        (void)it.kernel.buffer(9, 65536, "vgem"); // held by no process
    });
    CHECK(all["dmabuf_up"] == 1);
    CHECK(all["dmabuf_complete"] == 1);
    CHECK(all["dmabuf_bytes{exporter=\"system\"}"] == 4096);
    CHECK(all["dmabuf_bytes{exporter=\"drm\"}"] == 8192);
    CHECK(all["dmabuf_buffers{exporter=\"drm\"}"] == 1);
    CHECK(all["dmabuf_held_bytes"] == 4096 + 8192);
    CHECK(all["dmabuf_held_buffers"] == 2);
    CHECK(all["dmabuf_holders"] == 2);
    CHECK(all["dmabuf_unheld_bytes"] == 65536);
    CHECK(all["dmabuf_unheld_buffers"] == 1);
    CHECK(all["dmabuf_listed_bytes"] == 4096 + 8192 + 65536);
    CHECK(std::abs(all["dmabuf_explained_ratio"] - 12288.0 / (12288 + 65536)) < 1e-12);
    CHECK(all["dmabuf_cgroup_pss_bytes{cgroup=\"/a\"}"] == 2048);
    CHECK(all["dmabuf_cgroup_pss_bytes{cgroup=\"/\"}"] == 2048 + 8192);
    CHECK(all["dmabuf_processes_denied"] == 0);
    CHECK(all["dmabuf_source_info{references=\"fd_walk\",list=\"bufinfo\"}"] == 1);
    CHECK(all["dmabuf_names_left_out{kind=\"exporter\"}"] == 0);
    CHECK(all["dmabuf_samples_total"] == 1);
    CHECK(all["dmabuf_sample_failures_total"] == 0);
    CHECK(all["dmabuf_sample_timestamp_seconds"] > 1.7e9);
    CHECK(all["dmabuf_origins_watched"] == 0);
    CHECK(all["dmabuf_growing{subject=\"process\"}"] == 0);
    CHECK(all.labels("dmabuf_process_pss_bytes").empty());
    CHECK(all.labels("dmabuf_build_info") ==
          std::set<std::string>{"{version=\"" DMABUF_VERSION_TEXT "\"}"});
}

TEST_CASE("exporter: whatever runs, a page has at most 200 series, and its sums are whole") {
    constexpr int many = 400;
    series const looks(1, [](world& it, int) {
        for (int i = 0; i < many; ++i) {
            auto& who = it.kernel.add(100 + i, "p" + std::to_string(i), 1000);
            who.cgroup = "/group-" + std::to_string(i);
            who.open(it.kernel.buffer(1000 + static_cast<std::uint64_t>(i),
                                      4096 * static_cast<std::uint64_t>(1 + i),
                                      "exporter-" + std::to_string(i)));
        }
    });
    auto const all = told_of(looks.files());
    CHECK(all.count() <= default_series);
    double const held = 4096.0 * many * (many + 1) / 2 + 4096 + 8192;
    CHECK(all.sum("dmabuf_bytes") == held);
    CHECK(all.sum("dmabuf_buffers") == many + 2);
    CHECK(all.sum("dmabuf_cgroup_pss_bytes") == held);
    CHECK(all.labels("dmabuf_bytes").size() == 16);
    CHECK(all.labels("dmabuf_cgroup_pss_bytes").size() == 61);
    CHECK(all["dmabuf_names_left_out{kind=\"exporter\"}"] == many + 2 - 15);
    CHECK(all["dmabuf_names_left_out{kind=\"cgroup\"}"] == many + 2 - 60);
    // The largest have their names.
    CHECK(all["dmabuf_bytes{exporter=\"exporter-399\"}"] == 4096 * many);
    CHECK(!all.has("dmabuf_bytes{exporter=\"exporter-0\"}"));
    CHECK(all["dmabuf_cgroup_pss_bytes{cgroup=\"/group-399\"}"] == 4096 * many);

    auto const some = told_of(looks.files(), {"--top-processes", "10", "--top-cgroups", "2"});
    CHECK(some.labels("dmabuf_process_pss_bytes").size() == 11);
    CHECK(some["dmabuf_process_pss_bytes{pid=\"499\",name=\"p399\"}"] == 4096 * many);
    CHECK(some.sum("dmabuf_process_pss_bytes") == held);
    CHECK(some.labels("dmabuf_cgroup_pss_bytes") == std::set<std::string>{"{cgroup=\"/group-399\"}",
                                                                          "{cgroup=\"/group-398\"}",
                                                                          "{cgroup=\"other\"}"});
    CHECK(some.count() <= default_series - 58 + 11);
}

TEST_CASE("exporter: names that others chose stay within their labels, and are told apart") {
    auto const long_name = [](std::string const& end) { return "/" + std::string(250, 'x') + end; };
    auto const all = told_of([&](world& it, int) {
        int pid = 100;
        auto const add = [&](std::string const& cgroup, std::uint64_t bytes) {
            auto& who = it.kernel.add(pid++, "who", 1000);
            who.cgroup = cgroup;
            who.open(it.buffer(bytes));
        };
        add("/\x1b[2J\"} 1", 4096 * 3);
        add("/\xe2\x80\xae"
            "a",
            4096 * 5);
        add(long_name("a"), 4096 * 7);
        add(long_name("b"), 4096 * 11);
        it.two->open(it.kernel.buffer(50, 4096 * 13, "other"));
        it.two->open(it.kernel.buffer(51, 4096 * 17, "unknown"));
        it.two->open(it.kernel.buffer(52, 4096 * 19, std::string(70, 'y') + "1"));
        it.two->open(it.kernel.buffer(53, 4096 * 23, std::string(70, 'y') + "2"));
    });
    CHECK(all[R"(dmabuf_cgroup_pss_bytes{cgroup="/\\x1b[2J\"} 1"})"] == 4096 * 3);
    CHECK(all[R"(dmabuf_cgroup_pss_bytes{cgroup="/\\xe2\\x80\\xaea"})"] == 4096 * 5);
    std::set<double> cut;
    for (auto const& label : all.labels("dmabuf_cgroup_pss_bytes"))
        if (label.find("xxxx\\\\..") != label.npos) {
            cut.insert(all["dmabuf_cgroup_pss_bytes" + label]);
            CHECK(label.size() <= 200 + std::string(R"({cgroup="\"})").size());
        }
    CHECK(cut == std::set<double>{4096 * 7, 4096 * 11});
    for (auto const* word : {"other", "unknown"})
        CHECK(!all.has("dmabuf_bytes{exporter=\"" + std::string(word) + "\"}"));
    CHECK(all.sum("dmabuf_bytes") == all["dmabuf_held_bytes"]);
    // The library knows the first 63 bytes of these two: one label that says so.
    CHECK(all["dmabuf_bytes{exporter=\"" + std::string(63, 'y') + "\\\\..\"}"] == 4096 * (19 + 23));
}

TEST_CASE("exporter: two names never have one label") {
    using dmabuf_exporter::label_of;
    std::set<std::string> found;
    words names{"other", "unknown", "", "a", "\\", "\\\\", "\n", "\\n", "\\..", "o"};
    for (std::size_t size = 150; size < 230; ++size)
        for (auto const* end : {"a", "\\", "\n", "\xff", "\xc3\xa4", "\\.."})
            names.push_back(std::string(size, 'x') + end);
    for (auto const& one : names) {
        auto const label = label_of(one);
        CHECK(label.size() <= dmabuf_exporter::longest_label);
        CHECK(found.insert(label).second);
        CHECK((label != "other" && label != "unknown"));
    }
    CHECK(label_of("/a\tb") == "/a\\tb");
    CHECK(label_of("other").starts_with("other\\.."));
    CHECK(label_of(dmabuf::exporter_name()) == "unknown");
    CHECK(label_of(dmabuf::exporter_name("system")) == "system");
}

TEST_CASE("exporter: an amount that is not known is left out, and is not 0") {
    auto const denied = told_of([](world& it, int) {
        it.kernel.caller = fake::rights::user(3000); // who may read neither process
    });
    CHECK(denied["dmabuf_up"] == 1);
    CHECK(denied["dmabuf_complete"] == 0);
    CHECK(denied["dmabuf_processes_denied"] == 3); // and the first process
    for (auto const* unknown :
         {"dmabuf_held_bytes", "dmabuf_held_buffers", "dmabuf_holders", "dmabuf_unheld_bytes",
          "dmabuf_unheld_buffers", "dmabuf_listed_bytes", "dmabuf_explained_ratio"}) {
        INFO(unknown);
        CHECK(!denied.has(unknown));
    }
    CHECK(denied.labels("dmabuf_bytes").empty());
    CHECK(denied.labels("dmabuf_cgroup_pss_bytes").empty());

    auto const half = told_of([](world& it, int) { it.kernel.caller = fake::rights::user(2000); });
    CHECK(half["dmabuf_complete"] == 0);
    CHECK(half["dmabuf_processes_denied"] == 2);
    CHECK(half["dmabuf_held_bytes"] == 8192); // at least

    auto const unlisted = told_of([](world& it, int) { it.kernel.debugfs = false; });
    CHECK(unlisted["dmabuf_complete"] == 1);
    CHECK(!unlisted.has("dmabuf_unheld_bytes"));
    CHECK(!unlisted.has("dmabuf_explained_ratio"));

    // Nothing is held, which is known.
    auto const idle = told_of([](world& it, int) {
        it.kernel.exit(10);
        it.kernel.exit(20);
        it.kernel.debugfs = false;
    });
    CHECK(idle["dmabuf_held_bytes"] == 0);
    CHECK(idle["dmabuf_complete"] == 1);
}

TEST_CASE("exporter: what cannot be looked at is down, and has no amounts") {
    auto const answer =
        programs::run({DMABUF_EXPORTER, "--textfile", "-", "--once", "--proc", "/"});
    CHECK(answer.status == 1);
    CHECK(answer.err.find("dmabuf_exporter: cannot take a sample: ") != answer.err.npos);
    told const all(answer.out);
    CHECK(all["dmabuf_up"] == 0);
    CHECK(all["dmabuf_sample_failures_total"] == 1);
    CHECK(!all.has("dmabuf_held_bytes"));
    CHECK(!all.has("dmabuf_complete"));
    CHECK(!all.has("dmabuf_sample_timestamp_seconds"));
    CHECK(all.count() == 5);
}

TEST_CASE("exporter: what grows is told with its rate, and nothing else is") {
    series const looks(60, [](world& it, int) { it.one->open(it.buffer()); });
    auto const all = told_of(looks.files());
    auto const rate = all["dmabuf_growth_bytes_per_second{subject=\"process\",name=\"one\"}"];
    CHECK((rate > 0.9 * 16384 && rate < 1.1 * 16384));
    auto const items = all["dmabuf_growth_items_per_second{subject=\"process\",name=\"one\","
                           "measure=\"descriptors\"}"];
    CHECK((items > 0.9 && items < 1.1));
    CHECK(all.labels("dmabuf_growth_bytes_per_second") ==
          std::set<std::string>{"{subject=\"process\",name=\"one\"}",
                                "{subject=\"cgroup\",name=\"/a\"}",
                                "{subject=\"exporter\",name=\"system\"}"});
    CHECK(all["dmabuf_growing{subject=\"process\"}"] == 3); // bytes, buffers, descriptors
    CHECK(all["dmabuf_growing{subject=\"unheld\"}"] == 0);
    CHECK(all.count() <= default_series);
    auto const still = told_of(series(60, nothing).files());
    CHECK(still.sum("dmabuf_growing") == 0);
    CHECK(still.labels("dmabuf_growth_bytes_per_second").empty());
}

TEST_CASE("exporter: writes the recordings of a leak for tests/prometheus/run", "[.leak]") {
    auto const* const into = std::getenv("DMABUF_LEAK");
    REQUIRE(into != nullptr);
    series const looks(150, [](world& it, int) { it.one->open(it.buffer()); });
    for (auto const& one : looks.files())
        std::filesystem::copy(one, into);
}

TEST_CASE("exporter: a hundred cgroups that leak are fifteen and the others") {
    constexpr int many = 100;
    std::vector<fake::process*> all_of_them;
    series const looks(55, [&](world& it, int second) {
        for (int i = 0; i < many && second == 0; ++i) {
            all_of_them.push_back(&it.kernel.add(100 + i, "leaker" + std::to_string(i), 1000));
            all_of_them.back()->cgroup = "/leak-" + std::to_string(i);
        }
        for (auto* const who : all_of_them)
            who->open(it.first);
    });
    auto const all = told_of(looks.files());
    CHECK(all.count() <= default_series);
    CHECK(all.labels("dmabuf_growth_items_per_second").size() == 16);
    CHECK(all["dmabuf_growing{subject=\"cgroup\"}"] == many);
    auto const sum = all.sum("dmabuf_growth_items_per_second");
    CHECK((sum > 1.8 * many && sum < 2.2 * many)); // of as many processes, too
}

TEST_CASE("exporter: makers are told where dmabuf_pin watches, and those unknown by reason") {
    fake::kernel kernel;
    kernel.sysfs_buffers = true;
    auto* const krita = &kernel.add(217, "krita", 1000);
    bpf::bpffs pins;
    pins.boot_ns = 1'000'000'000'000;
    std::vector<dmabuf_bpf_origin> origins;
    for (std::uint64_t const inode : {20U, 21U})
        origins.push_back(
            bpf::origin_of(*kernel.buffer(inode, 4096), bpf::actor_of(*krita), pins.boot_ns - 1));
    krita->open(kernel.buffer(5, 65536));
    pins.pins[bpf::origins_path] =
        bpf::pin::of(bpf::origins(origins, bpf::watch_from(10, 100'000'000'000)));
    pins.pins[bpf::attachments_path] =
        bpf::pin::of(bpf::attachments({}, bpf::watch_from(10, 100'000'000'000)));
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.unheld = wanted.origins = true;
    auto const done = support::record_watched(kernel, pins, wanted);
    programs::scratch const there;
    auto const file = there.path() + "/it";
    std::ofstream(file) << replay::write(done.recording);
    auto const all = told_of(words{file});
    CHECK(all["dmabuf_origins_watched"] == 1);
    CHECK(all["dmabuf_made_bytes{maker=\"krita\"}"] == 8192);
    CHECK(all["dmabuf_made_unknown_bytes{reason=\"before_watch\"}"] == 65536);
}

// --- one sample for all ---

namespace {

using namespace std::chrono_literals;

dmabuf_exporter::options timing(std::chrono::nanoseconds limit) {
    dmabuf_exporter::options chosen;
    chosen.every_ns = 3600'000'000'000;
    chosen.time_limit_ns = static_cast<std::uint64_t>(limit.count());
    return chosen;
}

double value_of(dmabuf_exporter::page const& all, std::string const& name) {
    for (auto const& family : all)
        if (family.name == name)
            return family.metric[0].gauge.value + family.metric[0].counter.value;
    return -1;
}

} // namespace

TEST_CASE("exporter: a hundred scrapes at once share one sample") {
    std::atomic<int> taken = 0;
    dmabuf_exporter::shared_looks const looks(timing(10s), [&](bool) {
        std::this_thread::sleep_for(50ms);
        dmabuf_exporter::page all;
        dmabuf_exporter::add_gauge(all, "number", "", ++taken);
        return all;
    });
    std::atomic<int> served = 0;
    std::vector<std::thread> scrapes;
    for (int i = 0; i < 100; ++i)
        scrapes.emplace_back([&] { served += value_of(looks.Collect(), "number") >= 1 ? 1 : 0; });
    for (auto& one : scrapes)
        one.join();
    CHECK(served == 100);
    CHECK(taken <= 2); // the first, and one more where the machine slept a second
}

TEST_CASE("exporter: a sample that takes too long is told, and holds up no scrape behind it") {
    std::atomic<bool> over = false;
    dmabuf_exporter::shared_looks const looks(timing(100ms), [&](bool) {
        while (!over)
            std::this_thread::sleep_for(5ms);
        return dmabuf_exporter::page();
    });
    auto const first = looks.Collect();
    CHECK(value_of(first, "dmabuf_up") == 0);
    CHECK(value_of(first, "dmabuf_sample_timeouts_total") == 1);
    auto const began = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i)
        CHECK(value_of(looks.Collect(), "dmabuf_up") == 0);
    CHECK(std::chrono::steady_clock::now() - began < 5s); // and not 100 times the limit
    CHECK(value_of(looks.Collect(), "dmabuf_sample_timeouts_total") == 102);
    over = true;
}

TEST_CASE("exporter: a sample is no older than --min-interval, and looks for growth come without "
          "scrapes") {
    std::atomic<int> taken = 0;
    std::atomic<int> for_growth = 0;
    auto chosen = timing(10s);
    chosen.min_interval_ns = 0;
    chosen.every_ns = 20'000'000;
    dmabuf_exporter::shared_looks const looks(chosen, [&](bool growth) {
        for_growth += growth ? 1 : 0;
        dmabuf_exporter::page all;
        dmabuf_exporter::add_gauge(all, "number", "", ++taken);
        return all;
    });
    auto const before = taken.load();
    CHECK(value_of(looks.Collect(), "number") > before); // one that began after it was asked for
    for (int i = 0; i < 500 && for_growth < 5; ++i)
        std::this_thread::sleep_for(10ms);
    CHECK(for_growth >= 5);
}

TEST_CASE("exporter: only addresses in numbers with a port are listened to") {
    using dmabuf_exporter::is_listen_address;
    for (auto const* one : {"127.0.0.1:9948", "[::1]:0", "0.0.0.0:1", "[::]:65535"})
        CHECK(is_listen_address(one));
    for (auto const* one :
         {"", ":", "9948", "localhost:80", "127.0.0.1", "127.0.0.1:", "::1:80", "127.0.0.1:80s",
          "127.0.0.1:80r", "+80", "127.0.0.1:65536", "127.0.0.1:80,0.0.0.0:80", "[::1]", "[::1:80",
          "127.1:80", "x/y:80", "127.0.0.1:-1", "[127.0.0.1]:80", "[fe80::1%lo]:80"})
        CHECK(!is_listen_address(one));
}

TEST_CASE("exporter: a request for the page is answered, and every other has its status") {
    using dmabuf_exporter::parse_request;
    using dmabuf_exporter::request;
    auto const whole = std::string("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n");
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(parse_request(whole.substr(0, size)) == request::incomplete);
    CHECK(parse_request(whole) == request::page);
    CHECK(parse_request("GET /metrics?x=1 HTTP/1.0\r\n\r\n") == request::page);
    CHECK(parse_request("HEAD /metrics HTTP/1.1\r\n\r\n") == request::head);
    for (auto const* path : {"/", "/metrics/", "/metrics/..", "/metricsx", "//metrics"})
        CHECK(parse_request("GET " + std::string(path) + " HTTP/1.1\r\n\r\n") ==
              request::unknown_path);
    CHECK(parse_request("POST /metrics HTTP/1.1\r\n\r\n") == request::unknown_method);
    for (auto const* line : {"", "GET", "GET ", "GET /metrics", "GET  /metrics HTTP/1.1",
                             "GET metrics HTTP/1.1", "GET /metrics SPDY/3", "\r", " "})
        CHECK(parse_request(std::string(line) + "\r\n\r\n") == request::malformed);
    auto const long_one = "GET /metrics HTTP/1.1\r\nX: " + std::string(9000, 'x');
    CHECK(parse_request(long_one) == request::too_long);
    CHECK(parse_request(long_one + "\r\n\r\n") == request::too_long);

    auto const answer = dmabuf_exporter::answer_page("a 1\n", false);
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4;"));
    CHECK(answer.find("\r\nContent-Length: 4\r\n") != answer.npos);
    CHECK(answer.ends_with("\r\n\r\na 1\n"));
    auto const head = dmabuf_exporter::answer_page("a 1\n", true);
    CHECK(answer == head + "a 1\n");
    CHECK(dmabuf_exporter::answer_error(request::unknown_path).starts_with("HTTP/1.1 404 "));
    CHECK(dmabuf_exporter::answer_error(request::unknown_method).starts_with("HTTP/1.1 405 "));
    CHECK(dmabuf_exporter::answer_error(request::malformed).starts_with("HTTP/1.1 400 "));
    CHECK(dmabuf_exporter::answer_error(request::too_long).starts_with("HTTP/1.1 431 "));
}
