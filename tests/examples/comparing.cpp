// SPDX-License-Identifier: MIT
//
// dmabuf_ps --diff-with: two recordings, two JSON files, or one of each; of one boot and of two;
// and what strangers may write as JSON.
#include "program.hpp"
#include "report/rights.hpp"

#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;
using words = std::vector<std::string>;

constexpr auto boot = "0d3f1c7e-8a52-4f6b-9f0a-3a1d5b7c9e11";
constexpr auto other_boot = "ffffffff-8a52-4f6b-9f0a-3a1d5b7c9e11";

/// A system whose answers of two moments are recorded: everything that JSON tells is in it, names
/// that have to be escaped too.
struct world {
    fake::kernel kernel;
    fake::file_ptr held = kernel.buffer(7, 4096, "system", "a\nb\\");
    fake::file_ptr unheld = kernel.buffer(8, 8192, "drm");
    fake::process* one = &kernel.add(10,
                                     "on\xff"
                                     "e",
                                     1000);
    fake::process* two = &kernel.add(20, "two", 2000);

    world() {
        kernel.debugfs = true;
        held->devices = {"gpu"};
        unheld->driver_references = 2;
        one->cgroup = "/a b";
        two->cgroup = "/b";
        one->open(held);
        two->open(held);
        two->open(held, true);
        two->open(kernel.buffer(6, 100, std::string(70, 'x')));
    }

    void change() {
        for (int i = 0; i < 20; ++i)
            one->open(held);
        two->map(held, 8192);
        held->devices = {"gpu", "camera"};
        kernel.buffer(9, 16384, "drm")->driver_references = 1;
        kernel.release(kernel.buffers().at(6));
        kernel.add(30, "late", 2000).open(unheld);
    }

    replay::recording recorded(std::string const& boot_id = boot) {
        dmabuf::sample_options wanted;
        wanted.bpf = false;
        wanted.counts = wanted.cgroups = wanted.unheld = wanted.bufinfo = true;
        wanted.names = wanted.path_descriptors = true;
        auto done = support::record(kernel, wanted).recording;
        done.made.kernel = "6.12";
        done.made.rights = report::words_of({true, true, true, true, false});
        if (boot_id.empty()) return done;
        replay::entry id;
        id.what = replay::call::file;
        id.path = "/proc/sys/kernel/random/boot_id";
        id.text = boot_id + "\n";
        done.entries.push_back(std::move(id));
        return done;
    }
};

std::string json_of(replay::recording const& what, words options = {}) {
    options.emplace_back("--json");
    auto const answer = programs::replayed(what, options);
    REQUIRE(answer.status == 0);
    return answer.out;
}

std::string shown(std::string const& older, std::string const& newer, words const& options) {
    auto const answer = programs::compared(older, newer, options);
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    return answer.out;
}

json told(std::string const& older, std::string const& newer, words options = {}) {
    options.emplace_back("--json");
    return json::parse(shown(older, newer, options));
}

/// A small snapshot as dmabuf_ps writes it, to be spoilt.
json snapshot() {
    world it;
    return json::parse(json_of(it.recorded()));
}

void check_refused(std::string const& text, std::string const& where, std::string const& why) {
    world it;
    auto const answer = programs::compared(text, replay::write(it.recorded()), {});
    INFO(answer.err);
    CHECK(answer.status == 1);
    CHECK(answer.out.empty());
    CHECK(answer.err.find(": " + where + ": " + why) != answer.err.npos);
}

bool has(std::string const& text, std::string_view sentence) {
    return text.find(sentence) != text.npos;
}

} // namespace

TEST_CASE("comparing: a process that was partly seen has lower bounds, in recordings and in JSON") {
    world it;
    auto const before = it.recorded();
    it.one->open(it.held);
    it.one->add_thread(11, std::make_shared<fake::table>());
    it.kernel.event = [&](fake::call_event const& event) {
        if (event.path.ends_with("/11/fd")) it.one->dumpable = false;
    };
    it.kernel.caller = fake::rights::user(1000);
    auto const after = it.recorded();
    auto const as_json = json_of(after);
    CHECK(json::parse(as_json)["processes"][0]["partly_seen"] == true);
    for (auto const& newer : {replay::write(after), as_json}) {
        auto const diff = told(replay::write(before), newer)["diff"];
        REQUIRE(diff["processes"].size() == 2);
        CHECK(diff["processes"][0]["descriptors"]["after_at_least"] == 2);
        CHECK(diff["processes"][0]["descriptors"]["change"] == nullptr);
    }
}

