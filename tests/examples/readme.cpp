// SPDX-License-Identifier: MIT
//
// The README's table is that of its program, of the processes of a recording.
#include <dmabuf/account.hpp>

#include "replay/support.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace {

std::string text_of(char const* path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A line of examples/minimal.cpp, which the README shows.
std::string line_of(dmabuf::holder const& row) {
    return fmt::format("{:6} {:<16} {:11} bytes, buffers: {}\n", row.pid,
                       dmabuf::escaped(row.comm).c_str(), *row.pss_bytes, row.reference_count);
}

} // namespace

TEST_CASE("readme: the table is that of its program") {
    auto const seen =
        support::replay_text(text_of(DMABUF_REPLAY "/recordings/6.12-stock/root.recording"));
    REQUIRE(seen.missing.empty());
    REQUIRE(seen.now.coverage.complete());
    std::string table;
    for (auto const& row : by_process(seen.now))
        table += line_of(row);
    INFO(table);
    CHECK(text_of(DMABUF_README).find("```text\n" + table + "```\n") != std::string::npos);
}
