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

/// A device that is attached to a buffer, and how often.
struct attached_device {
    device_name name; ///< a name that was cut (`truncated()`) has an entry for each attachment
    std::uint32_t times = 0;
};

/// One buffer of bufinfo.
/// Kernel: drivers/dma-buf/dma-buf.c, dma_buf_debug_show(). A buffer that O_PATH descriptors alone
/// pin is not in the list.
struct bufinfo_buffer {
    std::uint64_t inode = 0; ///< 0: the list has no such column, as before 5.3
    std::uint64_t size_bytes = 0;
    std::uint64_t count = 0; ///< references to the buffer's file; the list holds none itself
    exporter_name exporter;
    std::array<attached_device, 8> devices; ///< the first different ones
    std::uint32_t devices_named = 0; ///< entries of `devices`; those behind them mean nothing
    std::uint32_t attachments = 0;   ///< of all devices, in `devices` or not
    buffer_name name;                ///< its first line, if `name_known` all of it
    bool name_known = false;         ///< it has a name, and that is the shown one to the byte
    bool shown_unnamed = false;      ///< `<none>` stands for its name, which a name can be, too

    /// The first eight different devices, in the order of their first attachment.
    /// Lifetime: that of the buffer.
    template<class = detail::if_called>
    [[nodiscard]] constexpr std::span<attached_device const> named_devices() const& {
        return std::span(devices).first(devices_named);
    }
    template<class = detail::if_called>
    void named_devices() const&& = delete;
};

/// Takes bufinfo line by line. The header tells the columns:
///     <tab>exp_name size flags mode count    3.10, with a tab or two before every line of a buffer
///     size flags mode count exp_name         3.14
///     size flags mode count exp_name ino     5.3, with an unnamed column of names behind
/// A name of 31 bytes can hold newlines and so imitate the shorter lines of the list. It cannot
/// imitate a row, which is longer, nor a header, which stands before all names. So rows are
/// believed, the last list of devices in one row, and the totals only at the end. A name is
/// believed where the line behind its row cannot be a part of it: together they are longer than a
/// name, or it begins the only list of devices in this row.
template<class = detail::if_called>
class basic_bufinfo_parser {
public:
    constexpr explicit basic_bufinfo_parser(place where = {object::bufinfo})
        : where_(where) {}

    /// Takes one line. A line that begins a buffer hands out the buffer before it, or the failure
    /// in its place.
    /// Errors: EBADMSG with `failure::line` for a row that does not fit its columns; EINTR with
    /// `failure::line` for a buffer that the kernel left out, since a signal came (before 5.6). The
    /// list goes on behind both.
    constexpr void line(std::string_view text, auto& out) {
        ++line_;
        read_ += detail::in_32_bits(text.size()) + 1;
        at_end_ = false;
        if (!any_ && columns_.take_header(text)) return;
        auto const unindented = columns_.unindented(text);
        if (columns_.looks_like_row(unindented)) {
            begin(out);
            read_row(unindented);
            ++rows_;
        } else if (text == "\tERROR locking buffer object: skipping") {
            begin(out);
            current_ = failure{operation::read, EINTR, where_, 0, line_};
        } else {
            take_detail(text);
        }
    }

    /// Takes the end of the list: the first call hands out the last buffer, the second a failure or
    /// nothing. The last line may lack its newline here, since the totals tell that the list is
    /// whole. (`read_bufinfo` refuses a file that ends within a line, which the kernel never
    /// writes.)
    /// Errors: EBADMSG without `failure::line` where the list is cut off, or its totals are not
    /// those of its rows. Those of a 32-bit kernel are compared modulo 2^32.
    constexpr void finish(auto& out) {
        if (std::exchange(any_, false))
            out = current_;
        else if (!std::exchange(ended_, true) && !at_end_)
            out = failure{operation::parse, EBADMSG, where_, read_};
    }

private:
    static constexpr std::size_t longest_name = 31; // DMA_BUF_NAME_LEN - 1

    enum class column : std::uint8_t { size, flags, mode, count, exporter, inode, name, other };

