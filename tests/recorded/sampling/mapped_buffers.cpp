// SPDX-License-Identifier: MIT
//
// The buffers that one process has mapped.
#include "parts.hpp"

namespace {

using parts::bench;
using parts::outcome;
using parts::paths;

/// Process 10, which has mapped a file and 4096 bytes of a buffer.
struct scene {
    explicit scene(fake::kernel& kernel, dmabuf::sample_options wanted = {})
        : buffer(kernel.buffer(77, 8192, "system", "camera"))
        , library(kernel.regular("/lib"))
        , holder(kernel.add(10, "p"))
        , on(kernel, wanted) {
        holder.map(library, 4096);
        holder.map(buffer, 4096);
    }

    outcome read(std::vector<std::int32_t> const& tids = {10}) {
        auto const process = on.open(10);
        return mapped.read(process, tids);
    }
    /// Mappings of the buffer that were taken.
    [[nodiscard]] std::size_t taken() {
        std::size_t count = 0;
        for (auto const& one : on.now.references)
            count += one.mappings * (on.build[one.buffer].inode == buffer->inode);
        return count;
    }

    fake::file_ptr buffer, library;
    fake::process& holder;
    bench on;
    dmabuf::mapped_buffers<parts::system> mapped{on.sample};
};

TEST_CASE("mapped buffers: a mapping counts with its length, the buffer with its own size") {
    fake::kernel kernel;
    kernel.map_queries = GENERATE(false, true);
    kernel.sysfs_buffers = GENERATE(false, true);
    scene s(kernel);
    if (GENERATE(false, true)) s.on.meet_dmabufs();
    CHECK(s.read() == outcome::seen);
    CHECK(s.mapped.found_memory());
    REQUIRE(s.taken() == 1);
    CHECK(s.on.now.references[0].mapped_bytes == 4096);
    CHECK(s.on.buffer(s.buffer).size_bytes == 8192);
    CHECK(s.on.buffer(s.buffer).name.view() == "camera");
    CHECK(s.on.has_exporter(s.buffer, "system") == kernel.sysfs_buffers);
    CHECK(s.on.counted().undecided == 0);
}

TEST_CASE("mapped buffers: of a leader that has exited, another thread's map is read") {
    fake::kernel kernel;
    kernel.map_queries = GENERATE(false, true);
    scene s(kernel);
    s.holder.add_thread(11);
    s.holder.add_thread(12);
    s.holder.end_leader();
    s.on.meet_dmabufs(); // map_files is the leader's alone
    SECTION("the next one's") {
        CHECK(s.read({10, 11, 12}) == outcome::seen);
        CHECK(s.taken() == 1); // not once more by task 12
    }
    SECTION("unless nobody is left") {
        CHECK(s.read({10}) == outcome::seen);
        CHECK_FALSE(s.mapped.found_memory());
        CHECK(s.taken() == 0);
    }
}

TEST_CASE("mapped buffers: a process that executes another program meanwhile is looked at again") {
    fake::kernel kernel;
    scene s(kernel);
    unsigned queries = 0;
    kernel.event = [&](fake::call_event const& event) {
        if (event.kind == fake::call::query && ++queries == 2) s.holder.exec();
    };
    CHECK(s.read() == outcome::again);
    kernel.event = nullptr;
}

TEST_CASE("mapped buffers: one that is unmapped meanwhile, and ended, is counted as gone") {
    fake::kernel kernel;
    kernel.sysfs_buffers = true;
    scene s(kernel);
    s.on.meet_dmabufs();
    SECTION("it ended") {
        s.on.before("/77/size", [&] { kernel.release(s.buffer); });
        CHECK(s.read() == outcome::seen);
        CHECK(s.on.counted().mappings_gone == 1);
        CHECK(s.taken() == 0);
    }
    SECTION("it has not: its area may have been split") {
        s.on.before("/77/size", [&] { s.holder.mappings.pop_back(); });
        CHECK(s.read() == outcome::seen);
        CHECK(s.on.counted().mappings_gone == 0);
        CHECK(s.taken() == 1);
        CHECK(s.on.buffer(s.buffer).size_bytes == 8192);
    }
}

TEST_CASE("mapped buffers: without the right to look behind it, a mapping is undecided until a "
          "DMA-BUF was met") {
    fake::kernel kernel;
    kernel.caller.checkpoint_restore = false;
    scene s(kernel);
    CHECK(s.read() == outcome::seen);
    CHECK(s.on.counted().undecided == 1);
    CHECK(s.taken() == 0);
    s.on.meet_dmabufs();
    CHECK(s.read() == outcome::seen);
    CHECK(s.on.counted().undecided == 1);
    CHECK(s.taken() == 1);
    CHECK_FALSE(s.on.buffer(s.buffer).size_known);
}

TEST_CASE("mapped buffers: until one is met, one file of each anonymous device is asked its name") {
    fake::kernel kernel;
    scene s(kernel);
    s.holder.mappings.clear();
    s.library->device = {0, 30};
    s.holder.map(s.library, 4096);
    s.holder.map(kernel.regular("/on a disk"), 4096);
    s.holder.map(s.library, 4096);
    auto const process = s.on.open(10);
    auto const asked = s.on.asked_by([&] { s.mapped.read(process, std::vector{10}); });
    // open; one for each mapping, and one that sees the end; and a name
    CHECK(asked.size() == 1 + 3 + 1 + 1);
    CHECK(s.on.session.known.rejects({0, 30}));
    CHECK_FALSE(s.on.session.known.rejects({8, 1}));
    CHECK(s.on.now.references.empty());
    CHECK(s.mapped.found_memory());
}

TEST_CASE("mapped buffers: maps that may not be read, or fail") {
    fake::kernel kernel;
    scene s(kernel);
    auto const process = s.on.open(10);
    std::vector const tids{10};
    SECTION("denied") {
        kernel.caller = fake::rights::user(5);
        CHECK(s.mapped.read(process, tids) == outcome::denied);
    }
    SECTION("failed") {
        s.on.fail(1, EIO);
        CHECK(s.mapped.read(process, tids) == outcome::failed);
        CHECK(s.on.counted().first_failure.where.what == dmabuf::object::maps);
    }
    SECTION("ended") {
        kernel.exit(10);
        CHECK(s.mapped.read(process, tids) == outcome::seen);
    }
    CHECK_FALSE(s.mapped.found_memory());
}

TEST_CASE("mapped buffers: that PROCMAP_QUERY is refused, is learned once") {
    fake::kernel kernel;
    kernel.minor = 10;
    scene s(kernel);
    auto const process = s.on.open(10);
    auto const read = [&] { s.mapped.read(process, std::vector{10}); };
    CHECK(s.on.asked_by(read).at(1) == "10/task/10/maps?");
    for (auto const& path : s.on.asked_by(read))
        CHECK_FALSE(path.ends_with('?'));
    CHECK(s.taken() == 2);
}

} // namespace
