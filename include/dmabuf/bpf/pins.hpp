// SPDX-License-Identifier: MIT
//
// Reads the BPF iterators that examples/dmabuf_pin pins in /sys/fs/bpf/dmabuf, by open and read
// alone. It loads no BPF.
#pragma once

#include <dmabuf/bpf/records.hpp>
#include <dmabuf/kernel/readers.hpp>

namespace dmabuf {
inline namespace v0 {

/// The file of an iterator.
constexpr char const* path_of(bpf_content content) {
    switch (content) {
    case bpf_content::descriptors:
        return "/sys/fs/bpf/dmabuf/descriptors";
    case bpf_content::mappings:
        return "/sys/fs/bpf/dmabuf/mappings";
    case bpf_content::origins:
        return "/sys/fs/bpf/dmabuf/origins";
    case bpf_content::attachments:
        return "/sys/fs/bpf/dmabuf/attachments";
    case bpf_content::buffers:
    default:
        return "/sys/fs/bpf/dmabuf/buffers";
    }
}

/// The file of an iterator, as failures name it.
constexpr place place_of(bpf_content content) {
    switch (content) {
    case bpf_content::descriptors:
        return {object::bpf_descriptors};
    case bpf_content::mappings:
        return {object::bpf_mappings};
    case bpf_content::origins:
        return {object::bpf_origins};
    case bpf_content::attachments:
        return {object::bpf_attachments};
    case bpf_content::buffers:
    default:
        return {object::bpf_buffers};
    }
}

/// The records of one walk, whole and in the kernel's order. Begin with `begin()`, then call
/// `next()`.
///
/// Only root can put a file that walks tasks on a bpffs, but on some systems anybody can put links
/// there. So the file is opened without waiting, and must be on a bpffs itself. A file that begins
/// with anything but the header of this version is refused, and so is a walk without its end.
/// `buffers` has no end: it ends where the file ends between two records, and an empty file is an
/// empty list.
/// Kernel: kernel/bpf/bpf_iter.c, bpf_seq_read(): at most eight pages per read. -EAGAIN after a
/// million files without a DMA-BUF; the next read goes on. Until 7.3 at least,
/// kernel/bpf/dmabuf_iter.c never calls the program of `buffers` for its end.
/// Cost: three calls, one read per 32 KiB and one that sees the end. No allocation.
template<system System = live_system>
class bpf_walk {
public:
    bpf_walk(System system, bpf_content content, std::span<char> space, char const* path = nullptr)
        : system_(system)
        , content_(content)
        , space_(space)
        , path_(path ? path : path_of(content))
        , where_(place_of(content)) {}

    /// A walk over an iterator that is open already.
    bpf_walk(System system, bpf_content content, std::span<char> space, unique_fd<System> file)
        : bpf_walk(system, content, space) {
        file_ = std::move(file);
    }

    /// Opens the file and reads the header, once. An empty list has no header and gets a default
    /// one.
    /// Errors: ENOENT where nothing is pinned; EACCES; ENODEV for a file that is not on a bpffs;
    /// EBADMSG for a file that is no walk; EPROTONOSUPPORT for a program of another version; EILSEQ
    /// for records of the other byte order, as a recording can have them.
    result<bpf_header> begin() {
        if (!file_.is_open())
            if (auto const done = open(); !done) return done.error();
        if (auto const more = read_more(); !more) return more.error();
        if (detail::has_other_byte_order(unread_))
            return failure{operation::identify, EILSEQ, where_, 8};
        auto const record = next();
        if (!record) return record.error();
        if (ended_) return put_end(), bpf_header{.content = content_};
        auto const header = parse_bpf_header(*record, where_);
        if (header && header->content != content_)
            return failure{operation::parse, EBADMSG, where_, 20};
        return header;
    }

    /// The next record, or the end of the walk (`is_end()`). Do not call it again after the end or
    /// a failure.
    /// Errors: those of read(2); EBADMSG for bytes that are no record, and for a file that ends
    /// before the walk does.
    /// Lifetime: the record is valid until the next call.
    result<bpf_record> next() {
        bpf_record record;
        while (!take(record))
            if (auto const more = read_more(); !more) return more.error();
        return record;
    }

    /// `next()` in two steps. Takes the next record; false where it has yet to be read: see
    /// `read_more()`.
    /// Lifetime: the record is valid until `read_more()`.
    bool take(bpf_record& record) {
        auto const length = detail::bpf_record_length(unread_);
        if (length <= 1) return false;
        record = detail::take_bpf_record(unread_, length);
        return true;
    }

    /// Reads on where `take()` found no whole record.
    /// Errors: those of `next()`.
    result<void> read_more() {
        if (detail::bpf_record_length(unread_) == 1)
            return failure{operation::parse, EBADMSG, where_};
        std::size_t const kept = unread_.size();
        if (kept != 0) __builtin_memmove(space_.data(), unread_.data(), kept);
        if (kept == space_.size()) return failure{operation::read, EOVERFLOW, where_};
        long got = -EAGAIN;
        for (int i = 0; got == -EAGAIN && i < patience; ++i)
            got = detail::uninterrupted_read(system_, file_.get(), space_.subspan(kept));
        if (got < 0) return failure{operation::read, static_cast<int>(-got), where_};
        if (got == 0) return end_at(kept);
        unread_ = detail::text_at(space_.data(), kept + static_cast<std::size_t>(got));
        return {};
    }

    /// The file, for failures.
    [[nodiscard]] place const& where() const { return where_; }

private:
    /// BPF_FS_MAGIC, include/uapi/linux/magic.h, as far as long has room.
    static constexpr long bpffs_magic =
        static_cast<long>(std::uint32_t{0xcafe4a11} & std::uintmax_t{LONG_MAX});
    static constexpr int patience = 1000; // a thousand million descriptors

    result<void> open() {
        auto file = detail::open_kept(system_, path_, O_RDONLY | O_NONBLOCK, where_);
        if (!file) return file.error();
        long const magic = detail::uninterrupted_filesystem_type(system_, file->get());
        if (magic < 0) return failure{operation::statfs, static_cast<int>(-magic), where_};
        if (magic != bpffs_magic) return failure{operation::identify, ENODEV, where_};
        file_ = std::move(file).value();
        return {};
    }

    /// Takes the end of the file, `kept` bytes behind the last whole record.
    result<void> end_at(std::size_t kept) {
        if (content_ != bpf_content::buffers || kept != 0)
            return failure{operation::parse, EBADMSG, where_};
        ended_ = true;
        put_end();
        return {};
    }

    /// Makes the end a record to take. The file is not read again: after an empty list another
    /// could begin.
    void put_end() {
        auto const& end = detail::bpf_layout::end;
        unread_ = {end.data(), end.size()};
    }

    [[no_unique_address]] System system_;
    bpf_content content_;
    std::span<char> space_;
    detail::kept_path path_;
    place where_;
    unique_fd<System> file_;
    std::string_view unread_;
    bool ended_ = false; ///< where the file ended
};

/// The range of `read_bpf_references()` and `read_bpf_references_of()`.
template<system System = live_system>
class bpf_reference_reader : public reader<bpf_reference_reader<System>, result<bpf_reference>> {
public:
    bpf_reference_reader(System system, bpf_content content, read_space space,
                         char const* path = nullptr)
        : space_(std::move(space))
        , walk_(system, content, space_.get(), path)
        , content_(content) {}

    /// A range over an iterator that is open already.
    bpf_reference_reader(System system, unique_fd<System> file, bpf_content content,
                         read_space space)
        : space_(std::move(space))
        , walk_(system, content, space_.get(), std::move(file))
        , content_(content) {}

    /// A range whose only item is the failure to open.
    bpf_reference_reader(System system, failure const& why, bpf_content content, read_space space)
        : space_(std::move(space))
        , walk_(system, content, {})
        , content_(content)
        , failure_(why)
        , failed_(true) {}

    /// The header of the walk, once the range has begun.
    [[nodiscard]] std::optional<bpf_header> const& header() const { return header_; }

private:
    friend reader<bpf_reference_reader, result<bpf_reference>>;

    void next(auto& out) {
        if (ended_) return;
        if (failed_) return give_up(out, failure_);
        if (!header_) {
            auto const header = walk_.begin();
            if (!header) return give_up(out, header.error());
            header_ = *header;
        }
        auto const record = walk_.next();
        if (!record) return give_up(out, record.error());
        if (record->is_end()) return void(ended_ = true);
        out = parse_bpf_reference(*record, content_, walk_.where());
        ended_ = !*out;
    }

    void give_up(auto& out, failure const& why) {
        ended_ = true;
        out = why;
    }

    read_space space_;
    bpf_walk<System> walk_;
    bpf_content content_;
    std::optional<bpf_header> header_;
    failure failure_;
    bool failed_ = false; ///< before the walk could begin
    bool ended_ = false;
};

/// Every descriptor, or every mapping, of a DMA-BUF in the whole system. `content` is `descriptors`
/// or `mappings`. A table that threads share without their group's leader comes once per thread,
/// with the same `set`.
/// Kernel: iter/task_file, with programs that need 5.11, and iter/task_vma, since 5.12.
/// Cost: three calls, one read per 32 KiB and one that sees the end. No allocation when the caller
/// gives `space`.
/// Errors: those of `bpf_walk`, as the last item.
/// Lifetime: the texts of an item are valid until the next item.
template<system System = live_system>
bpf_reference_reader<System> read_bpf_references(bpf_content content, read_space space = {},
                                                 System system = {}, char const* path = nullptr) {
    return {system, content, std::move(space), path};
}

} // namespace v0
} // namespace dmabuf
