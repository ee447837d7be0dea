// SPDX-License-Identifier: MIT
//
// /proc/P/fdinfo/N: one descriptor, and the DMA-BUF behind it.
#pragma once

#include <dmabuf/kernel/process.hpp>
#include <dmabuf/names.hpp>

namespace dmabuf {
inline namespace v0 {

/// One descriptor as fdinfo shows it.
/// Kernel: fs/proc/fd.c seq_show() and drivers/dma-buf/dma-buf.c dma_buf_show_fdinfo(). size, count
/// and exp_name since 5.3; ino since 5.14; name only where one was set.
struct fdinfo {
    std::int64_t position = 0;
    std::uint32_t flags = 0;   ///< of open(2)
    std::int32_t mount_id = 0; ///< the same for all DMA-BUFs
    std::optional<std::uint64_t> inode;
    std::optional<std::uint64_t> size_bytes;
    std::optional<std::uint64_t> count; ///< references to the buffer's file, without the reader's
    exporter_name exporter;             ///< empty for a file that is not a DMA-BUF
    std::optional<buffer_name> name;    ///< raw bytes that a holder chose
    bool foreign = false;               ///< a line before exp_name that no DMA-BUF has

    /// True for the fdinfo of a DMA-BUF: all lines before the name are those of a DMA-BUF, and no
    /// other line is among them. (io_uring lists file names in its fdinfo, which can imitate single
    /// lines.)
    [[nodiscard]] constexpr bool is_dmabuf() const {
        return !exporter.empty() && size_bytes && !foreign;
    }
    /// True for an O_PATH descriptor. It pins the buffer like any other descriptor, but its fdinfo
    /// has only the first four lines.
    [[nodiscard]] constexpr bool is_path() const {
        return (flags & static_cast<std::uint32_t>(O_PATH)) != 0;
    }
};

/// Takes the text of one fdinfo in pieces of any size: a holder can make it long, since each of its
/// file locks is a line. The first occurrence of a key wins. The bytes behind `name:` are the name.
template<class = detail::if_called>
class basic_fdinfo_parser {
public:
    constexpr explicit basic_fdinfo_parser(place where = {object::fdinfo})
        : where_(where) {}

    /// Takes the next bytes of the file, wherever a read has cut them.
    constexpr void feed(std::string_view piece) {
        while (!piece.empty()) {
            auto const newline = piece.find('\n');
            auto const line = piece.substr(0, newline == piece.npos ? newline : newline + 1);
            piece.remove_prefix(line.size());
            if (is_plain(line)) {
                offset_ += detail::in_32_bits(line.size());
                end_line(line.substr(0, newline));
            } else {
                for (char const c : line)
                    push(c);
            }
        }
    }

    /// True once the text cannot be that of a DMA-BUF on `mount`, if that is known. No later line
    /// changes that.
    [[nodiscard]] constexpr bool is_other(std::optional<std::int32_t> mount) const {
        bool const elsewhere = mount && (seen_ & seen_mount) != 0 && info_.mount_id != *mount;
        return !bad_ && (seen_ & header) == header && (info_.foreign || elsewhere);
    }
    /// The fields that were read so far.
    [[nodiscard]] constexpr fdinfo const& so_far() const { return info_; }

    /// The fields, once the text has ended.
    /// Errors: EBADMSG for a text that ends early, or has a word in place of a number.
    constexpr result<fdinfo> finish() {
        if (in_name_) end_name();
        bool const cut = !line_.empty() || (seen_ & header) != header;
        bool const halved = info_.count && info_.exporter.empty() && !info_.foreign;
        if (!bad_ && (cut || halved)) fail();
        if (bad_) return failure{operation::parse, EBADMSG, where_, bad_at_};
        return info_;
    }

private:
    static constexpr unsigned seen_position = 1, seen_flags = 2, seen_mount = 4;
    static constexpr unsigned header = seen_position | seen_flags | seen_mount;

    static constexpr std::size_t longest_line = 127;
    static constexpr std::string_view name_key = "name:\t";

    /// True for nearly all lines: whole in one piece, and no name.
    [[nodiscard]] constexpr bool is_plain(std::string_view line) const {
        bool const is_name = in_name_ || (!info_.exporter.empty() && line.starts_with(name_key));
        return line_.empty() && !is_name && line.ends_with('\n') && line.size() <= longest_line;
    }

    constexpr void push(char c) {
        ++offset_;
        if (in_name_)
            name_.push_back(c);
        else if (c == '\n')
            end_line(line_.view()), line_ = {};
        else {
            line_.push_back(c);
            in_name_ = !info_.exporter.empty() && line_.view() == name_key;
        }
    }

    constexpr void fail() {
        if (!std::exchange(bad_, true)) bad_at_ = offset_;
    }

    template<class Number>
    constexpr void number_once(unsigned key, std::string_view value, Number& number,
                               unsigned base = 10) {
        if ((seen_ & key) == 0 && !detail::parse_number(value, number, base)) fail();
        seen_ |= key;
    }

    constexpr void end_line(std::string_view value) {
        auto const key = detail::take_until(value, '\t');
        take(key, value);
    }

    constexpr void take(std::string_view key, std::string_view value) {
        if (key == "pos:")
            number_once(seen_position, value, info_.position);
        else if (key == "flags:")
            number_once(seen_flags, value, info_.flags, 8);
        else if (key == "mnt_id:")
            number_once(seen_mount, value, info_.mount_id);
        else if (key == "ino:")
            number(info_.inode, value);
        else if (key == "size:")
            number(info_.size_bytes, value);
        else if (key == "count:" && info_.size_bytes)
            number(info_.count, value);
        else if (key == "exp_name:" && info_.count)
            info_.exporter.append(value);
        else if (key != "lock:" || line_.truncated())
            info_.foreign = info_.foreign || info_.exporter.empty();
    }

    constexpr void number(std::optional<std::uint64_t>& field, std::string_view value) {
        std::uint64_t number = 0;
        if (field) return;
        if (detail::parse_unsigned(value, number))
            field = number;
        else if (!info_.foreign)
            fail();
    }

    constexpr void end_name() {
        line_ = {};
        if (!name_.view().ends_with('\n') && !name_.truncated()) return fail();
        info_.name.emplace(name_.view().substr(0, name_.size() - (name_.truncated() ? 0 : 1)));
    }

    place where_;
    fdinfo info_;
    inline_text<longest_line> line_;
    inline_text<64> name_;
    std::uint32_t offset_ = 0;
    std::uint32_t bad_at_ = 0;
    unsigned seen_ = 0;
    bool in_name_ = false;
    bool bad_ = false;
};

using fdinfo_parser = basic_fdinfo_parser<>;

/// Parses the whole text of one fdinfo. Pure; no allocation.
/// Errors: EBADMSG for a text that ends early, has a word in place of a number, or has no newline
/// at its end, where it may be cut off.
template<class = detail::if_called>
constexpr result<fdinfo> parse_fdinfo(std::string_view text, place where = {object::fdinfo}) {
    fdinfo_parser parser(where);
    parser.feed(text);
    return parser.finish();
}

/// Reads /proc/P/task/T/fdinfo/N. The fdinfo of another file than a DMA-BUF can be long (an inotify
/// has a line for each watch): it is read only as far as the first line that no DMA-BUF has, or
/// with `mount`, the mount of all DMA-BUFs, as far as the third.
/// Kernel: the text is one record of a seq_file (fs/proc/fd.c, seq_fdinfo_open()), which is
/// complete before the first byte is read (fs/seq_file.c, seq_read_iter()). So a read that leaves
/// room is the last one, whatever the lines look like.
/// Cost: one open, one read per KiB, one close; no allocation.
/// Errors: ENOENT where the descriptor was closed, EACCES, EBADMSG.
template<system System>
result<fdinfo> read_fdinfo(process<System> const& process, std::int32_t tid, std::int32_t fd,
                           std::optional<std::int32_t> mount = {}) {
    auto const where = process.at(object::fdinfo, tid, fd);
    auto const file = open_at(process.system, process.directory.get(),
                              detail::path("task/", tid, "/fdinfo/", fd).c_str(), O_RDONLY, where);
    if (!file) return file.error();
    fdinfo_parser parser(where);
    for (file_space space;;) {
        long const got = detail::uninterrupted_read(process.system, file->get(), space);
        if (got < 0) return failure{operation::read, static_cast<int>(-got), where};
        parser.feed(detail::text_at(space.data(), static_cast<std::size_t>(got)));
        if (static_cast<std::size_t>(got) < space.size()) return parser.finish();
        if (parser.is_other(mount)) return parser.so_far();
    }
}

} // namespace v0
} // namespace dmabuf
