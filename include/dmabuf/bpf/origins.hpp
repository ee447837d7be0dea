// SPDX-License-Identifier: MIT
//
// Reads the makers of buffers, and the devices that were attached to them, as programs that
// examples/dmabuf_pin pins note them. It loads no BPF. kernel/bpf/records.h is the other side.
#pragma once

#include <dmabuf/bpf/pins.hpp>

namespace dmabuf {
inline namespace v0 {

/// The task that exported a buffer or attached a device, as it was then.
/// Lifetime: the texts lie in the record.
struct bpf_actor {
    std::int32_t pid = 0;       ///< of the thread group; with `start_ns`, names this process alone
    std::int32_t tid = 0;       ///< of the thread that did it
    std::uint32_t uid = 0;      ///< effective, of that thread
    std::uint64_t start_ns = 0; ///< of the group's leader, since boot
    std::string_view comm;      ///< of the group's leader, raw bytes that the process chose
    std::string_view thread_comm; ///< of the thread that did it, likewise
};

/// One buffer that was exported under the watch.
/// Lifetime: the texts lie in the record.
struct bpf_origin {
    std::uint64_t id = 0; ///< stands for the buffer; its attachments have the same
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    device_number device;
    std::uint64_t made_ns = 0; ///< since boot
    std::uint64_t cgroup = 0;  ///< id of the maker's in the v2 hierarchy, an inode; 0: none
    bpf_actor maker;
};

/// One device that was attached to a buffer under the watch.
/// Lifetime: the texts lie in the record.
struct bpf_attachment {
    std::uint64_t id = 0;     ///< stands for the attachment
    std::uint64_t buffer = 0; ///< `bpf_origin::id`
    std::uint64_t inode = 0;  ///< of the buffer
    std::uint64_t size_bytes = 0;
    device_number device;          ///< of the buffer's inode
    std::uint64_t attached_ns = 0; ///< since boot
    bpf_actor importer;
    bool named = true;            ///< false: the device's name could not be read
    std::string_view attached_to; ///< dev_name() of the device, at most 63 bytes
};

/// The state of the watch at one moment. Counters never fall; in `origins` they are of exports and
/// releases, in `attachments` of attaching and detaching.
struct bpf_watch {
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};

    bool inodes_in_order = false;        ///< buffers are numbered in the order of their exports
    bool by_probes = false;              ///< by kprobes, where this kernel attaches nothing better
    std::uint64_t since_ns = 0;          ///< boot time from which on all programs watched
    std::uint64_t first_inode = unknown; ///< that the next buffer was to have at that time
    std::uint64_t room = 0;              ///< records that there can be at a time
    std::uint64_t begun = 0;             ///< changes, counted before each
    std::uint64_t finished = 0;          ///< the same, counted after each
    std::uint64_t no_room = 0;           ///< not entered: there were `room` records
    std::uint64_t failed_entries = 0;    ///< not entered for another reason
    std::uint64_t failed_removals = 0;   ///< left over, though its buffer is gone
    std::uint64_t missed_begins = unknown; ///< not entered: the kernel did not run the program
    std::uint64_t missed_ends = unknown;   ///< left over for the same reason

    /// Whether every export, or attaching, since `since_ns` has been entered.
    [[nodiscard]] constexpr bool entered_all() const {
        return no_room == 0 && failed_entries == 0 && missed_begins == 0;
    }
    /// Whether no record is of something that is gone.
    [[nodiscard]] constexpr bool removed_all() const {
        return failed_removals == 0 && missed_ends == 0;
    }
};

namespace detail {

/// The offsets and sizes of the fields. All have the byte order of the machine.
namespace bpf_layout {
inline constexpr std::size_t actor = 56;
inline constexpr std::size_t origin = 112;
inline constexpr std::size_t attachment = 176;
inline constexpr std::size_t watch = 88;
inline constexpr std::size_t actor_at = 56; ///< in both records
inline constexpr std::size_t device_name_bytes = 64;

inline constexpr std::uint16_t kind_watch = 8;
} // namespace bpf_layout

constexpr bpf_actor load_actor(std::string_view bytes) {
    constexpr auto at = bpf_layout::actor_at;
    return {load<std::int32_t>(bytes, at),
            load<std::int32_t>(bytes, at + 4),
            load<std::uint32_t>(bytes, at + 8),
            load<std::uint64_t>(bytes, at + 16),
            load_text(bytes, at + 24, bpf_layout::comm_bytes),
            load_text(bytes, at + 40, bpf_layout::comm_bytes)};
}

constexpr device_number load_device(std::string_view bytes, std::size_t at) {
    auto const number = load<std::uint32_t>(bytes, at);
    return {number >> 20U, number & 0xfffffU};
}

/// 0, or the offset of the field that does not fit in a record of one length with an actor.
constexpr std::uint32_t bpf_act_misfit(bpf_record const& record, bpf_content content,
                                       std::size_t size) {
    if (record.kind != static_cast<std::uint16_t>(content)) return 2;
    if (record.bytes.size() != size) return in_32_bits(record.bytes.size());
    bool const numbered = load<std::int32_t>(record.bytes, bpf_layout::actor_at) > 0;
    return numbered ? 0 : in_32_bits(bpf_layout::actor_at);
}

} // namespace detail

/// Parses a record of `origins`.
/// Errors: EBADMSG with the offset in the record.
/// Lifetime: the texts lie in the record.
constexpr result<bpf_origin> parse_bpf_origin(bpf_record const& record,
                                              place where = {object::bpf_origins}) {
    namespace layout = detail::bpf_layout;
    if (auto const at = detail::bpf_act_misfit(record, bpf_content::origins, layout::origin))
        return failure{operation::parse, EBADMSG, where, at};
    auto const& bytes = record.bytes;
    return bpf_origin{detail::load<std::uint64_t>(bytes, 8),
                      detail::load<std::uint64_t>(bytes, 16),
                      detail::load<std::uint64_t>(bytes, 24),
                      detail::load_device(bytes, 32),
                      detail::load<std::uint64_t>(bytes, 40),
                      detail::load<std::uint64_t>(bytes, 48),
                      detail::load_actor(bytes)};
}

/// Parses a record of `attachments`.
/// Errors: EBADMSG with the offset in the record.
/// Lifetime: the texts lie in the record.
constexpr result<bpf_attachment> parse_bpf_attachment(bpf_record const& record,
                                                      place where = {object::bpf_attachments}) {
    namespace layout = detail::bpf_layout;
    if (auto const at =
            detail::bpf_act_misfit(record, bpf_content::attachments, layout::attachment))
        return failure{operation::parse, EBADMSG, where, at};
    auto const& bytes = record.bytes;
    constexpr std::size_t name_at = layout::actor_at + layout::actor;
    return bpf_attachment{detail::load<std::uint64_t>(bytes, 8),
                          detail::load<std::uint64_t>(bytes, 16),
                          detail::load<std::uint64_t>(bytes, 24),
                          detail::load<std::uint64_t>(bytes, 32),
                          detail::load_device(bytes, 40),
                          detail::load<std::uint64_t>(bytes, 48),
                          detail::load_actor(bytes),
                          (record.flags & 1U) == 0,
                          detail::load_text(bytes, name_at, layout::device_name_bytes - 1)};
}

/// Parses a record about the watch itself.
/// Errors: EBADMSG with the offset in the record, also for more changes finished than begun.
constexpr result<bpf_watch> parse_bpf_watch(bpf_record const& record, place where) {
    namespace layout = detail::bpf_layout;
    auto const& bytes = record.bytes;
    if (record.kind != layout::kind_watch) return failure{operation::parse, EBADMSG, where, 2};
    if (bytes.size() != layout::watch)
        return failure{operation::parse, EBADMSG, where, detail::in_32_bits(bytes.size())};
    auto const number = [&](std::size_t at) { return detail::load<std::uint64_t>(bytes, at); };
    bpf_watch const found{(record.flags & 1U) != 0,
                          (record.flags & 2U) != 0,
                          number(8),
                          number(16),
                          number(24),
                          number(32),
                          number(40),
                          number(48),
                          number(56),
                          number(64),
                          number(72),
                          number(80)};
    if (found.finished > found.begun) return failure{operation::parse, EBADMSG, where, 40};
    return found;
}

/// The records of `origins` or `attachments`, and the state of the watch before and after them.
/// Begin with `begin()`, then call `next()`.
///
/// The kernel hands out the elements of a hash map. Where changes fell into the walk, it may have
/// passed over an element, or have come to one twice; each record is whole nevertheless.
/// Kernel: kernel/bpf/hashtab.c, bpf_hash_map_seq_next(); iter/bpf_map_elem, since 5.9.
/// Cost: that of `bpf_walk`. No allocation.
template<system System = live_system>
class bpf_watched_walk {
public:
    bpf_watched_walk(System system, bpf_content content, std::span<char> space,
                     char const* path = nullptr)
        : walk_(system, content, space, path) {}

