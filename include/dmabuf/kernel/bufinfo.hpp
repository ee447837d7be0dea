// SPDX-License-Identifier: MIT
//
// /sys/kernel/debug/dma_buf/bufinfo: every buffer of the system, held or not, and the devices that
// are attached to it.
#pragma once

#include <dmabuf/kernel/readers.hpp>
#include <dmabuf/names.hpp>

#include <array>

namespace dmabuf {
inline namespace v0 {

/// The name of a device as dev_name() has it, e.g. "0000:00:02.0".
using device_name = inline_text<63>;

/// One buffer of bufinfo. The name is left out: a name with newlines cannot be told from the lines
/// that follow it, and every other source has the whole name.
/// Kernel: drivers/dma-buf/dma-buf.c, dma_buf_debug_show(). A buffer that O_PATH descriptors alone
/// pin is not in the list.
struct bufinfo_buffer {
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t count = 0; ///< references to the buffer's file
    exporter_name exporter;
    std::array<device_name, 8> devices;
    std::uint32_t device_count = 0; ///< attached; the first eight are named
};

/// Takes bufinfo line by line. A name of 31 bytes can hold newlines and so imitate the shorter
/// lines of the list. It cannot imitate a row, which is longer. So rows are believed, the last list
/// of devices in one row, and the totals only at the end.
class bufinfo_parser {
public:
    constexpr explicit bufinfo_parser(place where = {object::bufinfo})
        : where_(where) {}

    /// Takes one line. A line that begins a buffer hands out the buffer before it.
    constexpr void line(std::string_view text, auto& out) {
        bufinfo_buffer row;
        at_end_ = false;
        if (parse_row(text, row)) {
            if (any_) out = buffer_;
            buffer_ = row;
            any_ = true;
            in_devices_ = false;
            ++rows_;
            bytes_ += row.size_bytes;
        } else if (text == "\tAttached Devices:") {
            buffer_.device_count = 0;
            in_devices_ = true;
        } else if (in_devices_ && text.starts_with('\t')) {
            auto const at = buffer_.device_count++;
            if (at < buffer_.devices.size()) buffer_.devices[at] = device_name(text.substr(1));
        } else {
            in_devices_ = in_devices_ && text.empty();
            at_end_ = parse_totals(text);
        }
    }

    /// Takes the end of the list: the first call hands out the last buffer, the second a failure or
    /// nothing. The last line may lack its newline here, since the totals tell that the list is
    /// whole. (`read_bufinfo` refuses a file that ends within a line, which the kernel never
    /// writes.)
    /// Errors: EBADMSG where the list is cut off, or its totals are not those of its rows.
    constexpr void finish(auto& out) {
        if (std::exchange(any_, false))
            out = buffer_;
        else if (!std::exchange(ended_, true) && !at_end_)
            out = failure{operation::parse, EBADMSG, where_};
    }

private:
    /// Size, flags, mode, count, exporter, inode, name; sizes and inodes are padded decimals.
    static constexpr bool parse_row(std::string_view text, bufinfo_buffer& row) {
        std::uint32_t hexadecimal = 0;
        auto const padded = [](std::string_view field) { return field.size() >= 8; };
        auto const size = detail::take_until(text, '\t');
        auto const flags = detail::take_until(text, '\t');
        auto const mode = detail::take_until(text, '\t');
        auto const count = detail::take_until(text, '\t');
        row.exporter = exporter_name(detail::take_until(text, '\t'));
        auto const inode = detail::take_until(text, '\t');
        return padded(size) && padded(flags) && padded(mode) && padded(count) && padded(inode) &&
               detail::parse_unsigned(size, row.size_bytes) &&
               detail::parse_number(flags, hexadecimal, 16) &&
               detail::parse_number(mode, hexadecimal, 16) &&
               detail::parse_unsigned(count, row.count) && detail::parse_unsigned(inode, row.inode);
    }

    /// "Total 39 objects, 56324096 bytes"
    [[nodiscard]] constexpr bool parse_totals(std::string_view text) const {
        std::uint64_t rows = 0;
        std::uint64_t bytes = 0;
        if (detail::take_until(text, ' ') != "Total") return false;
        bool const counted = detail::parse_unsigned(detail::take_until(text, ' '), rows) &&
                             detail::take_until(text, ' ') == "objects," &&
                             detail::parse_unsigned(detail::take_until(text, ' '), bytes);
        return counted && text == "bytes" && rows == rows_ && bytes == bytes_;
    }

    place where_;
    bufinfo_buffer buffer_;
    std::uint64_t rows_ = 0;
    std::uint64_t bytes_ = 0;
    bool any_ = false;
    bool in_devices_ = false;
    bool at_end_ = false;
    bool ended_ = false;
};

/// The range of `read_bufinfo()`.
template<system System = live_system>
using bufinfo_reader = parsed_lines<bufinfo_parser, bufinfo_buffer, System>;

/// The buffers of bufinfo. Needs root and a mounted debugfs.
/// Kernel: drivers/dma-buf/dma-buf.c, dma_buf_debug_show().
/// Cost: one open, one read per bufferful and one that sees the end, one close. No allocation when
/// the caller gives `space`. The kernel holds the mutex of the list, and the reservation lock of
/// each buffer in turn, while it writes the text.
/// Errors: an item each; ENOENT without debugfs, EACCES without the right.
template<system System = live_system>
bufinfo_reader<System> read_bufinfo(System system = {}, read_space space = {},
                                    char const* path = "/sys/kernel/debug/dma_buf/bufinfo") {
    return {system, path, O_RDONLY, {object::bufinfo}, std::move(space)};
}

} // namespace v0
} // namespace dmabuf
