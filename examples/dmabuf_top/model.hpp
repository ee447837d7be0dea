// SPDX-License-Identifier: MIT
//
// The state of the screen: the page, its rows and their order, the row that is chosen. Pure values,
// fed with looks and keys.
#pragma once

#include "keys.hpp"
#include "tables.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dmabuf_top {

/// The order of the rows of a view.
struct order {
    std::size_t column = 0;
    bool inverted = false; ///< numbers: the least first; texts: the last first
};

/// A table, and the way back to the one before.
struct page {
    view which = view::processes;
    subject of{}; ///< of `held` and `holders`, and a limit of the others
    std::string filter{};
    std::size_t at = 0;    ///< row
    std::size_t first = 0; ///< row at the top
    bool follows = false;  ///< `chosen` is followed, wherever it goes
    subject chosen{};
};

enum class overlay : std::uint8_t { none, help, coverage };

class model {
public:
    /// `now` must outlive this.
    model(look const& now, view first);

    /// Sets the order of the view by this column.
    void sort_by(std::size_t column);
    void set_filter(std::string filter);

    /// Takes a new look.
    void refresh();

    /// Acts on a key. False: it concerns others.
    bool act(action what);

    /// While a filter is typed, each key goes here. False: it is not typed any more.
    bool type(key_code pressed);
    [[nodiscard]] bool is_typing() const { return typing_; }

    /// The number of rows that the screen has room for.
    void set_room(std::size_t rows);
    [[nodiscard]] std::size_t room() const { return room_; }

    [[nodiscard]] look const& now() const { return now_; }
    [[nodiscard]] page const& shown() const { return pages_.back(); }
    /// Whether a row led to the page.
    [[nodiscard]] bool is_entered() const { return pages_.size() > 1; }
    [[nodiscard]] std::vector<row> const& rows() const { return rows_; }
    [[nodiscard]] std::size_t all_rows() const { return all_; } ///< before the filter
    [[nodiscard]] order const& sorted() const { return order_of(shown().which); }
    [[nodiscard]] overlay over() const { return over_; }
    /// The line of an overlay at the top.
    [[nodiscard]] std::size_t scrolled() const { return scrolled_; }
    [[nodiscard]] presence subject_presence() const { return presence_; } ///< of the page
    /// The sum of the bars of all rows.
    [[nodiscard]] std::uint64_t whole() const { return whole_; }

private:
    /// A row with what it is sorted by.
    struct key_of_row {
        std::uint64_t number;
        std::size_t text; ///< begin and size, in `texts_`
        std::size_t size;
        row of;
        std::uint32_t place; ///< in the order of the system
    };

    [[nodiscard]] order const& order_of(view which) const {
        return orders_[static_cast<std::size_t>(which)];
    }
    order& order_of(view which) { return orders_[static_cast<std::size_t>(which)]; }
    [[nodiscard]] page& top() { return pages_.back(); }

    void filter();
    bool fits(row const& one, std::string_view words);
    void sort();
    key_of_row key_of(row const& one, column const& by);
    void key_rows(column const& by);
    void add_whole();
    void find_chosen();
    void choose(std::size_t at);
    void keep_in_sight();
    void move(action what);
    void scroll(action what);
    void show(view which);
    void enter();
    void back();
    void next_column(bool forward);

    look const& now_;
    std::vector<page> pages_;
    std::array<order, all_views> orders_;
    std::vector<row> rows_;
    std::vector<key_of_row> keys_;
    std::vector<std::uint32_t> places_; ///< of `rows_`, in the order of the system
    std::string texts_;
    std::string cell_;
    std::size_t all_ = 0;
    std::uint64_t whole_ = 0;
    std::size_t room_ = 1;
    overlay over_ = overlay::none;
    std::size_t scrolled_ = 0;
    bool typing_ = false;
    presence presence_ = presence::seen;
    std::string filter_before_;
};

} // namespace dmabuf_top
