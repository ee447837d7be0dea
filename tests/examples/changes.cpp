// SPDX-License-Identifier: MIT
//
// Two samples in dmabuf_ps: every kind of growth in every view that tells of it.
#include "program.hpp"
#include "report/rights.hpp"

#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;
using words = std::vector<std::string>;

report::rights root() {
    return {true, true, true, true, false};
}

/// The options of a recording.
dmabuf::sample_options everything() {
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.counts = wanted.cgroups = wanted.unheld = wanted.bufinfo = true;
    wanted.path_descriptors = true;
    return wanted;
}

/// One process that holds one buffer, and a buffer that only a driver holds.
struct scene {
    fake::kernel kernel;
    fake::file_ptr held = kernel.buffer(7, 4096);
    fake::file_ptr unheld = kernel.buffer(8, 8192, "drm");
    fake::process* one = &kernel.add(10, "one", 1000);

    scene() {
        kernel.debugfs = true;
        held->devices = {"gpu"};
        unheld->driver_references = 2;
        one->cgroup = "/a";
        one->open(held);
    }
};

/// Two samples, between which `happens` changes the world.
replay::recording recorded(std::function<void(scene&)> const& happens,
                           dmabuf::sample_options const& wanted = everything(),
                           std::function<void(scene&)> const& prepare = {}) {
    scene rehearsal;
    if (prepare) prepare(rehearsal);
    (void)support::record(rehearsal.kernel, wanted);
    auto const first = rehearsal.kernel.calls();
    scene played;
    if (prepare) prepare(played);
    played.kernel.event = [&](fake::call_event const& event) {
        if (event.number == first + 1) happens(played);
    };
    auto done = support::record(played.kernel, wanted, 2).recording;
    done.made.kernel = "6.12";
    done.made.rights = report::words_of(root());
    return done;
}

/// The row that holds these words, with each run of blanks as one.
std::string row_with(std::string const& text, std::string_view word) {
    std::string_view rest = text;
    while (!rest.empty()) {
        std::string row;
        for (char const c : dmabuf::detail::take_until(rest, '\n'))
            if (c != ' ' || (!row.empty() && row.back() != ' ')) row += c;
        if (row.find(word) != row.npos) return row;
    }
    return {};
}

std::string shown(replay::recording const& what, words options) {
    options.insert(options.begin(), {"--diff", "0"});
    auto const answer = programs::replayed(what, options);
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    CHECK(answer.out.find("Nothing changed") == answer.out.npos);
    return answer.out;
}

json told(replay::recording const& what, words options = {}) {
    options.emplace_back("--json");
    return json::parse(shown(what, options))["diff"];
}

/// {"before": …, "after": …, "change": …}
json amount(std::uint64_t before, std::uint64_t after) {
    return {{"before", before},
            {"after", after},
            {"change", static_cast<std::int64_t>(after) - static_cast<std::int64_t>(before)}};
}

/// As Catch2 prints it.
#define CHECK_ROW(text, word, expected) CHECK(row_with(text, word) == (expected))

} // namespace

TEST_CASE("changes: twenty descriptors more of one buffer show in every view") {
    auto const two = recorded([](scene& it) {
        for (int i = 0; i < 20; ++i)
            it.one->open(it.held);
    });
    CHECK_ROW(shown(two, {}), " grew ", "10 1000 grew 0 0 1 1 → 21 0 0 0 0 one");
    CHECK_ROW(shown(two, {"--buffers"}), " grew ", "7 4.0 KiB system grew 1 1 → 21 0 1 → 21 0 1");
    CHECK_ROW(shown(two, {"--by", "exporter"}), "grew ", "grew 1 0 1 → 21 0 0 0 1 → 21 0 1 system");
    CHECK_ROW(shown(two, {"--by", "user"}), "grew ", "grew 1 1 1 → 21 0 0 0 0 0 1000");
    CHECK_ROW(shown(two, {"--by", "cgroup"}), "grew ", "grew 1 1 1 → 21 0 0 0 0 0 /a");
    auto const diff = told(two);
    CHECK(diff["processes"][0]["descriptors"] == amount(1, 21));
    CHECK(diff["processes"][0]["buffers"] == amount(1, 1));
    CHECK(diff["buffers"][0]["descriptors"] == amount(1, 21));
    CHECK(diff["exporters"][0]["descriptors"] == amount(1, 21));
    CHECK(diff["users"][0]["descriptors"] == amount(1, 21));
    CHECK(diff["cgroups"][0]["descriptors"] == amount(1, 21));
    CHECK(diff["cgroups"][0]["cgroup"] == "/a");
}

