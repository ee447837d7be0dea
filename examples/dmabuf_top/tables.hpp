// SPDX-License-Identifier: MIT
//
// The columns of each table, and the rows that a look has for it.
#pragma once

#include "look.hpp"
#include "view.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dmabuf_top {

/// Names the subject of a row for as long as it is there. A buffer has its size as `start_ticks`,
/// since two can have one inode before 5.18; a maker that is not known has its state as `inode`.
using subject = dmabuf::growth_subject;

/// A row, as places in a look.
struct row {
    std::uint32_t at = 0;        ///< of the holder, buffer, exporter, maker or cgroup
    std::uint32_t reference = 0; ///< of `held` and `holders`
};

/// A number of a cell.
struct amount {
    enum class certainty : std::uint8_t { exact, at_least, unknown };

    std::uint64_t value = 0;
    certainty how = certainty::exact;

    static amount unknown() { return {0, certainty::unknown}; }
};

enum class look_of : std::uint8_t {
    number,
    bytes,
    text,
    bar,       ///< its amount as a part of that of the whole table
    sparkline, ///< of the last minutes
    growth,    ///< what grows, and how fast
};

struct column {
    std::string_view title;
    look_of how = look_of::number;
    std::uint16_t width = 0; ///< 0: all that is left
    std::uint16_t from = 0;  ///< the least width of a screen that shows it
    amount (*number)(look const&, row) = nullptr;
    void (*text)(look const&, row, std::string&) = nullptr; ///< appends; escaped

    [[nodiscard]] bool is_text() const { return how == look_of::text; }
};

inline constexpr std::size_t no_column = ~std::size_t{0};

/// The last one takes the rest of the line.
std::span<column const> columns_of(view which);
/// By its title; upper and lower case are the same. `no_column`: there is none.
std::size_t column_called(view which, std::string_view title);
/// The usual order of a view: by this column, largest first.
std::size_t usual_sort(view which);

/// All rows of a view. `of` is the process of `held`, the buffer of `holders`, and else what a
/// table of processes or buffers is limited to: a cgroup, an exporter, a maker. A `subject` without
/// a name and number limits nothing. Without the rows that the command line does not choose.
void find_rows(look const& now, view which, subject const& of, std::vector<row>& rows);

/// The knowledge of the subject of a page.
enum class presence : std::uint8_t {
    seen,
    out_of_sight, ///< it may be there still
    gone,
};
presence presence_of(look const& now, view which, subject const& of);

subject subject_of(look const& now, view which, row const& one);
std::uint64_t key_of(look const& now, view which, row const& one);
/// Without making a subject.
bool is_subject(look const& now, view which, row const& one, subject const& of);

/// "process 12 (camera)", "buffer 71", "exporter drm"
std::string words_of(subject const& of);

} // namespace dmabuf_top
