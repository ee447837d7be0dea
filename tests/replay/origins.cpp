// SPDX-License-Identifier: MIT
//
// Recordings of real kernels on which dmabuf_pin --origins watched. The makers wrote down what they
// made, and the expected values are theirs: one buffer before the watch; of krita one held, one
// only mapped and one in flight over a socket; one that compositor imported by vgem and closed; one
// of udmabuf; and one in flight whose maker exited.
#include "replay/anonymise.hpp"
#include "support.hpp"

#include <bit>
#include <cerrno>
#include <fstream>
#include <iterator>

namespace {

struct kernel {
    char const* name;
    int krita, compositor, udm, exits;
};

replay::recording recording_of(std::string const& name) {
    auto const path = DMABUF_ORIGINS "/" + name + ".recording";
    INFO(path);
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file);
    return support::parsed({std::istreambuf_iterator<char>(file), {}});
}

/// "2 1048576: made_by 149 krita runs", a line for each buffer.
std::string told_in(dmabuf::snapshot const& now) {
    std::string text;
    for (auto const& one : now.origins) {
        text += std::to_string(one.inode) + " " + std::to_string(one.size_bytes) + ": " +
                std::string(name_of(one.state));
        if (one.state == dmabuf::origin_state::made_by)
            text += " " + std::to_string(one.maker.pid) + " " + std::string(one.maker.comm.view()) +
                    " " + std::string(name_of(one.maker.now));
        text += "\n";
    }
    for (auto const& one : now.watched_attachments)
        text += std::to_string(one.inode) + " attached to " + std::string(one.device.view()) +
                " by " + std::to_string(one.importer.pid) + "\n";
    return text;
}

std::string expected_of(kernel const& one) {
    auto const krita = std::to_string(one.krita) + " krita runs\n";
    auto const compositor = std::to_string(one.compositor);
    return "1 65536: before_watch\n"
           "2 1048576: made_by " +
           krita + "3 2097152: made_by " + krita + "4 3145728: made_by " + krita +
           "5 5242880: made_by " + compositor +
           " compositor runs\n"
           "6 16384: made_by " +
           std::to_string(one.udm) +
           " udm runs\n"
           "7 7340032: made_by " +
           std::to_string(one.exits) +
           " exits ended\n"
           "5 attached to vgem by " +
           compositor + "\n";
}

} // namespace

TEST_CASE("makers of real kernels are those that the makers wrote down") {
    auto const one =
        GENERATE(kernel{"6.12", 190, 191, 192, 193}, kernel{"7.3", 149, 150, 151, 152});
    auto const recording = recording_of(one.name);
    auto const again = support::replay_it(recording);
    CHECK(again.missing == "");
    if constexpr (std::endian::native == std::endian::big) { // the recordings are of x86
        CHECK(told_in(again.now).find("made_by") == std::string::npos);
        CHECK(again.now.watch.why_no_origins.error == EILSEQ);
        return;
    }
    CHECK(told_in(again.now) == expected_of(one));
    REQUIRE(again.now.unheld.size() == 3);
    CHECK(again.now.unheld[0].inode == 4);
    CHECK(again.now.unheld[1].inode == 5);
    CHECK(again.now.unheld[2].inode == 7);
    CHECK(again.now.watch.missed == 0);
    CHECK(again.now.watch.changes == 0);
    // The scene was made three seconds before.
    for (auto const& told : again.now.origins) {
        if (told.state != dmabuf::origin_state::made_by) continue;
        auto const age_ns = again.now.watch.age_ns(told.made_ns);
        CHECK(age_ns >= 3'000'000'000);
        CHECK(age_ns < 30'000'000'000);
    }
    auto const other = support::replay_it(replay::anonymised(recording));
    CHECK(other.missing == "");
    CHECK(support::dump(other.now, false) == support::dump(again.now, false));
    CHECK(told_in(other.now).find("krita") == std::string::npos);
}
