// SPDX-License-Identifier: MIT
#include "columns.hpp"

#include <algorithm>

namespace dmabuf_ps {

namespace {

constexpr std::string_view gap = "  ";
constexpr std::size_t least_width = 8;

bool begins_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80;
}

/// Characters, each taken as one column: names may hold wide ones, and then stand out a little.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

/// The first `width` characters, the last of them being "…" where there are more.
std::string cut(std::string_view text, std::size_t width) {
    if (width_of(text) <= width) return std::string(text);
    std::size_t characters = 0;
    auto const end = std::ranges::find_if(
        text, [&](char byte) { return begins_character(byte) && ++characters == width; });
    return std::string(text.begin(), end) + "…";
}

} // namespace

std::string columns::text(std::optional<std::size_t> width) const {
    auto widths = natural_widths();
    if (width) shrink(widths, *width);
    std::string text;
    auto const add_line = [&](auto const& cell_at) {
        for (std::size_t i = 0; i < heads_.size(); ++i) {
            auto const cell = cut(cell_at(i), widths[i]);
            std::string const padding(widths[i] - width_of(cell), ' ');
            bool const last = i + 1 == heads_.size();
            if (heads_[i].right) text += padding;
            text += cell;
            if (!heads_[i].right && !last) text += padding;
            text += last ? "\n" : gap;
        }
    };
    add_line([&](std::size_t i) -> std::string const& { return heads_[i].title; });
    for (auto const& row : rows_)
        add_line([&](std::size_t i) -> std::string const& { return row[i]; });
    return text;
}

std::vector<std::size_t> columns::natural_widths() const {
    std::vector<std::size_t> widths;
    for (auto const& head : heads_)
        widths.push_back(width_of(head.title));
    for (auto const& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], width_of(row[i]));
    return widths;
}

/// Takes from the widest column that may shrink until the line fits.
void columns::shrink(std::vector<std::size_t>& widths, std::size_t width) const {
    std::size_t line = gap.size() * (widths.size() - 1);
    for (auto const one : widths)
        line += one;
    for (; line > width; --line) {
        std::size_t widest = widths.size();
        for (std::size_t i = 0; i < widths.size(); ++i)
            if (heads_[i].shrinks && (widest == widths.size() || widths[i] > widths[widest]))
                widest = i;
        if (widest == widths.size() || widths[widest] <= least_width) return;
        --widths[widest];
    }
}

} // namespace dmabuf_ps
