// SPDX-License-Identifier: MIT
//
// The records of the BPF programs: laid out as kernel/bpf/records.h says, strict in everything.
#include <dmabuf/bpf/records.hpp>

#include "parse/table.hpp"
#include "systems/bpf_stream.hpp"

#include <bit>
#include <cstring>

namespace {

using dmabuf::bpf_content;

constexpr dmabuf::place where{dmabuf::object::bpf_descriptors};

constexpr bool little = std::endian::native == std::endian::little;

/// The offsets of the bytes of a number at `at` that count least and most.
constexpr std::size_t least_byte(std::size_t at, std::size_t size) {
    return little ? at : at + size - 1;
}
constexpr std::size_t greatest_byte(std::size_t at, std::size_t size) {
    return little ? at + size - 1 : at;
}

// The numbers of this side are those of the structures on the other side.
namespace layout = dmabuf::detail::bpf_layout;
static_assert(layout::head == sizeof(dmabuf_bpf_head));
static_assert(layout::header == sizeof(dmabuf_bpf_header));
static_assert(layout::holder == sizeof(dmabuf_bpf_holder));
static_assert(layout::buffer == sizeof(dmabuf_bpf_buffer));
static_assert(offsetof(dmabuf_bpf_reference, name) ==
              layout::head + layout::holder + layout::buffer);
static_assert(layout::magic == DMABUF_BPF_MAGIC && layout::version == DMABUF_BPF_VERSION);
static_assert(layout::kind_header == DMABUF_BPF_HEADER && layout::kind_end == DMABUF_BPF_END);
static_assert(static_cast<int>(bpf_content::descriptors) == DMABUF_BPF_DESCRIPTOR);
static_assert(static_cast<int>(bpf_content::mappings) == DMABUF_BPF_MAPPING);
static_assert(static_cast<int>(bpf_content::buffers) == DMABUF_BPF_BUFFER);

/// The first record of `bytes`, as memory that ends where it ends.
dmabuf::result<dmabuf::bpf_reference> parsed(table::exactly const& bytes) {
    auto rest = bytes.view();
    auto const record = dmabuf::take_bpf_record(rest, where);
    if (!record) return record.error();
    if (!*record) return dmabuf::failure{dmabuf::operation::parse, ENODATA, where};
    return dmabuf::parse_bpf_reference(**record, bpf_content::descriptors, where);
}

dmabuf_bpf_holder const holder{12, 13, 1000, 0, 5'000'000'000, 77, 9, 4096, "a\nb) ("};
dmabuf_bpf_buffer const buffer{1ULL << 40, 3ULL << 33, (3U << 20) | 11, 0, "system", 0};

} // namespace

TEST_CASE("bpf records: every field, and names of every length") {
    for (std::size_t size = 0; size <= 31; ++size) {
        std::string const name(size, '\n');
        auto const bytes =
            bpf::reference(DMABUF_BPF_DESCRIPTOR, holder, buffer, &name, DMABUF_BPF_PATH);
        CHECK(bytes.size() % 8 == 0);
        table::exactly const exact(bytes);
        auto const found = parsed(exact);
        REQUIRE(found);
        CHECK(found->pid == 12);
        CHECK(found->tid == 13);
        CHECK(found->uid == 1000);
        CHECK(found->start_ns == 5'000'000'000);
        CHECK(found->set == 77);
        CHECK(found->item == 9);
        CHECK(found->mapped_bytes == 4096);
        CHECK(found->comm == "a\nb) (");
        CHECK(found->path);
        CHECK(found->buffer.inode == 1ULL << 40);
        CHECK(found->buffer.size_bytes == 3ULL << 33);
        CHECK(found->buffer.device == dmabuf::device_number{3, 11});
        CHECK(found->buffer.exporter == "system");
        CHECK(found->buffer.name == name);
        CHECK(found->buffer.named);
        CHECK(found->buffer.described);
    }
}

TEST_CASE("bpf records: exporter and comm that fill their places") {
    auto full = holder;
    std::memset(full.comm, 'c', sizeof full.comm);
    auto long_one = buffer;
    std::memset(long_one.exporter, 'e', sizeof long_one.exporter);
    table::exactly const exact(
        bpf::reference(DMABUF_BPF_DESCRIPTOR, full, long_one, nullptr, DMABUF_BPF_UNDESCRIBED));
    auto const found = parsed(exact);
    REQUIRE(found);
    CHECK(found->comm == std::string(16, 'c'));
    CHECK(found->buffer.exporter == std::string(68, 'e'));
    CHECK_FALSE(found->buffer.named);
    CHECK_FALSE(found->buffer.described);
    CHECK_FALSE(found->path);
}

TEST_CASE("bpf records: cut off at every byte, there is only a part") {
    std::string const name = "framebuffer";
    auto const bytes = bpf::reference(DMABUF_BPF_DESCRIPTOR, holder, buffer, &name);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        table::exactly const exact(std::string_view(bytes).substr(0, size));
        auto rest = exact.view();
        auto const record = dmabuf::take_bpf_record(rest, where);
        INFO(size);
        REQUIRE(record);
        CHECK_FALSE(record->has_value());
        CHECK(rest.size() == size);
    }
}

TEST_CASE("bpf records: a length, kind or process that no program writes is refused") {
    std::string const name = "framebuffer";
    auto const good = bpf::reference(DMABUF_BPF_DESCRIPTOR, holder, buffer, &name);
    auto const broken = [&](std::size_t at, char value) {
        auto bytes = good;
        bytes[at] = value;
        bytes.resize(256 + good.size()); // longer lengths find something
        table::exactly const exact(bytes);
        return parsed(exact).error();
    };
    for (int length = 0; length < 256; ++length) {
        if (static_cast<std::size_t>(length) == good.size()) continue;
        INFO(length);
        CHECK(broken(least_byte(0, 2), static_cast<char>(length)).error == EBADMSG);
    }
    CHECK(broken(least_byte(2, 2), 3).error == EBADMSG);
    CHECK(broken(least_byte(2, 2), 9).offset == 2);
    CHECK(broken(greatest_byte(8, 4), '\x80').offset == 8);
    CHECK(broken(least_byte(8, 4), 0).offset == 8);
    for (char const length : {'\0', '\7', '\21', '\40', '\xff'})
        CHECK(broken(least_byte(offsetof(dmabuf_bpf_reference, buffer.name_bytes), 4), length)
                  .error == EBADMSG);
}

TEST_CASE("bpf records: a name that is longer than any, where its record is as long as it says") {
    auto const refused = [](std::string bytes, std::uint32_t length) {
        std::memcpy(bytes.data() + offsetof(dmabuf_bpf_reference, buffer.name_bytes), &length,
                    sizeof length);
        table::exactly const exact(bytes);
        return parsed(exact).error();
    };
    std::string const longest(31, 'x');
    std::string const none;
    CHECK(refused(bpf::reference(DMABUF_BPF_DESCRIPTOR, holder, buffer, &longest), 32).error ==
          EBADMSG);
    // Made up to eights, this length is none.
    for (std::uint32_t past = 1; past < 8; ++past)
        CHECK(refused(bpf::reference(DMABUF_BPF_DESCRIPTOR, holder, buffer, &none), 0U - past)
                  .error == EBADMSG);
}

TEST_CASE("bpf records: the header") {
    auto const parsed = [](std::string const& bytes) {
        table::exactly const exact(bytes);
        auto rest = exact.view();
        auto const record = dmabuf::take_bpf_record(rest, where);
        REQUIRE(record);
        REQUIRE(*record);
        return dmabuf::parse_bpf_header(**record, where);
    };
    for (std::uint32_t flags = 0; flags < 16; ++flags) {
        auto const found = parsed(bpf::header(4, flags));
        REQUIRE(found);
        CHECK(found->content == bpf_content::buffers);
        CHECK(found->pid_namespace == ((flags & DMABUF_BPF_IN_PID_NAMESPACE) != 0));
        CHECK(found->user_namespace == ((flags & DMABUF_BPF_IN_USER_NAMESPACE) != 0));
        CHECK(found->time_namespace == ((flags & DMABUF_BPF_IN_TIME_NAMESPACE) != 0));
        CHECK(found->names == ((flags & DMABUF_BPF_NO_NAMES) == 0));
        CHECK(found->same_namespaces() == ((flags & 7) == 0));
    }
    CHECK(parsed(bpf::header(1)).error().offset == 20);
    CHECK(parsed(bpf::header(5)).error().error == EBADMSG);
    CHECK(parsed(bpf::header(2, 0, 0)).error().error == EPROTONOSUPPORT);
    CHECK(parsed(bpf::header(2, 0, DMABUF_BPF_VERSION, ~DMABUF_BPF_MAGIC)).error().error ==
          EBADMSG);
    CHECK(parsed(bpf::end()).error().error == EBADMSG);
    std::string const name = "x";
    CHECK(parsed(bpf::reference(1, holder, buffer, &name)).error().error == EBADMSG);
    // A later version may have a longer header: it is another version, not a foreign file.
    auto later = bpf::header(2, 0, DMABUF_BPF_VERSION + 1) + std::string(8, '\0');
    later[least_byte(0, 2)] = 32;
    CHECK(parsed(later).error().error == EPROTONOSUPPORT);
}

TEST_CASE("bpf records: a listed buffer") {
    dmabuf_bpf_listed record{{0, DMABUF_BPF_BUFFER, DMABUF_BPF_NAMED}, buffer, {}};
    bpf::set_name(record.head.length, record.buffer.name_bytes, record.name,
                  offsetof(dmabuf_bpf_listed, name), "name");
    table::exactly const exact(bpf::bytes_of(record, record.head.length));
    auto rest = exact.view();
    auto const taken = dmabuf::take_bpf_record(rest, where);
    REQUIRE(taken);
    REQUIRE(*taken);
    auto const found = dmabuf::parse_bpf_listed(**taken, where);
    REQUIRE(found);
    CHECK(found->inode == 1ULL << 40);
    CHECK(found->name == "name");
    CHECK(found->exporter == "system");
    CHECK(dmabuf::parse_bpf_reference(**taken, bpf_content::descriptors, where).error().offset ==
          2);
    record.buffer.name_bytes += 8;
    table::exactly const longer(bpf::bytes_of(record, record.head.length));
    rest = longer.view();
    CHECK(dmabuf::parse_bpf_listed(**dmabuf::take_bpf_record(rest, where), where).error().offset ==
          offsetof(dmabuf_bpf_listed, buffer.name_bytes));
}