    class columns {
    public:
        /// Takes the header. False for any other line.
        constexpr bool take_header(std::string_view text) {
            if (text.find("size") == text.npos || text.find("exp_name") == text.npos) return false;
            indent_ = text.starts_with('\t') ? "\t\t" : "\t";
            text = unindented(text);
            size_ = 0;
            while (!text.empty() && size_ < all_.size()) {
                auto const title = detail::take_until(text, '\t');
                all_[size_++] = column_of(without_padding(title));
                if (title.starts_with("exp_name")) padded_exporters_ = title.ends_with(' ');
            }
            return true;
        }

        [[nodiscard]] constexpr std::size_t size() const { return size_; }
        [[nodiscard]] constexpr column operator[](std::size_t at) const { return all_[at]; }
        /// Stands before a buffer's devices.
        [[nodiscard]] constexpr std::string_view indent() const { return indent_; }

        [[nodiscard]] constexpr std::string_view unindented(std::string_view text) const {
            while (indent_.size() > 1 && text.starts_with('\t'))
                text.remove_prefix(1);
            return text;
        }

        /// A line of several columns that is longer than any name is a row, be it an odd one.
        [[nodiscard]] constexpr bool looks_like_row(std::string_view text) const {
            if (text.size() <= longest_name) return false;
            auto const tab = text.find('\t');
            return tab != 0 && tab != text.npos;
        }

        /// A vendor's kernel pads the exporter, and the title above it.
        [[nodiscard]] constexpr exporter_name exporter(std::string_view field) const {
            return exporter_name(padded_exporters_ ? without_padding(field) : field);
        }

    private:
        static constexpr std::string_view without_padding(std::string_view field) {
            while (field.ends_with(' '))
                field.remove_suffix(1);
            return field;
        }

        static constexpr column column_of(std::string_view title) {
            if (title == "size") return column::size;
            if (title == "flags") return column::flags;
            if (title == "mode") return column::mode;
            if (title == "count") return column::count;
            if (title == "exp_name") return column::exporter;
            if (title == "ino") return column::inode;
            return title == "name" ? column::name : column::other;
        }

        std::array<column, 12> all_{column::size,     column::flags, column::mode, column::count,
                                    column::exporter, column::inode, column::other};
        std::size_t size_ = 7;
        std::string_view indent_ = "\t";
        bool padded_exporters_ = false;
    };

    constexpr void begin(auto& out) {
        if (any_) out = current_;
        any_ = true;
        behind_row_ = true;
        lists_devices_ = in_devices_ = false;
    }

    /// A line below a row.
    constexpr void take_detail(std::string_view text) {
        auto const indent = columns_.indent();
        bool const indented = text.starts_with(indent);
        bool const begins_list = indented && text.substr(indent.size()) == "Attached Devices:";
        if (current_) check_name(*current_, text, begins_list);
        if (begins_list) {
            if (current_) current_->devices_named = current_->attachments = 0;
            in_devices_ = true;
        } else if (in_devices_ && indented) {
            if (current_) attach(*current_, device_name(text.substr(indent.size())));
        } else {
            in_devices_ = false;
            at_end_ = is_totals(text);
        }
    }

    /// Finds out, by the lines below a row, whether the row shows the whole name.
    constexpr void check_name(bufinfo_buffer& buffer, std::string_view text, bool begins_list) {
        auto const& name = buffer.name;
        bool const shown = !name.empty() && !name.truncated() && !buffer.shown_unnamed;
        if (std::exchange(behind_row_, false))
            buffer.name_known =
                shown && (begins_list || name.size() + 1 + text.size() > longest_name);
        if (begins_list && std::exchange(lists_devices_, true)) buffer.name_known = false;
    }

    static constexpr void attach(bufinfo_buffer& buffer, device_name const& name) {
        ++buffer.attachments;
        std::uint32_t at = 0;
        while (at < buffer.devices_named && (name.truncated() || buffer.devices[at].name != name))
            ++at;
        if (at == buffer.devices.size()) return;
        if (at == buffer.devices_named) buffer.devices[buffer.devices_named++] = {name, 0};
        ++buffer.devices[at].times;
    }