TEST_CASE("comparing: recordings and JSON in any pair tell the same") {
    world it;
    auto const before = it.recorded();
    it.change();
    auto const after = it.recorded();
    auto const first = told(replay::write(before), replay::write(after));
    CHECK(first["schema"] == "dmabuf_ps_diff/1");
    CHECK(first["same_boot"] == true);
    CHECK(first["notes"].empty());
    CHECK(first["before"]["boot_id"] == boot);
    CHECK(first["after"]["processes_complete"] == true);

    auto const& diff = first["diff"];
    REQUIRE(diff["processes"].size() == 3);
    CHECK(diff["processes"][0]["comm"] == "on\\xffe");
    CHECK(diff["processes"][0]["descriptors"]["change"] == 20);
    CHECK(diff["processes"][1]["mapped_bytes"]["change"] == 8192);
    CHECK(diff["processes"][2]["change"] == "appeared");
    REQUIRE(diff["buffers"].size() == 4);
    CHECK(diff["buffers"][0]["change"] == "gone");
    CHECK(diff["buffers"][1]["attachments"]["change"] == 1);
    CHECK(diff["buffers"][2]["before"] == "unheld");
    CHECK(diff["buffers"][2]["after"] == "held");
    CHECK(diff["buffers"][3]["after"] == "unheld");
    CHECK(diff["exporters"].size() == 3);
    CHECK(diff["cgroups"][1]["cgroup"] == "/a b");

    for (auto const& older : {replay::write(before), json_of(before)})
        for (auto const& newer : {replay::write(after), json_of(after)}) {
            CHECK(told(older, newer)["diff"] == diff);
            for (auto const& options : {words{}, {"--buffers"}, {"--by", "exporter"}}) {
                auto const text = shown(older, newer, options);
                CHECK(has(text, "Held by no process seen: 8.0 KiB → 16.0 KiB, in 1 buffer\n"));
            }
        }
}

TEST_CASE("comparing: a capture's snapshot is one too") {
    world it;
    json const capture{{"schema", "lowmem_capture/1"}, {"snapshot", snapshot()}};
    it.change();
    auto const found = told(capture.dump(), replay::write(it.recorded()));
    CHECK(found["diff"]["processes"][0]["descriptors"]["change"] == 20);
}

TEST_CASE("comparing: dmabuf_ps/2, in which coverage has other names, is read as well") {
    world it;
    auto now = snapshot();
    auto old = now;
    old["schema"] = "dmabuf_ps/2";
    for (auto const& [name, before] : {std::pair{"found_by", "source"}, {"proc_shows", "sight"}}) {
        old["coverage"][before] = old["coverage"][name];
        old["coverage"].erase(name);
    }
    it.change();
    auto const newer = replay::write(it.recorded());
    CHECK(told(old.dump(), newer)["diff"] == told(now.dump(), newer)["diff"]);
}

TEST_CASE("comparing: of two boots nothing is matched, and sums go by names") {
    world it;
    auto const before = it.recorded();
    it.change();
    auto const after = it.recorded(other_boot);
    for (auto const& older : {replay::write(before), json_of(before)}) {
        auto const found = told(older, replay::write(after));
        CHECK(found["same_boot"] == false);
        REQUIRE(found["notes"].size() == 1);
        auto const note = found["notes"][0].get<std::string>();
        CHECK(has(note, std::string("are of two boots, or machines (") + boot + " and " +
                            other_boot + "): no process and no buffer is the same"));
        for (auto const& row : found["diff"]["processes"])
            CHECK((row["change"] == "gone" || row["change"] == "appeared"));
        for (auto const& row : found["diff"]["buffers"])
            CHECK((row["change"] == "gone" || row["change"] == "appeared"));
        CHECK(found["diff"]["users"][0]["descriptors"]["change"] == 20);
        auto const text = shown(older, replay::write(after), {"--by", "user"});
        CHECK(has(text, note));
        CHECK(has(text, "Between both samples: "));
    }
}

