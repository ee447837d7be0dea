// SPDX-License-Identifier: MIT
#include "row_report.hpp"

#include "groups.hpp"
#include "tables.hpp"

namespace dmabuf_ps {

std::string in_rows(rows::table all, options const& chosen) {
    auto const part = with_columns(std::move(all), chosen.columns, false);
    return chosen.format == output_format::csv ? csv(part) : ndjson(part);
}

std::string row_report(observation const& seen, selection const& shown, options const& chosen) {
    table_style const style;
    if (chosen.buffers_of_one()) return in_rows(held_rows(shown, chosen, style), chosen);
    if (chosen.buffers) return in_rows(buffer_rows(shown, chosen, true, style), chosen);
    if (chosen.by == grouping::process)
        return in_rows(process_rows(seen, shown, chosen, style), chosen);
    return in_rows(rows_of_groups(seen, shown, chosen, style).table, chosen);
}

} // namespace dmabuf_ps
