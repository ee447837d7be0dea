// SPDX-License-Identifier: MIT
//
// dmabuf_ps prints the same of a recording with and without mappings of ordinary files.
#include "program.hpp"

#include <fstream>
#include <iterator>

namespace {

replay::recording read_recording(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    INFO(path);
    REQUIRE(file);
    return support::parsed({std::istreambuf_iterator<char>(file), {}});
}

} // namespace

TEST_CASE("each view of a recording without mappings of ordinary files is the same") {
    for (std::string const name : {"programs/camera-compositor", "programs/v4l2-diff",
                                   "programs/v4l2-named", "recordings/6.1-plain/root",
                                   "recordings/6.12-stock/lab", "recordings/7.3-stock/fd_walk"}) {
        auto const done =
            support::record_again(read_recording(DMABUF_REPLAY "/" + name + ".recording"));
        CHECK(done.needed.made.left_out != 0);
        for (auto const& options : std::vector<std::vector<std::string>>{
                 {}, {"--json"}, {"--buffers"}, {"--by", "exporter"}, {"--verbose"}}) {
            CAPTURE(name, options);
            auto const whole = programs::replayed(done.recording, options);
            auto const needed = programs::replayed(done.needed, options);
            REQUIRE(whole.status == 0);
            CHECK(needed.status == 0);
            CHECK(needed.out == whole.out);
        }
    }
}