TEST_CASE("changes: ten mappings more show in every view") {
    auto const two = recorded([](scene& it) {
        for (int i = 0; i < 10; ++i)
            it.one->map(it.held, 4096);
    });
    CHECK_ROW(shown(two, {}), " grew ", "10 1000 grew 0 0 1 1 0 → 10 +40.0 KiB 0 0 one");
    CHECK_ROW(shown(two, {"--buffers"}), " grew ", "7 4.0 KiB system grew 1 1 0 → 10 1 → 11 0 1");
    CHECK_ROW(shown(two, {"--by", "exporter"}), "grew ", "grew 1 0 1 0 → 10 0 0 1 → 11 0 1 system");
    CHECK_ROW(shown(two, {"--by", "user"}), "grew ", "grew 1 1 1 0 → 10 +40.0 KiB 0 0 0 1000");
    auto const diff = told(two);
    CHECK(diff["processes"][0]["mappings"] == amount(0, 10));
    CHECK(diff["processes"][0]["mapped_bytes"] == amount(0, 40960));
    CHECK(diff["buffers"][0]["mappings"] == amount(0, 10));
}

TEST_CASE("changes: growing attachments show by buffer and by exporter") {
    auto const two = recorded([](scene& it) { it.held->devices = {"gpu", "gpu", "camera"}; });
    CHECK_ROW(shown(two, {"--buffers"}), " grew ", "7 4.0 KiB system grew 1 1 0 1 0 1 → 3");
    CHECK_ROW(shown(two, {"--by", "exporter"}), "grew ", "grew 1 0 1 0 0 0 1 0 1 → 3 system");
    CHECK(shown(two, {}).find("No process was seen to change.\n") != std::string::npos);
    auto const diff = told(two);
    CHECK(diff["buffers"][0]["attachments"] == amount(1, 3));
    CHECK(diff["buffers"][0]["other_devices"] == true);
    CHECK(diff["processes"].empty());
}

TEST_CASE("changes: buffers that no process holds show in every view") {
    auto const two =
        recorded([](scene& it) { it.kernel.buffer(9, 16384, "drm")->driver_references = 2; });
    auto const sums = "Held by no process seen: 8.0 KiB → 24.0 KiB, in 1 → 2 buffers";
    for (auto const& options : {words{}, {"--buffers"}, {"--by", "user"}, {"--by", "exporter"}})
        CHECK_ROW(shown(two, options), "Held by no process", sums);
    CHECK_ROW(shown(two, {"--buffers"}), " appeared 0",
              "9 16.0 KiB drm appeared 0 0 0 0 → 2 0 → 2 0");
    CHECK_ROW(shown(two, {"--by", "exporter"}), "grew ",
              "grew 0 0 0 0 1 → 2 +16.0 KiB 2 → 4 2 → 4 0 drm");
    auto const diff = told(two);
    CHECK(diff["unheld_bytes"] == amount(8192, 24576));
    CHECK(diff["unheld_buffers"] == amount(1, 2));
    CHECK(diff["buffers"][0]["before"] == "absent");
    CHECK(diff["buffers"][0]["after"] == "unheld");
}