    /// Opens the file and reads the header and the state of the watch, once.
    /// Errors: those of `bpf_walk::begin()`; EBADMSG where the state is missing.
    result<bpf_header> begin() {
        auto const header = walk_.begin();
        if (!header) return header;
        auto const record = walk_.next();
        if (!record) return record.error();
        auto const watch = parse_bpf_watch(*record, walk_.where());
        if (!watch) return watch.error();
        first_ = last_ = *watch;
        return header;
    }

    /// The next record of a buffer, or of an attachment, or the end of the walk (`is_end()`).
    /// Errors: those of `bpf_walk::next()`; EBADMSG where the state of the watch is missing before
    /// the end, or stands elsewhere.
    /// Lifetime: the record is valid until the next call.
    result<bpf_record> next() {
        auto record = walk_.next();
        if (!record) return record;
        if (record->kind == detail::bpf_layout::kind_watch) {
            auto const watch = parse_bpf_watch(*record, walk_.where());
            if (!watch) return watch.error();
            if (watch->begun < first_.begun)
                return failure{operation::parse, EBADMSG, walk_.where(), 32};
            last_ = *watch;
            record = walk_.next();
            if (record && record->is_end()) return record;
            return record ? misplaced() : record;
        }
        return record->is_end() ? misplaced() : record;
    }

