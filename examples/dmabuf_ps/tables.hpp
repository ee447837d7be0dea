// SPDX-License-Identifier: MIT
//
// The two tables for people: one row per process, or one per buffer.
#pragma once

#include "selection.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace dmabuf_ps {

struct table_style {
    bool exact_bytes = false;
    std::optional<std::size_t> width; ///< of the terminal; nothing is cut where there is none
};

std::string process_table(dmabuf::snapshot const& now, selection const& shown,
                          table_style const& style);
std::string buffer_table(dmabuf::snapshot const& now, selection const& shown,
                         table_style const& style);

/// What the rows add up to, in all and by exporter.
std::string totals(selection const& shown, table_style const& style);

} // namespace dmabuf_ps
