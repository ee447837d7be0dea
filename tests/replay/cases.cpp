// SPDX-License-Identifier: MIT
//
// Recordings made by hand, each for one kind of fault: old kernels, an odd row, cgroups.
#include "replay/anonymise.hpp"
#include "support.hpp"

#include <fstream>
#include <iterator>

namespace {

/// The sample of a recording, or of the same with other names: both must say the same.
dmabuf::snapshot sample_of(std::string const& name) {
    std::ifstream file(DMABUF_RECORDINGS "/../cases/" + name + ".recording", std::ios::binary);
    REQUIRE(file);
    auto recording = support::parsed({std::istreambuf_iterator<char>(file), {}});
    if (GENERATE(false, true)) recording = replay::anonymised(std::move(recording));
    auto again = support::replay_it(std::move(recording));
    REQUIRE(again.missing == "");
    REQUIRE_FALSE(again.failed);
    return std::move(again.now);
}

} // namespace

TEST_CASE("cases: an odd row is told, and the rest of the list stands") {
    auto const now = sample_of("bufinfo-odd-row");
    CHECK(now.coverage.listed_by == dmabuf::listing::bufinfo);
    CHECK(now.coverage.odd_rows == 1);
    CHECK(now.coverage.first_odd_row ==
          dmabuf::failure{dmabuf::operation::parse, EBADMSG, {dmabuf::object::bufinfo}, 27, 200});
    CHECK(now.unheld.size() == 99);
    CHECK(now.unheld_bytes == 99 * 4096);
}

TEST_CASE("cases: before 5.3 descriptors and rows are counted") {
    auto const now = sample_of("plain-4.9");
    auto const& old = now.coverage.indistinct;
    CHECK(old.kernel_major == 4);
    CHECK(old.kernel_minor == 9);
    CHECK(old.holders == 1);
    CHECK(old.descriptors == 1);
    CHECK(old.mappings == 0);
    CHECK(old.listed == 1);
    CHECK(old.listed_bytes == 6220800);
    CHECK_FALSE(now.coverage.complete());
    CHECK_FALSE(now.coverage.buffers_compared());
    CHECK(now.unheld.empty());
}

TEST_CASE("cases: before 5.3 mappings are counted") {
    auto const now = sample_of("plain-4.14-mapped");
    CHECK(now.coverage.indistinct.holders == 1);
    CHECK(now.coverage.indistinct.descriptors == 0);
    CHECK(now.coverage.indistinct.mappings == 1);
    CHECK_FALSE(now.coverage.complete());
}

TEST_CASE("cases: a vendor's 4.19 that has the inodes of 5.3, and no memory controller") {
    auto const now = sample_of("cgroup-v1-nomem");
    CHECK(now.coverage.indistinct.kernel_major == 0);
    CHECK(now.coverage.complete());
    REQUIRE(now.holders.size() == 1);
    CHECK(now.coverage.cgroups_unknown == 0);
    CHECK(now.cgroup_name(now.holders[0].cgroup).starts_with("cpuset:/"));
}
