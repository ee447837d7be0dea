// SPDX-License-Identifier: MIT
#include "grid.hpp"

#include <dmabuf/text.hpp>

#include "printing/characters.hpp"

#include <algorithm>

namespace dmabuf_top {

namespace {

constexpr std::string_view blanks =
    "                                                                ";

} // namespace

void grid::begin(std::size_t width, std::size_t height) {
    width_ = width;
    height_ = height;
    if (lines_.size() < height) lines_.resize(height);
    for (auto& one : lines_) {
        one.text.clear();
        one.pieces.clear();
        one.used = 0;
    }
}

std::string_view grid::printable(std::string_view text) {
    bool const is_ascii =
        std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (utf8_ || is_ascii) return text;
    ascii_ = printing::in_ascii(text);
    return ascii_;
}

void grid::append(text_line& to, std::string_view text, std::size_t columns, style how) {
    bool const continues = !to.pieces.empty() && to.pieces.back().how == how;
    if (continues)
        to.pieces.back().size += text.size();
    else
        to.pieces.push_back({to.used, to.text.size(), text.size(), how});
    to.text += text;
    to.used += columns;
}

void grid::put(std::size_t line, std::string_view text, style how) {
    auto const shown = printable(text);
    auto const columns = printing::width_of(shown);
    if (columns <= room(line)) return append(lines_[line], shown, columns, how);
    put_cell(line, text, room(line), false, how);
}

void grid::put_cell(std::size_t line, std::string_view text, std::size_t width, bool right,
                    style how) {
    width = std::min(width, room(line));
    auto shown = printable(text);
    auto columns = printing::width_of(shown);
    std::string_view mark;
    if (columns > width) {
        mark = utf8_ ? std::string_view("…") : dmabuf::cut_mark;
        auto const of_mark = printing::width_of(mark);
        if (of_mark > width) mark = {};
        shown = printing::first_columns(shown, width - (mark.empty() ? 0 : of_mark));
        columns = printing::width_of(shown) + (mark.empty() ? 0 : of_mark);
    }
    auto& to = lines_[line];
    auto const end = to.used + width;
    if (right) pad_to(line, end - columns, how);
    append(to, shown, columns - printing::width_of(mark), how);
    if (!mark.empty()) append(to, mark, printing::width_of(mark), how);
    pad_to(line, end, how);
}

void grid::pad_to(std::size_t line, std::size_t column, style how) {
    auto& to = lines_[line];
    column = std::min(column, width_);
    while (to.used < column) {
        auto const some = std::min(column - to.used, blanks.size());
        append(to, blanks.substr(0, some), some, how);
    }
}

std::string grid::text() const {
    std::string all;
    for (auto const& one : lines()) {
        auto const end = one.text.find_last_not_of(' ');
        all.append(one.text, 0, end == one.text.npos ? 0 : end + 1).append("\n");
    }
    return all;
}

} // namespace dmabuf_top
