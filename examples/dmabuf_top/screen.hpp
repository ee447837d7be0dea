// SPDX-License-Identifier: MIT
//
// Draws a model into the cells of a screen.
#pragma once

#include "grid.hpp"
#include "model.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace dmabuf_top {

/// The state of the program beside the model.
struct state {
    std::string from;      ///< name of a recording; empty: this system
    std::string kernel;    ///< release, raw
    std::string recording; ///< "recording 3"; empty: none is made
    std::string message;   ///< until the next key; empty: none
    bool paused = false;
    bool ended = false;    ///< of a replay: there is no further look
    std::size_t gaps = 0;  ///< sentences on what was not seen
    std::string first_gap; ///< of these
    std::string coverage;  ///< for the page of coverage
};

struct extent {
    std::size_t width = 80;
    std::size_t height = 24;
};

inline constexpr extent least_extent{60, 10};

/// Lines above and below the rows.
inline constexpr std::size_t lines_above = 4;
inline constexpr std::size_t lines_below = 1;

/// The height at which all rows are shown.
std::size_t height_for(std::size_t rows);

class screen {
public:
    /// Draws all of it. Sets how many rows the model has room for.
    /// Cost: that of the rows that can be seen. No allocation once everything has grown.
    void draw(model& of, state const& now, extent size, bool keys, grid& to);

private:
    void draw_sums(look const& of);
    void draw_coverage(look const& of, state const& now);
    void draw_place(model const& of, state const& now, bool keys);
    void draw_filter(model const& of, std::size_t line);
    void draw_titles(model const& of);
    void draw_rows(model const& of);
    void draw_row(model const& of, std::size_t at, std::size_t line);
    void draw_cell(model const& of, row const& one, std::size_t column, std::size_t line,
                   style how);
    void draw_nothing(model const& of);
    void draw_bottom(model const& of, state const& now);
    void draw_overlay(model const& of, state const& now);
    void find_widths(model const& of);
    [[nodiscard]] bool is_shown(column const& one) const;
    void put_amount(amount const& cell, bool bytes);

    grid* to_ = nullptr;
    std::vector<std::size_t> widths_; ///< by column
    std::string cell_;
};

} // namespace dmabuf_top
