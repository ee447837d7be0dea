// SPDX-License-Identifier: MIT
//
// Rows of processes and of buffers, and the tables and sums for people.
#pragma once

#include "observation.hpp"
#include "rows/rows.hpp"
#include "selection.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace dmabuf_ps {

struct table_style {
    bool exact_bytes = false;
    std::optional<std::size_t> width; ///< of the terminal; nothing is cut where there is none
};

/// One row per process, with the fields of `fields_of()`.
rows::table process_rows(observation const& seen, selection const& shown, options const& chosen,
                         table_style const& style);
/// One row per buffer, the largest first; `with_unheld`: also those that the kernel alone lists.
rows::table buffer_rows(selection const& shown, options const& chosen, bool with_unheld,
                        table_style const& style);

/// The holdings of one process: a row for each buffer, with this process's descriptors and mappings
/// of it, and its share.
rows::table held_rows(selection const& shown, options const& chosen, table_style const& style);

/// The rows as a table, with the columns that were asked for.
std::string draw(rows::table all, options const& chosen, table_style const& style);

/// The sums of everything, be it shown or not, and `by_exporter`.
std::string totals(dmabuf::snapshot const& now, bool by_exporter, table_style const& style);

/// How much of that is shown; empty where it is all.
std::string shown_words(observation const& seen, selection const& shown, table_style const& style);

/// The buffers that the kernel lists and no process seen holds: one line, with `buffers` a table,
/// and in it the references and devices with `counts`. Empty where there is none.
std::string unheld_words(dmabuf::snapshot const& now, bool buffers, bool counts,
                         table_style const& style);

/// The meaning of the references that no process explains, where there are any. Else empty.
std::string others_words(dmabuf::snapshot const& now);

} // namespace dmabuf_ps