    constexpr void read_row(std::string_view text) {
        auto& row = new_row();
        auto const* const begin = text.data();
        std::optional<std::uint32_t> odd;
        bool sized = false;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            auto const at = static_cast<std::uint32_t>(text.data() - begin);
            bool const fits = take_field(columns_[i], text, row);
            if (!fits && !odd) odd = at;
            sized = sized || (fits && columns_[i] == column::size);
        }
        if (!text.empty()) (void)take_field(column::name, text, row); // which had no title once
        bytes_ += row.size_bytes;
        sizes_known_ = sizes_known_ && sized;
        if (odd) current_ = failure{operation::parse, EBADMSG, where_, *odd, line_};
    }

    /// The row before, with nothing in it. Its devices stay, of which none is counted: to clear
    /// them takes longer than to read the row.
    constexpr bufinfo_buffer& new_row() {
        if (!current_) current_ = bufinfo_buffer{};
        auto& row = *current_;
        row.inode = row.size_bytes = row.count = 0;
        row.devices_named = row.attachments = 0;
        row.exporter = {};
        row.name = {};
        row.name_known = row.shown_unnamed = false;
        return row;
    }

    /// Takes one field and the tab behind it. False where the field does not fit its column.
    [[nodiscard]] constexpr bool take_field(column what, std::string_view& text,
                                            bufinfo_buffer& row) const {
        switch (what) {
        case column::size:
            return take_decimal(text, row.size_bytes);
        case column::flags:
        case column::mode:
            return take_hexadecimal(text);
        case column::count:
            return take_decimal(text, row.count);
        case column::inode:
            return take_decimal(text, row.inode);
        case column::exporter:
            row.exporter = columns_.exporter(detail::take_until(text, '\t'));
            return true;
        case column::name:
            row.name = buffer_name(text);
            row.shown_unnamed = text == "<none>";
            text = {};
            return true;
        case column::other:
        default:
            (void)detail::take_until(text, '\t');
            return true;
        }
    }

    // The kernel pads numbers to eight digits.

    // Not inline: three columns are such.
    [[gnu::noinline]] static constexpr bool take_decimal(std::string_view& text,
                                                         std::uint64_t& value) {
        auto const before = text.size();
        bool const is_number = detail::take_number(text, value);
        auto const digits = before - text.size();
        return take_tab(text) && is_number && digits >= 8;
    }

    /// Flags and modes have 32 bits. They are checked and not kept.
    static constexpr bool take_hexadecimal(std::string_view& text) {
        std::size_t digits = 0;
        for (char const c : text) {
            if (!detail::is_digit(c) && (c < 'a' || c > 'f')) break;
            ++digits;
        }
        text.remove_prefix(digits);
        return take_tab(text) && digits == 8;
    }

    /// Moves past the tab behind a field. False where bytes of the field are left before it.
    static constexpr bool take_tab(std::string_view& text) {
        if (!text.empty() && text.front() != '\t')
            return (void)detail::take_until(text, '\t'), false;
        text.remove_prefix(text.empty() ? 0 : 1);
        return true;
    }

    /// "Total 39 objects, 56324096 bytes", of the rows before it
    [[nodiscard]] constexpr bool is_totals(std::string_view text) const {
        constexpr std::string_view begin = "Total ";
        constexpr std::string_view middle = " objects, ";
        std::uint64_t rows = 0;
        std::uint64_t bytes = 0;
        if (!text.starts_with(begin)) return false;
        text.remove_prefix(begin.size());
        if (!detail::take_number(text, rows) || !text.starts_with(middle)) return false;
        text.remove_prefix(middle.size());
        if (!detail::take_number(text, bytes) || text != " bytes") return false;
        bool const same = bytes == bytes_ || bytes == (bytes_ & 0xffffffffU) || !sizes_known_;
        return rows == rows_ && same;
    }

    place where_;
    columns columns_;
    result<bufinfo_buffer> current_;
    std::uint64_t rows_ = 0;
    std::uint64_t bytes_ = 0; ///< of the rows whose size fits
    std::uint32_t line_ = 0;
    std::uint32_t read_ = 0;     ///< bytes
    bool sizes_known_ = true;    ///< of all rows
    bool any_ = false;           ///< `current_` was not handed out yet
    bool behind_row_ = false;    ///< the next line is the first below a row
    bool lists_devices_ = false; ///< a list of the row's devices has begun
    bool in_devices_ = false;
    bool at_end_ = false;
    bool ended_ = false;
};

using bufinfo_parser = basic_bufinfo_parser<>;

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
