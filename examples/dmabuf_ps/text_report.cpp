// SPDX-License-Identifier: MIT
#include "text_report.hpp"

#include "changes.hpp"
#include "groups.hpp"
#include "output.hpp"
#include "report/coverage_words.hpp"
#include "report/source_words.hpp"
#include "tables.hpp"

namespace dmabuf_ps {

namespace {

std::string nothing_held(dmabuf::coverage const& seen) {
    if (seen.indistinct.kernel_major != 0) return "This kernel does not tell DMA-BUFs apart.\n";
    return seen.complete() ? "No process holds a DMA-BUF.\n"
                           : "No DMA-BUF was seen, but not everything could be looked at.\n";
}

std::string tables(observation const& seen, selection const& shown, options const& chosen) {
    table_style const style{chosen.exact_bytes, terminal_width(), chosen.args};
    std::string text;
    if (chosen.diff_seconds) {
        text = change_table(seen, changes(seen, chosen), chosen.buffers, style);
    } else if (!shown.processes.empty()) {
        text = chosen.buffers_of_one()          ? held_table(seen, *shown.processes.front(), style)
               : chosen.buffers                 ? buffer_table(seen, shown, style)
               : chosen.by == grouping::process ? process_table(seen, shown, style)
                                                : group_table(seen, shown, chosen.by, style);
        text += "\n" + totals(shown, style);
    } else if (chosen.pids.empty()) {
        text = nothing_held(seen.now.coverage);
    }
    bool const all_buffers = chosen.buffers && !chosen.buffers_of_one();
    text += unheld_words(seen.now, all_buffers, !chosen.diff_seconds, style);
    return all_buffers && !chosen.diff_seconds ? text + others_words(seen.now) : text;
}

} // namespace

std::string text_report(observation const& seen, selection const& shown, options const& chosen) {
    auto text = tables(seen, shown, chosen) + report::coverage_words(seen.now, seen.mine);
    if (chosen.verbose) text += report::source_words(seen.now, seen.mine, seen.kernel);
    for (auto const& hint : seen.hints)
        text += hint + "\n";
    return text;
}

} // namespace dmabuf_ps
