// SPDX-License-Identifier: MIT
//
// The list of all buffers that Android pins as text, four lines per buffer.
#pragma once

#include <dmabuf/kernel/readers.hpp>
#include <dmabuf/names.hpp>

namespace dmabuf {
inline namespace v0 {

/// One buffer of a list of all buffers, held or not.
struct listed_buffer {
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    exporter_name exporter;  ///< empty: not known
    buffer_name name;        ///< Android's BPF program turns newlines into blanks
    bool name_known = false; ///< `name` is the buffer's, to the byte, if `named`
    bool named = false;
    bool shown_unnamed = false; ///< has no name, or one that the list cannot tell from none
    bool count_known = false;
    std::uint64_t count = 0;    ///< references to the buffer's file, if `count_known`
    bool devices_known = false; ///< the list tells all attached devices
};

/// Parses the text line by line: inode, size, name (it may be empty), exporter. A buffer without a
/// name looks like one with an empty name.
class android_buffers_parser {
public:
    explicit constexpr android_buffers_parser(place where = {object::bpf_android_buffers})
        : where_(where) {}

    /// Takes one line. `out` gets a buffer with every fourth.
    /// Errors: EBADMSG, once, for an inode or a size that is no number. All later lines are
    /// ignored.
    constexpr void line(std::string_view text, auto& out) {
        if (broken_) return;
        auto const which = lines_++ % 4;
        bool fits = true;
        if (which == 0) fits = detail::parse_number(text, buffer_.inode);
        if (which == 1) fits = detail::parse_number(text, buffer_.size_bytes);
        if (which == 2) buffer_.name = buffer_name(text);
        if (which == 3) buffer_.exporter = exporter_name(text);
        broken_ = !fits;
        if (broken_)
            out = failure{operation::parse, EBADMSG, where_, offset_};
        else if (which == 3)
            out = buffer_;
        offset_ += detail::in_32_bits(text.size() + 1);
    }

    /// Takes the end of a text whose last line had a newline. (Without it the last exporter may be
    /// cut off; `read_android_buffers` refuses such a file.)
    /// Errors: EBADMSG where the text ends within a buffer; ENOBUFS where the list may go on
    /// (`may_be_cut`).
    constexpr void finish(auto& out) {
        if (broken_) return;
        broken_ = true;
        if (lines_ % 4 != 0)
            out = failure{operation::parse, EBADMSG, where_, offset_};
        else if (may_be_cut(offset_))
            out = failure{operation::read, ENOBUFS, where_};
    }

    /// Whether a list of so many bytes may be the beginning of a longer one. Nothing in the list
    /// tells.
    /// Kernel: kernel/bpf/dmabuf_iter.c of 6.16 (7.3 goes on) ends with the records that the first
    /// read began. bpf_seq_read() begins with the records that fit eight pages, and stops once
    /// there are as many bytes as the read asks for.
    static constexpr bool may_be_cut(std::uint64_t bytes) {
        constexpr std::uint64_t record = 256; // longer than any record
        // Eight pages of 4, 8, 16 or 64 KiB: the list does not tell the page size of the kernel.
        for (auto const full : {32768U, 65536U, 131072U, 524288U})
            if (bytes + record > full && bytes < full + record) return true;
        return bytes >= read_space::default_bytes && bytes < read_space::default_bytes + record;
    }

private:
    place where_;
    listed_buffer buffer_;
    std::uint64_t lines_ = 0;
    std::uint32_t offset_ = 0;
    bool broken_ = false;
};

/// The range of `read_android_buffers()`.
template<system System = live_system>
using android_buffers_reader = parsed_lines<android_buffers_parser, listed_buffer, System>;

/// The buffers of Android's pinned iterator.
/// Kernel: iter/dmabuf, since 6.16, read by system/bpfprogs/dmabufIter.c of Android 16.
/// Cost: one open, one read per bufferful and one that sees the end, one close. No allocation when
/// the caller gives `space`.
/// Errors: an item each; ENOENT where nothing is pinned, EACCES; ENOBUFS at the end of a list that
/// the kernel may have cut off. That is told for a `space` of eight pages, or of 16 KiB, the
/// default.
template<system System = live_system>
android_buffers_reader<System>
read_android_buffers(System system = {}, read_space space = {},
                     char const* path = "/sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf") {
    return {system, path, O_RDONLY | O_NONBLOCK, {object::bpf_android_buffers}, std::move(space)};
}

} // namespace v0
} // namespace dmabuf
