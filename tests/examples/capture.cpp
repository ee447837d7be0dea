// SPDX-License-Identifier: MIT
//
// lowmem_capture, as far as it can be seen on any machine: its ring of files, and looks that fail.
// While memory is really short: tests/lab/capture_test.cpp.
#include "catch.hpp"
#include "lowmem_capture/ring.hpp"
#include "scratch.hpp"
#include "systems/failing_look.hpp"

#include <sys/stat.h>

namespace {

namespace fs = std::filesystem;
using lowmem_capture::ring;

class scratch : public programs::scratch {
public:
    void put(std::string const& name) const { std::ofstream(path() + "/" + name) << name; }

    /// Sorted, without the times that this test cannot know.
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (auto const& one : fs::directory_iterator(path())) {
            std::string name = one.path().filename();
            bool const now = name.find("-1999") == name.npos && name.ends_with("Z.json");
            all.push_back(now ? name.substr(0, 17) : name);
        }
        std::sort(all.begin(), all.end());
        return all;
    }
};

/// Adds so many captures, as a program does.
void add_captures(std::string const& path, std::size_t keep, int count) {
    ring files(path, keep);
    REQUIRE(files.open().error == 0);
    for (int i = 0; i < count; ++i) {
        auto const failed = files.add([](auto& file) { file.write("capture"); });
        INFO(failed.doing << ": " << std::strerror(failed.error));
        REQUIRE(failed.error == 0);
    }
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("a ring keeps the newest, whatever was numbered by whom") {
    scratch const there;
    SECTION("the last number of ten digits") {
        there.put("lowmem-9999999999-19990101T000000Z.json");
        // A second each, since the time alone tells them apart.
        for (int i = 0; i < 3; ++i) {
            if (i != 0) ::sleep(1);
            add_captures(there.path(), 2, 1);
        }
        CHECK(there.names() == names{"lowmem-9999999999", "lowmem-9999999999"});
    }
    SECTION("the one before it") {
        there.put("lowmem-9999999998-19990101T000000Z.json");
        add_captures(there.path(), 2, 1);
        CHECK(there.names() ==
              names{"lowmem-9999999998-19990101T000000Z.json", "lowmem-9999999999"});
    }
    SECTION("a number with leading zeros alone, or of eleven digits, is nobody's") {
        there.put("lowmem-10000000000-19990101T000000Z.json");
        there.put("lowmem-000000007-19990101T000000Z.json");
        add_captures(there.path(), 1, 2);
        CHECK(there.names() == names{"lowmem-0000000002", "lowmem-000000007-19990101T000000Z.json",
                                     "lowmem-10000000000-19990101T000000Z.json"});
    }
}

TEST_CASE("a ring does not name a capture as one that is there") {
    scratch const there;
    there.put("lowmem-9999999999-19990101T000000Z.json");
    ring files(there.path(), 8);
    REQUIRE(files.open().error == 0);
    int refused = 0, added = 0;
    for (int i = 0; i < 4; ++i)
        ++(files.add([](auto& file) { file.write("x"); }).error == EEXIST ? refused : added);
    CHECK(refused >= 2); // four within two seconds
    CHECK(there.names().size() == static_cast<std::size_t>(1 + added));
}

TEST_CASE("a ring deletes and counts regular files that it has named, and nothing else") {
    scratch const there;
    names const foreign{
        "lowmem-0000000001-19990101T000000Z.json.bak", // copies of a capture
        "lowmem-0000000001-19990101T000000Z-copy.json", "lowmem-0000000001-of-monday.json",
        "lowmem--000000001-19990101T000000Z.json",      "lowmem-+000000001-19990101T000000Z.json",
        "lowmem-0x00000001-19990101T000000Z.json",      "lowmem-0000000001-19990101T00000Z.json",
        "Lowmem-0000000001-19990101T000000Z.json",      "failed-of-monday.json",
    };
    for (auto const& name : foreign)
        there.put(name);
    there.put("target");
    fs::create_symlink("target", there.path() + "/lowmem-0000000003-19990101T000000Z.json");
    fs::create_directory(there.path() + "/lowmem-0000000004-19990101T000000Z.json");
    REQUIRE(::mkfifo((there.path() + "/lowmem-0000000005-19990101T000000Z.json").c_str(), 0600) ==
            0);
    auto const before = there.names();
    add_captures(there.path(), 2, 3);
    auto after = there.names();
    CHECK(std::erase(after, "lowmem-0000000002") == 1);
    CHECK(std::erase(after, "lowmem-0000000003") == 1);
    CHECK(after == before);
}

TEST_CASE("one failure is kept, apart from the captures") {
    scratch const there;
    add_captures(there.path(), 2, 2);
    for (int i = 0; i < 3; ++i) {
        ring files(there.path(), 2);
        REQUIRE(files.open().error == 0);
        CHECK(files.add_failure([](auto& file) { file.write("failure"); }).error == 0);
        CHECK(files.add_failure([](auto& file) { file.write("failure"); }).error == 0);
    }
    CHECK(there.names() == names{"failed-0000000006", "lowmem-0000000001", "lowmem-0000000002"});
}

TEST_CASE("a capture whose look failed is tried again, or kept apart: once, at any call") {
    scratch const there;
    auto const error = GENERATE(ENOMEM, ENFILE);
    // This machine's /proc is long: the calls until its first processes, and some after that.
    for (unsigned at = 1; at <= 60; at += at < 20 ? 1 : 7) {
        scene::failing_look const done(DMABUF_LOWMEM_CAPTURE, there.path() + "/ring",
                                       {at, false, error});
        INFO("call " << at << ": " << std::strerror(error) << "\n" << done.said);
        CHECK(done.fault() == "");
        CHECK(done.captured());
    }
}

TEST_CASE("a capture whose looks all fail displaces none") {
    scratch const there;
    auto const error = GENERATE(ENOMEM, ENFILE);
    // The first opens what tells the pressure; the others list the processes and look at each.
    for (unsigned const at : {1U, 3U, 5U, 20U}) {
        scene::failing_look const done(DMABUF_LOWMEM_CAPTURE, there.path() + "/ring",
                                       {at, true, error});
        INFO("from call " << at << " on: " << std::strerror(error) << "\n" << done.said);
        CHECK(done.fault() == "");
        CHECK(done.status == 1);
        CHECK(done.said.find("trying again") != std::string::npos);
        CHECK(done.said.find("there is no capture of this event") != std::string::npos);
    }
}