TEST_CASE("comparing: where a boot is not told, processes and kernels decide, and words say so") {
    world it;
    auto const before = replay::write(it.recorded(""));
    auto const same = told(before, replay::write(it.recorded()));
    CHECK(same["same_boot"] == true);
    CHECK(has(same["notes"][0], "they are taken to be of one boot, since 2 of holders have one pid "
                                "and start time in both."));
    for (auto const pid : {10, 20})
        it.kernel.at(pid).start_ticks += 7;
    auto const later = told(before, replay::write(it.recorded()));
    CHECK(later["same_boot"] == false);
    CHECK(has(later["notes"][0], "no process has one pid and start time in both"));

    auto of_other_kernel = it.recorded("");
    of_other_kernel.made.kernel = "7.3";
    auto const other = told(before, replay::write(of_other_kernel));
    CHECK(other["same_boot"] == false);
    CHECK(has(other["notes"][0], "their kernels differ, 6.12 and 7.3"));
}

TEST_CASE("comparing: an older file that is the newer one goes back in time, and says so") {
    world it;
    auto const before = replay::write(it.recorded());
    it.change();
    auto const after = replay::write(it.recorded());
    auto const found = told(after, before);
    CHECK(has(found["notes"][0], "the changes go back in time."));
    CHECK(found["diff"]["processes"][0]["descriptors"]["change"] == -20);
}

TEST_CASE("comparing: what an option left out of a JSON file is unknown, and not gone") {
    world it;
    auto const before = it.recorded();
    auto const found = told(json_of(before, {"--pid", "10"}), replay::write(before));
    CHECK(has(found["notes"][0], "does not hold all processes"));
    REQUIRE(found["diff"]["processes"].size() == 1);
    CHECK(found["diff"]["processes"][0]["pid"] == 20);
    CHECK(found["diff"]["processes"][0]["descriptors"]["before"] == nullptr);
    for (auto const& row : found["diff"]["buffers"])
        CHECK(row["before"] == nullptr);
}

TEST_CASE("comparing: anonymised recordings have cgroups of other names") {
    world it;
    auto before = it.recorded();
    before.made.anonymised = true;
    auto const found = told(replay::write(before), replay::write(it.recorded()));
    CHECK(found["diff"]["cgroups"] == nullptr);
    CHECK(has(found["notes"][0], "cgroups are not compared"));
}

TEST_CASE("comparing: a recording made here tells the boot, and so does JSON") {
    auto const own = programs::run({DMABUF_PS, "--json"});
    REQUIRE(own.status == 0);
    auto const id = json::parse(own.out)["boot_id"].get<std::string>();
    CHECK(id.size() == 36);
    auto const recorded = programs::run({DMABUF_PS, "--record", "-", "--anonymise"});
    REQUIRE(recorded.status == 0);
    CHECK(has(recorded.out, "file /proc/sys/kernel/random/boot_id\n  \"" + id) !=
          has(recorded.out, "file /proc/sys/kernel/random/boot_id \"" + id));
}

TEST_CASE("comparing: JSON that is none, or nests, repeats or holds too much, is refused") {
    check_refused("{\n  \"schema\": \"dmabuf_ps/2\",\n  x", "line 3, column 3", "this is not JSON");
    check_refused("{\"a\": \"\xff\"}", "line 1, column 8", "this is not JSON");
    check_refused("{", "line 1, column 2", "this is not JSON");
    check_refused("{\"a\": {\"b\": [{}, {\"c\": 1, \"c\": 2}]}}", "/a/b/1", "has one key twice");
    std::string const deep = "{\"a\": ";
    std::string deepest = "/a";
    for (int i = 0; i < 14; ++i)
        deepest += "/0";
    check_refused(deep + std::string(20, '[') + std::string(20, ']') + "}", deepest,
                  "nests deeper than is read");
    check_refused(deep + std::string(100000, '['), deepest, "nests deeper than is read");
    std::string many = "{\"a\": [0";
    for (int i = 0; i < 4'000'000; ++i)
        many += ",0";
    check_refused(many + "]}", "/a", "has more values than are read");
}

