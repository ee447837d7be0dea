// SPDX-License-Identifier: MIT
//
// Recordings of real programs on virtual cameras and displays: GStreamer between a camera and a
// compositor, and v4l2-ctl. What is expected is what the kernel's own list has, read by eye: the
// recordings hold its text.
#include "support.hpp"

#include <fstream>
#include <iterator>

namespace {

replay::recording recording_of(std::string const& name) {
    auto const path = DMABUF_PROGRAMS "/" + name + ".recording";
    INFO(path);
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file);
    return support::parsed({std::istreambuf_iterator<char>(file), {}});
}

dmabuf::snapshot replayed(replay::recording recording) {
    auto const samples = recording.made.samples;
    auto again = support::replay_it(std::move(recording), samples);
    REQUIRE(again.missing == "");
    REQUIRE_FALSE(again.failed);
    CHECK(again.now.coverage.complete());
    CHECK(again.now.coverage.listed_by == dmabuf::listing::bufinfo);
    return std::move(again.now);
}

dmabuf::snapshot replayed(std::string const& name) {
    return replayed(recording_of(name));
}

/// "1200: 5 buffers, 692.0 KiB", by pid.
std::string holders_of(dmabuf::snapshot const& now) {
    std::string text;
    for (auto const& who : now.holders)
        text += std::to_string(who.pid) + ": " + std::to_string(who.reference_count) +
                " buffers, " + std::to_string(who.rss_bytes) + "\n";
    return text;
}

} // namespace

TEST_CASE("a camera whose pictures a compositor shows: who holds them, and what DRM keeps") {
    auto const now = replayed("camera-compositor");
    CHECK(now.total_bytes + now.unheld_bytes == 12054528);
    REQUIRE(now.unheld.size() == 1);
    CHECK(now.unheld[0].inode == 58);
    CHECK(now.unheld[0].size_bytes == 1921024);
    CHECK(now.exporter_of(now.unheld[0]) == "drm");
    CHECK(now.buffers.size() == 13);
    // The compositor has three of the four pictures of 228 KiB.
    CHECK(holders_of(now) == "1169: 4 buffers, 1851392\n1200: 5 buffers, 708608\n"
                             "1214: 4 buffers, 933888\n1235: 3 buffers, 7340032\n");
}

TEST_CASE("a program that maps its camera's buffers, while a display keeps one of its own") {
    auto const now = replayed("v4l2-diff");
    REQUIRE(now.holders.size() == 1);
    CHECK(now.holders[0].pid == 1948);
    CHECK(now.holders[0].reference_count == 6);
    REQUIRE(now.unheld.size() == 1);
    CHECK(now.unheld[0].inode == 58);
    CHECK(now.unheld[0].size_bytes == 1921024);
}

TEST_CASE("a camera's queue has one reference to each buffer that no process explains") {
    auto recording = recording_of("v4l2-named");
    recording.made.options.counts = true; // by the list that is in it
    auto const now = replayed(recording);
    CHECK(now.unheld.empty());
    CHECK(now.total_bytes == 1851392);
    CHECK(holders_of(now) == "311: 4 buffers, 1851392\n");
    REQUIRE(now.counts.size() == 4);
    for (auto const& one : now.counts) {
        CHECK(one.count == 3);
        CHECK(one.others_known);
        CHECK(one.other_references == 1);
        CHECK(one.devices_known);
    }
    CHECK(now.attachments.empty());
}
