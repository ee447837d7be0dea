// SPDX-License-Identifier: MIT
//
// What a read of the pinned BPF iterators hands out: binary records with a length each, so that no
// name can forge a field. kernel/bpf/records.h is their other side.
#pragma once

#include <dmabuf/names.hpp>
#include <dmabuf/system.hpp>

#include <array>
#include <bit>

namespace dmabuf {
inline namespace v0 {

/// What an iterator walks over.
enum class bpf_content : std::uint32_t { descriptors = 2, mappings = 3, buffers = 4 };

/// How a walk begins.
struct bpf_header {
    bpf_content content = bpf_content::descriptors;
    bool pid_namespace = false;  ///< the reader is not in the initial one, which numbers processes
    bool user_namespace = false; ///< ... which numbers users
    bool time_namespace = false; ///< ... which start times are of
    bool names = true;           ///< false: this kernel lets no exporter and no name be read

    /// The numbers in the records mean to the reader what they mean to /proc.
    [[nodiscard]] constexpr bool same_namespaces() const {
        return !pid_namespace && !user_namespace && !time_namespace;
    }
};

/// A buffer as a record shows it. The text lies in the record.
struct bpf_buffer {
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    device_number device;
    bool described = false; ///< exporter and name could be read
    bool named = false;     ///< somebody set a name
    std::string_view exporter;
    std::string_view name; ///< raw bytes that a holder chose
};

/// One descriptor, or one mapping. The text lies in the record.
struct bpf_reference {
    std::int32_t pid = 0;       ///< of the thread group
    std::int32_t tid = 0;       ///< of the task whose table or memory this is
    std::uint32_t uid = 0;      ///< effective, of the group's leader
    std::uint64_t start_ns = 0; ///< of the group's leader, since boot
    std::string_view comm;      ///< of the group's leader
    std::uint64_t set = 0;      ///< which table or address space, for this walk only
    std::uint64_t item = 0;     ///< the descriptor's number, or which mapping; unique in the set
    bool path = false;          ///< opened with O_PATH
    std::uint64_t mapped_bytes = 0; ///< 0 for a descriptor
    bpf_buffer buffer;
};

namespace detail {

/// The places of the fields. All have the byte order of the machine.
namespace bpf_layout {
inline constexpr std::size_t head = 8;
inline constexpr std::size_t header = 24;
inline constexpr std::size_t holder = 64;
inline constexpr std::size_t buffer = 56;
inline constexpr std::size_t comm_bytes = 16;
inline constexpr std::size_t exporter_bytes = 32;
inline constexpr std::size_t name_bytes = 31;

inline constexpr std::uint64_t magic = 0x7265746966756264;
inline constexpr std::uint32_t version = 1;
inline constexpr std::uint16_t kind_header = 1;
inline constexpr std::uint16_t kind_end = 5;
} // namespace bpf_layout

template<class Number>
constexpr Number load(std::string_view bytes, std::size_t at) {
    std::array<char, sizeof(Number)> raw{};
    for (std::size_t i = 0; i < raw.size(); ++i)
        raw[i] = bytes[at + i];
    return std::bit_cast<Number>(raw);
}

/// Up to the first zero.
constexpr std::string_view load_text(std::string_view bytes, std::size_t at, std::size_t capacity) {
    auto text = bytes.substr(at, capacity);
    return take_until(text, '\0');
}

} // namespace detail

/// The head of a record.
struct bpf_record {
    std::uint16_t kind = 0;
    std::uint32_t flags = 0;
    std::string_view bytes; ///< all of it, the head too

    [[nodiscard]] constexpr bool is_end() const { return kind == detail::bpf_layout::kind_end; }
};

/// Takes the next record off `bytes`, or nothing where only a part of one is there.
/// Errors: EBADMSG for a length that no record has.
constexpr result<std::optional<bpf_record>> take_bpf_record(std::string_view& bytes, place where) {
    namespace layout = detail::bpf_layout;
    if (bytes.size() < layout::head) return std::optional<bpf_record>{};
    auto const length = detail::load<std::uint16_t>(bytes, 0);
    if (length < layout::head || length % 8 != 0) return failure{operation::parse, EBADMSG, where};
    if (bytes.size() < length) return std::optional<bpf_record>{};
    bpf_record record{detail::load<std::uint16_t>(bytes, 2), detail::load<std::uint32_t>(bytes, 4),
                      bytes.substr(0, length)};
    bytes.remove_prefix(length);
    return std::optional(record);
}

/// Parses the record that every walk begins with.
/// Errors: EBADMSG for what is none, EPROTONOSUPPORT for a program of another version.
constexpr result<bpf_header> parse_bpf_header(bpf_record const& record, place where) {
    namespace layout = detail::bpf_layout;
    auto const& bytes = record.bytes;
    if (record.kind != layout::kind_header || bytes.size() < layout::header ||
        detail::load<std::uint64_t>(bytes, 8) != layout::magic)
        return failure{operation::parse, EBADMSG, where};
    if (detail::load<std::uint32_t>(bytes, 16) != layout::version)
        return failure{operation::identify, EPROTONOSUPPORT, where, 16};
    auto const content = detail::load<std::uint32_t>(bytes, 20);
    if (content < 2 || content > 4 || bytes.size() != layout::header)
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

/// The part about the buffer, which ends the record and begins at `at`.
constexpr result<bpf_buffer> parse_bpf_buffer(bpf_record const& record, std::size_t at,
                                              place where) {
    namespace layout = bpf_layout;
    auto const& bytes = record.bytes;
    auto const name_at = at + layout::buffer;
    if (bytes.size() < name_at)
        return failure{operation::parse, EBADMSG, where, static_cast<std::uint32_t>(bytes.size())};
    auto const name_bytes = load<std::uint32_t>(bytes, at + 20);
    if (name_bytes > layout::name_bytes || bytes.size() != name_at + (name_bytes + 7) / 8 * 8)
        return failure{operation::parse, EBADMSG, where, static_cast<std::uint32_t>(at + 20)};
    bpf_buffer buffer;
    buffer.inode = load<std::uint64_t>(bytes, at);
    buffer.size_bytes = load<std::uint64_t>(bytes, at + 8);
    auto const device = load<std::uint32_t>(bytes, at + 16);
    buffer.device = {device >> 20U, device & 0xfffffU};
    buffer.named = (record.flags & 2U) != 0;
    buffer.described = (record.flags & 4U) == 0;
    buffer.exporter = load_text(bytes, at + 24, layout::exporter_bytes);
    buffer.name = bytes.substr(name_at, name_bytes);
    return buffer;
}

} // namespace detail

/// Parses a record of `descriptors` or `mappings`. Errors: EBADMSG with the offset in the record.
/// Lifetime: the text lies in the record.
constexpr result<bpf_reference> parse_bpf_reference(bpf_record const& record, bpf_content content,
                                                    place where) {
    namespace layout = detail::bpf_layout;
    auto const& bytes = record.bytes;
    if (record.kind != static_cast<std::uint16_t>(content))
        return failure{operation::parse, EBADMSG, where, 2};
    auto const buffer = detail::parse_bpf_buffer(record, layout::head + layout::holder, where);
    if (!buffer) return buffer.error();
    bpf_reference found;
    found.pid = detail::load<std::int32_t>(bytes, 8);
    found.tid = detail::load<std::int32_t>(bytes, 12);
    found.uid = detail::load<std::uint32_t>(bytes, 16);
    found.start_ns = detail::load<std::uint64_t>(bytes, 24);
    found.set = detail::load<std::uint64_t>(bytes, 32);
    found.item = detail::load<std::uint64_t>(bytes, 40);
    found.mapped_bytes = detail::load<std::uint64_t>(bytes, 48);
    found.comm = detail::load_text(bytes, 56, layout::comm_bytes);
    found.path = (record.flags & 1U) != 0;
    found.buffer = *buffer;
    if (found.pid <= 0) return failure{operation::parse, EBADMSG, where, 8};
    return found;
}

/// Parses a record of `buffers`. Errors and lifetime as above.
constexpr result<bpf_buffer> parse_bpf_listed(bpf_record const& record, place where) {
    if (record.kind != static_cast<std::uint16_t>(bpf_content::buffers))
        return failure{operation::parse, EBADMSG, where, 2};
    return detail::parse_bpf_buffer(record, detail::bpf_layout::head, where);
}

} // namespace v0
} // namespace dmabuf
