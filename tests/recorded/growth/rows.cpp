// SPDX-License-Identifier: MIT
//
// The buffers that explain growth. The expected ones are those that each test leaks.
#include <dmabuf/growth_rows.hpp>

#include "catch.hpp"
#include "recorded/growth/world.hpp"

#include <array>

namespace {

using namespace growth_tests;
using dmabuf::measure;
using dmabuf::subject_kind;

struct explained {
    world system;
    dmabuf::growth_watch watch;
    dmabuf::growth_rows rows;
    dmabuf::snapshot now;
    std::uint64_t time = 1000 * second;
    std::array<dmabuf::growth_row, 3> told;

    explained() {
        system.start(10, "app");
        system.start(11, "idle", "/two");
        system.make_for(10, 100, "udmabuf");
        system.make_for(11, 200, "udmabuf");
    }

    template<class Step>
    void look(int times, Step step) {
        for (int i = 0; i < times; ++i) {
            step(i);
            system.show(now);
            watch.feed(now, time);
            rows.keep(now, time);
            time += second;
        }
    }
    /// Explains one series, which must be there.
    dmabuf::growth_explanation explain(subject_kind kind, measure what, std::uint64_t inode = 0) {
        dmabuf::growth_explanation found;
        int series = 0;
        watch.for_each([&](dmabuf::growth_series const& one) {
            if (one.of.kind != kind || one.what != what || one.of.inode != inode) return;
            if (one.of.pid != 0 && one.of.pid != 10) return;
            if (!one.so_far.grows()) return;
            if (kind == subject_kind::cgroup && one.of.name != "/one") return;
            if (kind == subject_kind::exporter && one.of.name != "system") return;
            found = rows.explain(one, now, told);
            ++series;
        });
        CHECK(series == (kind == subject_kind::unheld ? 2 : 1)); // and by exporter
        return found;
    }
};

} // namespace

TEST_CASE("growth rows: the buffers that came, the largest first") {
    explained seen;
    int const quiet = GENERATE(0, 200);
    seen.look(quiet, [](int) {});
    auto const first = seen.system.next_inode;
    seen.look(60, [&](int look) {
        seen.system.make_for(10, look == 30 ? 9000 : 4096, look == 30 ? "cma" : "system");
    });
    for (auto const kind : {subject_kind::process, subject_kind::cgroup}) {
        auto const bytes = seen.explain(kind, measure::bytes);
        // The first look's own buffer, or none, is in the snapshot that was kept.
        auto const came = quiet == 0 ? 59U : 60U;
        CHECK(bytes.buffers == came);
        CHECK(bytes.rise == (came - 1) * 4096 + 9000);
        CHECK(bytes.rows == 3);
        CHECK(seen.told[0].inode == first + 30);
        CHECK(seen.told[0].pid == 10);
        CHECK(seen.told[0].rise == 9000);
        CHECK(seen.told[0].exporter == "cma");
        CHECK(seen.told[1].rise == 4096);
        CHECK(seen.explain(kind, measure::buffers).rise == came);
        CHECK(seen.explain(kind, measure::descriptors).rise == came);
    }
    auto const by_exporter = seen.explain(subject_kind::exporter, measure::buffers);
    CHECK(by_exporter.rise == (quiet == 0 ? 58U : 59U)); // without that of cma
    CHECK(by_exporter.since_ns + 60 * second <= seen.time);
}

TEST_CASE("growth rows: the one buffer that is held more and more often") {
    explained seen;
    seen.look(100, [](int) {});
    auto const inode = seen.system.processes[10].holds.begin()->first;
    bool const mapped = GENERATE(false, true);
    seen.look(70, [&](int) {
        auto& how = seen.system.processes[10].holds[inode];
        ++(mapped ? how.mappings : how.descriptors);
    });
    auto const found =
        seen.explain(subject_kind::process, mapped ? measure::mappings : measure::descriptors);
    CHECK(found.buffers == 1);
    CHECK(found.rows == 1);
    CHECK(found.rise == 70);
    CHECK(seen.told[0].inode == inode);
    CHECK(seen.told[0].exporter == "udmabuf");
}

TEST_CASE("growth rows: buffers that no process holds, and references to one") {
    explained seen;
    auto const inode = seen.system.make_for(10);
    seen.look(60, [&](int) {
        seen.system.make(4096, "drm");
        seen.system.buffers[inode].other_references += 2;
    });
    auto const unheld = seen.explain(subject_kind::unheld, measure::bytes);
    CHECK(unheld.rise == 59 * 4096);
    CHECK(seen.told[0].exporter == "drm");
    CHECK(seen.told[0].pid == 0);
    auto const references = seen.explain(subject_kind::buffer, measure::other_references, inode);
    CHECK(references.rise == 118);
    CHECK(seen.told[0].inode == inode);
}

TEST_CASE("growth rows: the buffers of a maker, be they held or not, and of makers that ended") {
    explained seen;
    seen.system.origins = true;
    seen.look(100, [](int) {});
    bool const ended = GENERATE(false, true);
    auto const first = seen.system.next_inode;
    seen.look(60, [&](int look) {
        auto const inode = look % 2 == 0 ? seen.system.make() : seen.system.make_for(11);
        seen.system.buffers[inode].by = {ended ? 1000 + look : 10, "app", ended};
        seen.system.make_for(11); // another maker's
    });
    auto const found = seen.explain(subject_kind::maker, measure::buffers);
    CHECK(found.rise == 60);
    CHECK(seen.told[0].inode == first + 2); // those that processes hold are told first
    CHECK(seen.told[0].rise == 1);
}

TEST_CASE("growth rows: a process that took the pid of another explains itself") {
    explained seen;
    auto const inode = seen.system.processes[11].holds.begin()->first;
    seen.system.processes[10].holds[inode].descriptors = 30;
    seen.look(10, [](int) {});
    seen.system.exit(10);
    seen.system.start(10, "next");
    seen.look(60, [&](int) { ++seen.system.processes[10].holds[inode].descriptors; });
    auto const found = seen.explain(subject_kind::process, measure::descriptors);
    CHECK(found.rise == 60);
}

TEST_CASE("growth rows: no incomplete snapshot is compared, and none of a later time") {
    explained seen;
    seen.system.complete = false;
    seen.look(1, [](int) {});
    seen.system.complete = true;
    seen.look(60, [&](int) { seen.system.make_for(10); });
    CHECK(seen.explain(subject_kind::process, measure::buffers).rise == 59);
    seen.time = 5 * second; // another recording
    seen.look(60, [&](int) { seen.system.make_for(10); });
    auto const found = seen.explain(subject_kind::process, measure::buffers);
    CHECK(found.since_ns == 5 * second);
    CHECK(found.rise == 59);
}