TEST_CASE("changes: a buffer that was let go of is not gone while a driver keeps it") {
    auto const two = recorded([](scene& it) { it.one->files().clear(); }, everything(),
                              [](scene& it) {
                                  it.held->driver_references = 1;
                                  it.kernel.add(20, "other").open(it.unheld);
                              });
    auto const text = shown(two, {"--buffers"});
    CHECK_ROW(text, " let go 1", "7 4.0 KiB system let go 1 → 0 1 → 0 0 2 → 1 1 1");
    CHECK(text.find("0 buffers, 0 B appeared; 0 buffers, 0 B gone; "
                    "1 buffer, 4.0 KiB let go by all processes, and still there\n") != text.npos);
    auto const diff = told(two);
    CHECK(diff["buffers"][0]["change"] == "shrank");
    CHECK(diff["buffers"][0]["before"] == "held");
    CHECK(diff["buffers"][0]["after"] == "unheld");
    CHECK(diff["processes"][0]["change"] == "gone");
}

TEST_CASE("changes: what was not seen is unknown in words and null in JSON") {
    auto const user = [](scene& it) {
        it.kernel.add(20, "hidden", 2000).open(it.held);
        it.kernel.caller = fake::rights::user(1000);
    };
    auto const two = recorded(
        [](scene& it) {
            it.one->open(it.held);
            it.kernel.add(30, "late", 1000).open(it.held);
        },
        everything(), user);
    auto const text = shown(two, {});
    CHECK_ROW(text, " one", "10 1000 grew 0 0 1 1 → 2 0 0 ≤ 4.0 KiB → ≤ 2.0 KiB 0 one");
    CHECK_ROW(text, " late",
              "30 1000 appeared 1 0 ? → 1 ? → 1 ? → 0 ? → 0 B ? → ≤ 2.0 KiB ? → 4.0 KiB late");
    CHECK_ROW(text, "Held by no process",
              "Held by no process seen: unknown, since no list of all buffers was compared");
    CHECK(text.find("Not everything was seen in the earlier sample") != text.npos);
    auto const diff = told(two);
    auto const& late = diff["processes"][1];
    CHECK(late["descriptors"] == json{{"before", nullptr}, {"after", 1}, {"change", nullptr}});
    CHECK(late["pss_bytes"] == json{{"before", nullptr},
                                    {"after", nullptr},
                                    {"after_at_most", 2048},
                                    {"change", nullptr}});
    CHECK(diff["unheld_bytes"] ==
          json{{"before", nullptr}, {"after", nullptr}, {"change", nullptr}});
    CHECK(diff["before_processes_complete"] == false);

    auto const still = recorded([](scene&) {}, everything(), user);
    CHECK(shown(still, {}).find("No process was seen to change.\nWithout a row: 1 process, of "
                                "which not all could be seen in both samples.\n") !=
          std::string::npos);
    CHECK(told(still)["doubtful"]["processes"] == 1);
}

TEST_CASE("changes: without a list a buffer that is not seen any more may still exist") {
    auto const two = recorded([](scene& it) { it.one->files().clear(); }, everything(),
                              [](scene& it) { it.kernel.debugfs = false; });
    auto const text = shown(two, {"--buffers"});
    CHECK_ROW(text, " not seen ", "7 4.0 KiB system not seen 1 → 0 1 → 0 0 1 → ? 0 → ?");
    CHECK(text.find("0 buffers, 0 B gone; 1 buffer, 4.0 KiB not seen any more; whether they are "
                    "gone is unknown\n") != text.npos);
    CHECK(told(two)["buffers"][0]["after"] == nullptr);
}

TEST_CASE("changes: with --pid they are those that concern these processes") {
    auto const two = recorded(
        [](scene& it) {
            it.one->open(it.held);
            it.kernel.at(20).open(it.unheld);
        },
        everything(), [](scene& it) { it.kernel.add(20, "two", 2000).open(it.unheld); });
    auto const diff = told(two, {"--pid", "20"});
    REQUIRE(diff["processes"].size() == 1);
    CHECK(diff["processes"][0]["pid"] == 20);
    REQUIRE(diff["buffers"].size() == 1);
    CHECK(diff["buffers"][0]["inode"] == 8);
    REQUIRE(diff["users"].size() == 1);
    CHECK(diff["users"][0]["uid"] == 2000);
    CHECK(diff["exporters"] == nullptr);
    CHECK(told(two)["processes"].size() == 2);
}
