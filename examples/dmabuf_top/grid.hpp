// SPDX-License-Identifier: MIT
//
// The cells of a screen, with how they look. No terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dmabuf_top {

enum class style : std::uint8_t {
    plain,
    strong,
    faint,
    warning, ///< something was not seen
    title,   ///< of a column
    sorted,  ///< the title of the column that rows are sorted by
    chosen,  ///< the row that keys act on
    bar,
    grows,
    key_name,
};

/// Lines of text that fit the width of the screen, by the room that their characters take. Reused,
/// it keeps its memory.
class grid {
public:
    /// Text of one style, in one line.
    struct piece {
        std::size_t column = 0;
        std::size_t begin = 0; ///< of its bytes, in the text of the line
        std::size_t size = 0;
        style how = style::plain;
    };
    struct text_line {
        std::string text;
        std::vector<piece> pieces;
        std::size_t used = 0; ///< columns
    };

    explicit grid(bool utf8)
        : utf8_(utf8) {}

    /// Clears all, and makes it that large.
    void begin(std::size_t width, std::size_t height);

    /// Appends to a line as much as there is room for.
    void put(std::size_t line, std::string_view text, style how = style::plain);
    /// Appends exactly `width` columns: the text, cut with a mark, or with blanks beside it.
    void put_cell(std::size_t line, std::string_view text, std::size_t width, bool right,
                  style how = style::plain);
    /// Appends blanks up to this column.
    void pad_to(std::size_t line, std::size_t column, style how = style::plain);

    [[nodiscard]] bool is_utf8() const { return utf8_; }
    [[nodiscard]] std::size_t width() const { return width_; }
    [[nodiscard]] std::size_t height() const { return height_; }
    [[nodiscard]] std::span<text_line const> lines() const { return {lines_.data(), height_}; }

    /// The columns that are left in a line.
    [[nodiscard]] std::size_t room(std::size_t line) const { return width_ - lines_[line].used; }

    /// Without blanks at the ends of lines.
    [[nodiscard]] std::string text() const;

private:
    void append(text_line& to, std::string_view text, std::size_t columns, style how);
    [[nodiscard]] std::string_view printable(std::string_view text);

    bool utf8_;
    std::size_t width_ = 0;
    std::size_t height_ = 0;
    std::vector<text_line> lines_; ///< at least `height_`
    std::string ascii_;
};

} // namespace dmabuf_top
