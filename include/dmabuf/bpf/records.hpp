// SPDX-License-Identifier: MIT
//
// The records that the pinned BPF iterators write. They are binary and have a length each, so that
// no name can forge a field. kernel/bpf/records.h is the other side.
#pragma once

#include <dmabuf/kernel/system.hpp>
#include <dmabuf/names.hpp>

#include <array>
#include <bit>
#include <optional>

namespace dmabuf {
inline namespace v0 {

/// The contents of a walk.
enum class bpf_content : std::uint32_t {
    descriptors = 2,
    mappings = 3,
    buffers = 4,
    origins = 6,     ///< `bpf/origins.hpp` reads them
    attachments = 7, ///< the same
};

/// The first record of a walk.
struct bpf_header {
    bpf_content content = bpf_content::descriptors;
    bool pid_namespace = false;  ///< the reader is not in the initial one, which numbers processes
    bool user_namespace = false; ///< the reader is not in the initial one, which numbers users
    bool time_namespace = false; ///< the reader is not in the initial one, which start times are of
    bool names = true;           ///< false: this kernel lets no exporter and no name be read

    /// True where pids, uids and start times in the records are those that /proc shows to the
    /// reader.
    [[nodiscard]] constexpr bool same_namespaces() const {
        return !pid_namespace && !user_namespace && !time_namespace;
    }
};

/// A buffer as a record shows it.
/// Lifetime: the texts lie in the record.
struct bpf_buffer {
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    device_number device;
    bool described = false; ///< exporter and name could be read
    bool named = false;     ///< somebody set a name
    std::string_view exporter;
    std::string_view name;   ///< raw bytes that a holder chose
    std::uint32_t count = 0; ///< references to the buffer's file, without the walk's own; 0: not
                             ///< told, as by an O_PATH descriptor
};

/// One descriptor, or one mapping.
/// Lifetime: the texts lie in the record.
struct bpf_reference {
    std::int32_t pid = 0;       ///< of the thread group
    std::int32_t tid = 0;       ///< of the task whose table or memory this is
    std::uint32_t uid = 0;      ///< effective, of the group's leader
    std::uint64_t start_ns = 0; ///< of the group's leader, since boot
    std::string_view comm;      ///< of the group's leader
    std::uint64_t set = 0;      ///< the table or address space, numbered for this walk only
    std::uint64_t item = 0;     ///< the descriptor's number, or the mapping's; unique in the set
    bool path = false;          ///< opened with O_PATH
    std::uint64_t mapped_bytes = 0; ///< 0 for a descriptor
    bpf_buffer buffer;
};

namespace detail {

/// The offsets and sizes of the fields. All have the byte order of the machine.
namespace bpf_layout {
inline constexpr std::size_t head = 8;
inline constexpr std::size_t header = 24;
inline constexpr std::size_t holder = 64;
inline constexpr std::size_t buffer = 96;
inline constexpr std::size_t comm_bytes = 16;
inline constexpr std::size_t exporter_bytes = 68; ///< more than an exporter_name holds
inline constexpr std::size_t name_bytes = 31;

inline constexpr std::uint64_t magic = 0x7265746966756264;
inline constexpr std::uint32_t version = 3;
inline constexpr std::uint16_t kind_header = 1;
inline constexpr std::uint16_t kind_end = 5;

/// The record that ends a walk.
inline constexpr auto end = std::bit_cast<std::array<char, head>>(
    std::array<std::uint16_t, head / 2>{head, kind_end, 0, 0});
} // namespace bpf_layout

template<class Number>
constexpr Number load(std::string_view bytes, std::size_t at) {
    std::array<char, sizeof(Number)> raw{};
    for (std::size_t i = 0; i < raw.size(); ++i)
        raw[i] = bytes[at + i];
    return std::bit_cast<Number>(raw);
}

/// Whether a file that begins so was written by a machine of the other byte order.
constexpr bool has_other_byte_order(std::string_view bytes) {
    return bytes.size() >= bpf_layout::header &&
           load<std::uint64_t>(bytes, 8) == __builtin_bswap64(bpf_layout::magic);
}

/// The text up to the first zero. The zero is near: a call of memchr() would not pay.
constexpr std::string_view load_text(std::string_view bytes, std::size_t at, std::size_t capacity) {
    std::size_t length = 0;
    while (length < capacity && bytes[at + length] != '\0')
        ++length;
    return bytes.substr(at, length);
}

} // namespace detail

/// The head of a record.
struct bpf_record {
    std::uint16_t kind = 0;
    std::uint32_t flags = 0;
    std::string_view bytes; ///< all of it, the head too

    /// Whether it ends the walk.
    [[nodiscard]] constexpr bool is_end() const { return kind == detail::bpf_layout::kind_end; }
};

namespace detail {

/// The length of the record at the beginning of `bytes`. 0: only a part of it is there. 1: no
/// record has that length.
constexpr std::size_t bpf_record_length(std::string_view bytes) {
    if (bytes.size() < bpf_layout::head) return 0;
    auto const length = load<std::uint16_t>(bytes, 0);
    if (length < bpf_layout::head || length % 8 != 0) return 1;
    return bytes.size() < length ? 0 : length;
}

constexpr bpf_record take_bpf_record(std::string_view& bytes, std::size_t length) {
    bpf_record const record{load<std::uint16_t>(bytes, 2), load<std::uint32_t>(bytes, 4),
                            std::string_view(bytes.data(), length)};
    bytes.remove_prefix(length);
    return record;
}

} // namespace detail

/// Takes the next record off `bytes`; nothing where only a part of one is there.
/// Errors: EBADMSG for a length that no record has.
template<class = detail::if_called>
constexpr result<std::optional<bpf_record>> take_bpf_record(std::string_view& bytes, place where) {
    auto const length = detail::bpf_record_length(bytes);
    if (length == 0) return std::optional<bpf_record>{};
    if (length == 1) return failure{operation::parse, EBADMSG, where};
    return std::optional(detail::take_bpf_record(bytes, length));
}

/// Parses the first record of a walk.
/// Errors: EBADMSG for another record, EPROTONOSUPPORT for a program of another version.
constexpr result<bpf_header> parse_bpf_header(bpf_record const& record, place where) {
    namespace layout = detail::bpf_layout;
    auto const& bytes = record.bytes;
    if (record.kind != layout::kind_header || bytes.size() < layout::header ||
        detail::load<std::uint64_t>(bytes, 8) != layout::magic)
        return failure{operation::parse, EBADMSG, where};
    if (detail::load<std::uint32_t>(bytes, 16) != layout::version)
        return failure{operation::identify, EPROTONOSUPPORT, where, 16};
    auto const content = detail::load<std::uint32_t>(bytes, 20);
    if (content < 2 || content > 7 || content == layout::kind_end || bytes.size() != layout::header)
        return failure{operation::parse, EBADMSG, where, 20};
    bpf_header header;
    header.content = static_cast<bpf_content>(content);
    header.pid_namespace = (record.flags & 1U) != 0;
    header.user_namespace = (record.flags & 2U) != 0;
    header.time_namespace = (record.flags & 4U) != 0;
    header.names = (record.flags & 8U) == 0;
    return header;
}

namespace detail {

/// The offset of the part about the buffer, in a record of `descriptors` or `mappings`.
inline constexpr std::size_t bpf_buffer_at = bpf_layout::head + bpf_layout::holder;

/// The fields of a record without misfit, each read in place. The part about the buffer, which ends
/// a record, begins at `At`.
template<std::size_t At>
struct bpf_fields {
    bpf_record record;

    [[nodiscard]] constexpr auto pid() const { return get<std::int32_t>(8); }
    [[nodiscard]] constexpr auto tid() const { return get<std::int32_t>(12); }
    [[nodiscard]] constexpr auto uid() const { return get<std::uint32_t>(16); }
    [[nodiscard]] constexpr auto start_ns() const { return get<std::uint64_t>(24); }
    [[nodiscard]] constexpr auto set() const { return get<std::uint64_t>(32); }
    [[nodiscard]] constexpr auto item() const { return get<std::uint64_t>(40); }
    [[nodiscard]] constexpr auto mapped_bytes() const { return get<std::uint64_t>(48); }
    [[nodiscard]] constexpr auto comm() const {
        return load_text(record.bytes, 56, bpf_layout::comm_bytes);
    }
    [[nodiscard]] constexpr bool path() const { return (record.flags & 1U) != 0; }

    [[nodiscard]] constexpr auto inode() const { return get<std::uint64_t>(At); }
    [[nodiscard]] constexpr auto size_bytes() const { return get<std::uint64_t>(At + 8); }
    [[nodiscard]] constexpr device_number device() const {
        auto const number = get<std::uint32_t>(At + 16);
        return {number >> 20U, number & 0xfffffU};
    }
    [[nodiscard]] constexpr auto name_bytes() const { return get<std::uint32_t>(At + 20); }
    [[nodiscard]] constexpr auto exporter() const {
        return load_text(record.bytes, At + 24, bpf_layout::exporter_bytes);
    }
    [[nodiscard]] constexpr auto count() const { return get<std::uint32_t>(At + 92); }
    [[nodiscard]] constexpr auto name() const {
        return record.bytes.substr(At + bpf_layout::buffer, name_bytes());
    }
    [[nodiscard]] constexpr bool named() const { return (record.flags & 2U) != 0; }
    [[nodiscard]] constexpr bool described() const { return (record.flags & 4U) == 0; }

    /// 0 where the record is as long as its name says, else the offset of the field that does not
    /// fit.
    [[nodiscard]] constexpr std::uint32_t misfit() const {
        constexpr std::size_t name_at = At + bpf_layout::buffer;
        auto const size = record.bytes.size();
        if (size < name_at) return static_cast<std::uint32_t>(size);
        auto const length = name_bytes();
        if (length > bpf_layout::name_bytes || size != name_at + (length + 7) / 8 * 8)
            return detail::in_32_bits(At + 20);
        return 0;
    }

    [[nodiscard]] constexpr bpf_buffer buffer() const {
        return {inode(), size_bytes(), device(), described(), named(), exporter(), name(), count()};
    }

private:
    template<class Number>
    [[nodiscard]] constexpr Number get(std::size_t at) const {
        return load<Number>(record.bytes, at);
    }
};

/// The fields of a record of `descriptors` or `mappings`.
using bpf_reference_fields = bpf_fields<bpf_buffer_at>;

/// 0, or the offset of the field that does not fit in a record of `descriptors` or `mappings`.
constexpr std::uint32_t bpf_reference_misfit(bpf_record const& record, bpf_content content) {
    bpf_reference_fields const fields{record};
    if (record.kind != static_cast<std::uint16_t>(content)) return 2;
    if (auto const offset = fields.misfit()) return offset;
    return fields.pid() > 0 ? 0 : 8;
}

} // namespace detail

/// Parses a record of `descriptors` or `mappings`.
/// Errors: EBADMSG with the offset in the record.
/// Lifetime: the texts lie in the record.
constexpr result<bpf_reference> parse_bpf_reference(bpf_record const& record, bpf_content content,
                                                    place where) {
    if (auto const offset = detail::bpf_reference_misfit(record, content))
        return failure{operation::parse, EBADMSG, where, offset};
    detail::bpf_reference_fields const fields{record};
    bpf_reference found;
    found.pid = fields.pid();
    found.tid = fields.tid();
    found.uid = fields.uid();
    found.start_ns = fields.start_ns();
    found.comm = fields.comm();
    found.set = fields.set();
    found.item = fields.item();
    found.path = fields.path();
    found.mapped_bytes = fields.mapped_bytes();
    found.buffer = fields.buffer();
    return found;
}

/// Parses a record of `buffers`.
/// Errors: EBADMSG with the offset in the record.
/// Lifetime: the texts lie in the record.
constexpr result<bpf_buffer> parse_bpf_listed(bpf_record const& record, place where) {
    if (record.kind != static_cast<std::uint16_t>(bpf_content::buffers))
        return failure{operation::parse, EBADMSG, where, 2};
    detail::bpf_fields<detail::bpf_layout::head> const fields{record};
    if (auto const offset = fields.misfit())
        return failure{operation::parse, EBADMSG, where, offset};
    return fields.buffer();
}

} // namespace v0
} // namespace dmabuf