    /// The state after the walk, once that has ended.
    [[nodiscard]] bpf_watch const& watch() const { return last_; }
    /// Changes that fell into the walk, once that has ended. 0: each record came once.
    [[nodiscard]] std::uint64_t changes() const { return last_.begun - first_.finished; }

    /// The file, for failures.
    [[nodiscard]] place const& where() const { return walk_.where(); }

private:
    [[nodiscard]] result<bpf_record> misplaced() const {
        return failure{operation::parse, EBADMSG, walk_.where(), 2};
    }

    bpf_walk<System> walk_;
    bpf_watch first_;
    bpf_watch last_;
};

/// The range of `read_bpf_origins()` and `read_bpf_attachments()`.
template<class Item, system System = live_system>
class bpf_watched_reader : public reader<bpf_watched_reader<Item, System>, result<Item>> {
public:
    using parse_record = result<Item> (*)(bpf_record const&, place);

    bpf_watched_reader(System system, bpf_content content, parse_record parse, read_space space,
                       char const* path)
        : space_(std::move(space))
        , walk_(system, content, space_.get(), path)
        , parse_(parse) {}

    /// The header, once the range has begun.
    [[nodiscard]] std::optional<bpf_header> const& header() const { return header_; }
    /// The state of the watch, once the range has ended.
    [[nodiscard]] bpf_watch const& watch() const { return walk_.watch(); }
    /// Changes that fell into the walk, once the range has ended. 0: each record came once.
    [[nodiscard]] std::uint64_t changes() const { return walk_.changes(); }

private:
    friend reader<bpf_watched_reader, result<Item>>;

    void next(auto& out) {
        if (ended_) return;
        if (!header_) {
            auto const header = walk_.begin();
            if (!header) return give_up(out, header.error());
            header_ = *header;
        }
        auto const record = walk_.next();
        if (!record) return give_up(out, record.error());
        if (record->is_end()) return void(ended_ = true);
        out = parse_(*record, walk_.where());
        ended_ = !*out;
    }

    void give_up(auto& out, failure const& why) {
        ended_ = true;
        out = why;
    }

    read_space space_;
    bpf_watched_walk<System> walk_;
    parse_record parse_;
    std::optional<bpf_header> header_;
    bool ended_ = false;
};

template<system System = live_system>
using bpf_origin_reader = bpf_watched_reader<bpf_origin, System>;
template<system System = live_system>
using bpf_attachment_reader = bpf_watched_reader<bpf_attachment, System>;

/// The makers of all buffers that were exported under the watch. A buffer that was released since
/// the walk began may be among them.
/// Kernel: programs that `dmabuf_pin --origins` attaches to dma_buf_export() and
/// dma_buf_release().
/// Cost: three calls and one read per 32 KiB; a record has 112 bytes. No allocation when the caller
/// gives `space`.
/// Errors: those of `bpf_watched_walk`, as the last item.
/// Lifetime: the texts of an item are valid until the next item.
template<system System = live_system>
bpf_origin_reader<System> read_bpf_origins(read_space space = {}, System system = {},
                                           char const* path = nullptr) {
    return {system, bpf_content::origins, parse_bpf_origin, std::move(space), path};
}

/// The devices that were attached to buffers under the watch, and by whom.
/// Kernel: programs that `dmabuf_pin --origins` attaches to dma_buf_dynamic_attach() and
/// dma_buf_detach().
/// Cost: that of `read_bpf_origins()`; a record has 176 bytes.
/// Errors: those of `bpf_watched_walk`, as the last item.
/// Lifetime: the texts of an item are valid until the next item.
template<system System = live_system>
bpf_attachment_reader<System> read_bpf_attachments(read_space space = {}, System system = {},
                                                   char const* path = nullptr) {
    return {system, bpf_content::attachments, parse_bpf_attachment, std::move(space), path};
}

} // namespace v0
} // namespace dmabuf