TEST_CASE("comparing: JSON of another schema, or with values that do not fit, is refused") {
    auto const good = snapshot();
    auto const spoil = [&](char const* pointer, json value, char const* why,
                           std::string const& where = {}) {
        auto bad = good;
        bad[json::json_pointer(pointer)] = std::move(value);
        check_refused(bad.dump(), where.empty() ? pointer : where, why);
    };
    spoil("/schema", "dmabuf_ps/1", "is not dmabuf_ps/2, dmabuf_ps/3 or lowmem_capture/1");
    spoil("/schema", 3, "is no text");
    spoil("/begin_ns", -1, "is no number without a sign, of 64 bits");
    spoil("/begin_ns", 1.5, "is no number without a sign, of 64 bits");
    spoil("/processes/0/pid", 2147483648U, "is too large a number");
    spoil("/processes/0/pid", "10", "is no number without a sign, of 64 bits");
    spoil("/processes", json::object(), "is no array");
    spoil("/processes/1", 5, "is no object");
    spoil("/processes/0/comm", "a\\q", "is not escaped as names are");
    spoil("/processes/0/comm", std::string(64, 'x'), "is longer than a name can be");
    spoil("/processes/0/references/0/inode", 99, "is no buffer that is in `buffers`");
    spoil("/processes/1/pid", 20, "have 20 twice", "/processes");
    spoil("/buffers/1/inode", 6, "is the number of several buffers in `buffers`",
          "/processes/0/references/0/inode");
    spoil("/buffers/0/attachments/0", nullptr, "is no object");
    spoil("/coverage/mappings_read", 1, "is neither true nor false");
    spoil("/coverage/listed_by", "hearsay", "is no word that is known here");
    constexpr auto largest = ~std::uint64_t{0};
    spoil("/buffers/0/size_bytes", largest, "has sizes that together exceed 2^64-1 bytes", "/");
    spoil("/unheld/0/size_bytes", largest, "has sizes that together exceed 2^64-1 bytes", "/");
    spoil("/coverage/held_bytes", largest, "has sizes that together exceed 2^64-1 bytes", "/");
    for (auto const* const sum : {"rss_bytes", "pss_bytes"})
        spoil((std::string("/processes/0/") + sum).c_str(), largest - 1,
              (std::string("has ") + sum + " that together exceed 2^64-1 bytes").c_str(), "/");
    auto mapped = good;
    for (auto& one : mapped["processes"])
        one["mapped_bytes"] = largest;
    check_refused(mapped.dump(), "/", "has mapped_bytes that together exceed 2^64-1 bytes");
    auto lacking = good;
    lacking["coverage"].erase("odd_rows");
    check_refused(lacking.dump(), "/coverage/odd_rows", "is missing");
    // Nothing of a stranger's text reaches the terminal as it is.
    check_refused("{\"\x1b[31m\": {\"c\": 1, \"c\": 2}}", "line 1, column 3", "this is not JSON");
    check_refused(R"({"\u001b[31m": {"c": 1, "c": 2}})", "/\\x1b[31m", "has one key twice");
}

TEST_CASE("comparing: what is chosen in one of both samples is compared in both") {
    world it;
    auto const before = replay::write(it.recorded());
    it.change();
    it.unheld->name = "late name";
    auto const after = replay::write(it.recorded());

    auto const drm = told(before, after, {"--exporter", "drm"})["diff"];
    REQUIRE(drm["buffers"].size() == 2); // 8, which was there, and 9
    CHECK(drm["buffers"][0]["inode"] == 8);
    REQUIRE(drm["processes"].size() == 1);
    CHECK(drm["processes"][0]["pid"] == 30);
    CHECK(drm["held_bytes"]["change"] == 8192);
    REQUIRE(drm["exporters"].size() == 1);

    auto const late = told(before, after, {"--name", "late*"})["diff"];
    REQUIRE(late["buffers"].size() == 1);
    CHECK(late["buffers"][0]["before"] == "unheld");
    CHECK(late["buffers"][0]["after"] == "held");

    auto const two = told(before, after, {"--comm", "two"})["diff"];
    REQUIRE(two["processes"].size() == 1);
    CHECK(two["processes"][0]["pid"] == 20);
    CHECK(two["exporters"] == nullptr);

    CHECK(has(shown(before, after, {"--exporter", "drm"}),
              "Rows and sums are of the chosen buffers."));
    CHECK(has(shown(before, after, {"--comm", "two"}), "Sums are of all processes."));
}
