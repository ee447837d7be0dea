// SPDX-License-Identifier: MIT
//
// Changes on real buffers: descriptors, mappings, attachments, and buffers in flight. The numbers
// come from the actions of each test between two looks, of the library and of dmabuf_ps.
#include "scene.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace scene;
using nlohmann::json;

dmabuf::sample_options everything() {
    dmabuf::sample_options options;
    options.bpf = false;
    options.force = dmabuf::source::fd_walk; // which marks O_PATH
    options.counts = options.unheld = options.bufinfo = options.cgroups = true;
    return options;
}

/// A look before, and the changes up to now: by the library, and by dmabuf_ps, which compares with
/// a recording.
class since {
public:
    since()
        : sampler_(everything()) {
        REQUIRE(sampler_.sample(before_));
        (void)output_of("dmabuf_ps --source fd_walk --record /tmp/before.recording");
    }

    void look() {
        REQUIRE(sampler_.sample(after_));
        found_ = diff(before_, after_);
        told_ = json::parse(output_of(
            "dmabuf_ps --source fd_walk --diff-with /tmp/before.recording --json"))["diff"];
        std::printf("%s\n", output_of("dmabuf_ps --source fd_walk --diff-with "
                                      "/tmp/before.recording --buffers")
                                .c_str());
    }

    [[nodiscard]] dmabuf::snapshot_diff const& found() const { return found_; }
    [[nodiscard]] json const& told() const { return told_; }

    [[nodiscard]] dmabuf::holder_change const& self() const {
        for (auto const& one : found_.holders)
            if (one.pid == ::getpid()) return one;
        FAIL("this process did not change");
        return found_.holders.front();
    }
    [[nodiscard]] dmabuf::buffer_change const& buffer(std::uint64_t inode) const {
        for (auto const& one : found_.buffers)
            if (one.inode == inode) return one;
        FAIL("the buffer did not change");
        return found_.buffers.front();
    }
    [[nodiscard]] json told_buffer(std::uint64_t inode) const {
        for (auto const& one : told_["buffers"])
            if (one["inode"] == inode) return one;
        FAIL("dmabuf_ps tells no change of the buffer: " << told_.dump(2));
        return {};
    }

private:
    dmabuf::sampler sampler_;
    dmabuf::snapshot before_;
    dmabuf::snapshot after_;
    dmabuf::snapshot_diff found_;
    json told_;
};

} // namespace

TEST_CASE("changes: twenty descriptors more of one buffer", "[references]") {
    auto const buffer = lab::alloc_heap(page);
    auto const inode = lab::inode_of(buffer.get());
    since then;
    std::vector<lab::descriptor> more;
    for (int i = 0; i < 20; ++i)
        more.emplace_back(lab::check(::fcntl(buffer.get(), F_DUPFD_CLOEXEC, 0), "F_DUPFD_CLOEXEC"));
    then.look();
    CHECK(then.self().descriptors.difference() == 20);
    CHECK(then.self().buffers.difference() == 0);
    CHECK(then.self().grew());
    CHECK(then.buffer(inode).descriptors.difference() == 20);
    CHECK(then.buffer(inode).references.difference() == 20);
    CHECK(then.buffer(inode).other_references.difference() == 0);
    REQUIRE(then.found().exporters.size() == 1);
    CHECK(then.found().exporters[0].descriptors.difference() == 20);
    CHECK(then.found().users.at(0).descriptors.difference() == 20);
    CHECK(then.told()["processes"][0]["descriptors"]["change"] == 20);
    CHECK(then.told_buffer(inode)["descriptors"]["change"] == 20);
    CHECK(then.told()["held_bytes"]["change"] == 0);
}

TEST_CASE("changes: ten mappings more of one buffer", "[references]") {
    if (!mappings_hold()) return skip_mappings();
    auto const buffer = lab::alloc_heap(2 * page);
    auto const inode = lab::inode_of(buffer.get());
    since then;
    std::vector<void*> mapped;
    for (int i = 0; i < 10; ++i) {
        mapped.push_back(::mmap(nullptr, 2 * page, PROT_READ, MAP_SHARED, buffer.get(), 0));
        REQUIRE(mapped.back() != MAP_FAILED);
    }
    then.look();
    CHECK(then.self().mapped_bytes.difference() == 20 * static_cast<std::int64_t>(page));
    // The kernel merges mappings that follow one another in the file alone: these are ten.
    CHECK(then.self().mappings.difference() == 10);
    CHECK(then.buffer(inode).mappings.difference() == 10);
    CHECK(then.buffer(inode).references.difference() == 10);
    CHECK(then.told_buffer(inode)["mappings"]["change"] == 10);
    for (auto* const at : mapped)
        ::munmap(at, 2 * page);
}

TEST_CASE("changes: three attachments more of one buffer", "[references]") {
    if (!lab::is_there(lab::vgem_path) || !lab::is_there(lab::udmabuf_path))
        return skip("attachments: vgem or udmabuf is not there");
    auto const buffer = lab::alloc_udmabuf(4 * page);
    auto const inode = lab::inode_of(buffer.get());
    since then;
    std::vector<lab::descriptor> cards;
    for (int i = 0; i < 3; ++i) {
        cards.push_back(lab::open_device(lab::vgem_path));
        lab::import_into_vgem(cards.back(), buffer.get());
    }
    then.look();
    CHECK(then.buffer(inode).attachments.difference() == 3);
    CHECK(then.buffer(inode).other_devices);
    CHECK(then.buffer(inode).descriptors.difference() == 0);
    REQUIRE(then.found().exporters.size() == 1);
    CHECK(then.found().exporters[0].attachments.difference() == 3);
    CHECK(then.told_buffer(inode)["attachments"]["change"] == 3);
}

TEST_CASE("changes: buffers in flight, and one that was let go of into flight", "[references]") {
    auto const ends = lab::make_socket_pair();
    auto moved = lab::alloc_heap(page);
    auto const inode = lab::inode_of(moved.get());
    since then;
    lab::send_fd(ends.here.get(), moved.get());
    moved.reset();
    auto fresh = lab::alloc_heap(8 * page);
    auto const second = lab::inode_of(fresh.get());
    lab::send_fd(ends.here.get(), fresh.get());
    fresh.reset();
    then.look();
    CHECK(then.buffer(inode).before == dmabuf::presence::held);
    CHECK(then.buffer(inode).after == dmabuf::presence::unheld);
    CHECK(then.buffer(inode).what == dmabuf::change::changed);
    CHECK(then.buffer(inode).other_references.difference() == 1);
    CHECK(then.buffer(second).what == dmabuf::change::appeared);
    CHECK(then.buffer(second).after == dmabuf::presence::unheld);
    CHECK(then.found().unheld_buffers.difference() == 2);
    CHECK(then.found().unheld_bytes.difference() == 9 * static_cast<std::int64_t>(page));
    CHECK(then.found().held_bytes.difference() == -static_cast<std::int64_t>(page));
    CHECK(then.told()["unheld_bytes"]["change"] == 9 * page);
    CHECK(then.told_buffer(inode)["after"] == "unheld");
}
