// SPDX-License-Identifier: MIT
//
// The records of makers, of attachments and of the watch itself: laid out as kernel/bpf/records.h
// says, strict in everything.
#include <dmabuf/bpf/origins.hpp>

#include "parse/table.hpp"
#include "systems/bpf_stream.hpp"

#include <cstring>

namespace {

constexpr dmabuf::place where{dmabuf::object::bpf_origins};

// Numbers on this side are names on the other.
namespace layout = dmabuf::detail::bpf_layout;
static_assert(layout::actor == sizeof(dmabuf_bpf_actor));
static_assert(layout::origin == sizeof(dmabuf_bpf_origin));
static_assert(layout::attachment == sizeof(dmabuf_bpf_attachment));
static_assert(layout::watch == sizeof(dmabuf_bpf_watch));
static_assert(layout::actor_at == offsetof(dmabuf_bpf_origin, maker));
static_assert(layout::actor_at == offsetof(dmabuf_bpf_attachment, importer));
static_assert(layout::kind_watch == DMABUF_BPF_WATCH);
static_assert(static_cast<int>(dmabuf::bpf_content::origins) == DMABUF_BPF_ORIGIN);
static_assert(static_cast<int>(dmabuf::bpf_content::attachments) == DMABUF_BPF_ATTACHMENT);
static_assert(dmabuf::bpf_watch::unknown == DMABUF_BPF_UNKNOWN);

dmabuf_bpf_actor const actor{12, 13, 1000, 0, 5'000'000'000, "a\nb) (", "gpu-thread"};

dmabuf_bpf_origin const origin{{sizeof(dmabuf_bpf_origin), DMABUF_BPF_ORIGIN, 0},
                               77,
                               1ULL << 40,
                               3ULL << 33,
                               (3U << 20) | 11,
                               0,
                               6'000'000'001,
                               4711,
                               actor};

dmabuf_bpf_attachment const attachment{{sizeof(dmabuf_bpf_attachment), DMABUF_BPF_ATTACHMENT, 0},
                                       99,
                                       77,
                                       1ULL << 40,
                                       3ULL << 33,
                                       11,
                                       0,
                                       7'000'000'001,
                                       actor,
                                       "0000:00:02.0"};

/// The record at the beginning of `bytes`, whatever its length says.
dmabuf::bpf_record record_of(table::exactly const& bytes) {
    auto const text = bytes.view();
    return {dmabuf::detail::load<std::uint16_t>(text, 2),
            dmabuf::detail::load<std::uint32_t>(text, 4), text};
}

void check_actor(dmabuf::bpf_actor const& found) {
    CHECK(found.pid == 12);
    CHECK(found.tid == 13);
    CHECK(found.uid == 1000);
    CHECK(found.start_ns == 5'000'000'000);
    CHECK(found.comm == "a\nb) (");
    CHECK(found.thread_comm == "gpu-thread");
}

} // namespace

TEST_CASE("bpf origins: every field of an origin") {
    table::exactly const exact(bpf::bytes_of(origin));
    auto const found = dmabuf::parse_bpf_origin(record_of(exact));
    REQUIRE(found);
    CHECK(found->id == 77);
    CHECK(found->inode == 1ULL << 40);
    CHECK(found->size_bytes == 3ULL << 33);
    CHECK(found->device == dmabuf::device_number{3, 11});
    CHECK(found->made_ns == 6'000'000'001);
    CHECK(found->cgroup == 4711);
    check_actor(found->maker);
}

TEST_CASE("bpf origins: every field of an attachment") {
    table::exactly const exact(bpf::bytes_of(attachment));
    auto const found = dmabuf::parse_bpf_attachment(record_of(exact));
    REQUIRE(found);
    CHECK(found->id == 99);
    CHECK(found->buffer == 77);
    CHECK(found->inode == 1ULL << 40);
    CHECK(found->size_bytes == 3ULL << 33);
    CHECK(found->device == dmabuf::device_number{0, 11});
    CHECK(found->attached_ns == 7'000'000'001);
    CHECK(found->named);
    CHECK(found->attached_to == "0000:00:02.0");
    check_actor(found->importer);
    auto unnamed = attachment;
    unnamed.head.flags = DMABUF_BPF_UNNAMED_DEVICE;
    table::exactly const other(bpf::bytes_of(unnamed));
    CHECK_FALSE(dmabuf::parse_bpf_attachment(record_of(other)).value().named);
}

TEST_CASE("bpf origins: names that fill their places") {
    auto full = attachment;
    std::memset(full.importer.comm, 'c', sizeof full.importer.comm);
    std::memset(full.importer.thread_comm, 't', sizeof full.importer.thread_comm);
    std::memset(full.attached_to, 'd', sizeof full.attached_to);
    table::exactly const exact(bpf::bytes_of(full));
    auto const found = dmabuf::parse_bpf_attachment(record_of(exact));
    REQUIRE(found);
    CHECK(found->importer.comm == std::string(16, 'c'));
    CHECK(found->importer.thread_comm == std::string(16, 't'));
    CHECK(found->attached_to == std::string(63, 'd'));
}

TEST_CASE("bpf origins: every field of the watch") {
    auto flags = GENERATE(0U, 1U, 2U, 3U);
    dmabuf_bpf_watch const watch{
        {sizeof(dmabuf_bpf_watch), DMABUF_BPF_WATCH, flags}, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10};
    table::exactly const exact(bpf::bytes_of(watch));
    auto const found = dmabuf::parse_bpf_watch(record_of(exact), where);
    REQUIRE(found);
    CHECK(found->inodes_in_order == ((flags & DMABUF_BPF_INODES_IN_ORDER) != 0));
    CHECK(found->by_probes == ((flags & DMABUF_BPF_BY_PROBES) != 0));
    CHECK(found->since_ns == 1);
    CHECK(found->first_inode == 2);
    CHECK(found->room == 3);
    CHECK(found->begun == 5);
    CHECK(found->finished == 4);
    CHECK(found->no_room == 6);
    CHECK(found->failed_entries == 7);
    CHECK(found->failed_removals == 8);
    CHECK(found->missed_begins == 9);
    CHECK(found->missed_ends == 10);
    CHECK_FALSE(found->entered_all());
    CHECK_FALSE(found->removed_all());
    auto too_many = watch;
    too_many.finished = too_many.begun + 1;
    table::exactly const other(bpf::bytes_of(too_many));
    CHECK(dmabuf::parse_bpf_watch(record_of(other), where).error() ==
          dmabuf::failure{dmabuf::operation::parse, EBADMSG, where,
                          offsetof(dmabuf_bpf_watch, finished)});
}

TEST_CASE("bpf origins: one lost event is enough, and so is one that nobody counted") {
    auto watch = dmabuf::bpf_watch{};
    CHECK_FALSE(watch.entered_all());
    CHECK_FALSE(watch.removed_all());
    watch.missed_begins = watch.missed_ends = 0;
    CHECK(watch.entered_all());
    CHECK(watch.removed_all());
    for (auto lost : {&dmabuf::bpf_watch::no_room, &dmabuf::bpf_watch::failed_entries,
                      &dmabuf::bpf_watch::missed_begins}) {
        auto one = watch;
        one.*lost = 1;
        CHECK_FALSE(one.entered_all());
        CHECK(one.removed_all());
    }
    for (auto lost : {&dmabuf::bpf_watch::failed_removals, &dmabuf::bpf_watch::missed_ends}) {
        auto one = watch;
        one.*lost = 1;
        CHECK(one.entered_all());
        CHECK_FALSE(one.removed_all());
    }
}

TEST_CASE("bpf origins: another length, kind or process is refused, with its place") {
    auto const check = [](auto const& record, auto parse) {
        auto const good = bpf::bytes_of(record);
        for (std::size_t size = 8; size <= good.size() + 64; ++size) {
            auto bytes = good;
            bytes.resize(size);
            table::exactly const exact(bytes);
            auto const found = parse(record_of(exact));
            INFO(size);
            CHECK(found.has_value() == (size == good.size()));
            if (!found) CHECK(found.error().offset == size);
        }
        for (int kind = 0; kind < 20; ++kind) {
            auto other = record;
            if (kind == record.head.kind) continue;
            other.head.kind = static_cast<std::uint16_t>(kind);
            table::exactly const exact(bpf::bytes_of(other));
            CHECK(parse(record_of(exact)).error().offset == 2);
        }
    };
    auto const as_origin = [](auto const& one) { return dmabuf::parse_bpf_origin(one); };
    auto const as_attachment = [](auto const& one) { return dmabuf::parse_bpf_attachment(one); };
    check(origin, as_origin);
    check(attachment, as_attachment);
    check(bpf::watch_from(1), [](auto const& one) { return dmabuf::parse_bpf_watch(one, where); });
    for (int const pid : {0, -1}) {
        auto nobody = origin;
        nobody.maker.tgid = pid;
        table::exactly const exact(bpf::bytes_of(nobody));
        CHECK(as_origin(record_of(exact)).error() ==
              dmabuf::failure{dmabuf::operation::parse, EBADMSG, where,
                              offsetof(dmabuf_bpf_origin, maker)});
    }
}
