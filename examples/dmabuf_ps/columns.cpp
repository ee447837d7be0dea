// SPDX-License-Identifier: MIT
#include "columns.hpp"

#include <dmabuf/text.hpp>

#include "printing/characters.hpp"
#include "printing/terminal.hpp"

#include <algorithm>
#include <numeric>

namespace dmabuf_ps {

namespace {

constexpr std::string_view gap = "  ";
constexpr std::size_t least_width = 8;

/// The order in which columns are left out.
constexpr std::string_view least_needed[] = {"OTHER", "DEVICES", "AGE",  "MAPS", "FDS",
                                             "USS",   "NEW",     "LEFT", "RSS"};

bool says_nothing(std::string_view cell) {
    return cell.empty() || cell == "-";
}

/// The columns of a line, and the room for each.
class line_layout {
public:
    line_layout(std::vector<column> const& heads, std::vector<std::size_t> shown,
                std::vector<std::size_t> const& natural_widths)
        : heads_(&heads)
        , shown_(std::move(shown))
        , natural_(&natural_widths)
        , widths_(natural_widths) {}

    void fit(std::size_t width) {
        shrink(width);
        for (auto const& least : least_needed)
            if (line() > width && leave_out(least)) shrink(width);
    }

    [[nodiscard]] std::vector<std::size_t> const& shown() const { return shown_; }
    [[nodiscard]] std::size_t width(std::size_t column) const { return widths_[column]; }
    /// Titles, with commas between them.
    [[nodiscard]] std::string const& left_out() const { return left_out_; }

private:
    [[nodiscard]] std::size_t line() const {
        return std::accumulate(
            shown_.begin(), shown_.end(), gap.size() * (shown_.size() - 1),
            [&](std::size_t sum, std::size_t column) { return sum + widths_[column]; });
    }

    void shrink(std::size_t width) {
        widths_ = *natural_;
        shrink(width, [](column const& one) { return one.shrinks; });
        shrink(width, [](column const& one) { return !one.right; });
    }

    /// Takes from the widest column that may shrink until the line fits.
    void shrink(std::size_t width, auto may_shrink) {
        for (auto length = line(); length > width; --length) {
            std::size_t* widest = nullptr;
            for (auto const column : shown_)
                if (may_shrink((*heads_)[column]) && (!widest || widths_[column] > *widest))
                    widest = &widths_[column];
            if (!widest || *widest <= least_width) return;
            --*widest;
        }
    }

    bool leave_out(std::string_view title) {
        auto const at = std::ranges::find_if(
            shown_, [&](std::size_t column) { return (*heads_)[column].title == title; });
        if (at == shown_.end()) return false;
        shown_.erase(at);
        left_out_.append(left_out_.empty() ? "" : ", ").append(title);
        return true;
    }

    std::vector<column> const* heads_;
    std::vector<std::size_t> shown_;
    std::vector<std::size_t> const* natural_;
    std::vector<std::size_t> widths_; ///< of all columns
    std::string left_out_;
};

} // namespace

columns::columns(std::vector<column> heads)
    : heads_(std::move(heads))
    , utf8_(printing::prints_utf8()) {}

void columns::add_row(std::vector<std::string> cells) {
    if (!utf8_)
        for (auto& cell : cells)
            cell = printing::in_ascii(cell);
    rows_.push_back(std::move(cells));
}

std::string columns::text(std::optional<std::size_t> width) const {
    auto const natural = natural_widths();
    line_layout layout(heads_, columns_with_something(), natural);
    if (width) layout.fit(*width);
    std::string text;
    auto const add_line = [&](auto const& cell_at) {
        for (auto const column : layout.shown()) {
            bool const last = column == layout.shown().back();
            auto const cell = printing::cut(cell_at(column), layout.width(column), utf8_);
            std::string const padding(layout.width(column) - printing::width_of(cell), ' ');
            if (heads_[column].right) text += padding;
            text += cell;
            if (!heads_[column].right && !last) text += padding;
            text += last ? "\n" : gap;
        }
    };
    add_line([&](std::size_t column) -> std::string const& { return heads_[column].title; });
    for (auto const& row : rows_)
        add_line([&](std::size_t column) -> std::string const& { return row[column]; });
    if (!layout.left_out().empty())
        text += "Left out for want of room: " + layout.left_out() + "\n";
    return text;
}

std::vector<std::size_t> columns::columns_with_something() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < heads_.size(); ++i)
        if (rows_.empty() ||
            std::ranges::any_of(rows_, [&](auto const& row) { return !says_nothing(row[i]); }))
            found.push_back(i);
    return found;
}

std::vector<std::size_t> columns::natural_widths() const {
    std::vector<std::size_t> widths;
    for (auto const& head : heads_)
        widths.push_back(printing::width_of(head.title));
    for (auto const& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], printing::width_of(row[i]));
    return widths;
}

} // namespace dmabuf_ps
