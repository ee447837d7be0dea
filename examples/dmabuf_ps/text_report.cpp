// SPDX-License-Identifier: MIT
#include "text_report.hpp"

#include "change_tables.hpp"
#include "groups.hpp"
#include "origin_words.hpp"
#include "printing/terminal.hpp"
#include "report/coverage_words.hpp"
#include "report/maker_words.hpp"
#include "report/source_words.hpp"
#include "tables.hpp"

#include <iterator>

namespace dmabuf_ps {

namespace {

std::string nothing_held(dmabuf::coverage const& seen) {
    if (seen.indistinct.kernel_major != 0) return "This kernel does not tell DMA-BUFs apart.\n";
    return seen.complete() ? "No process holds a DMA-BUF.\n"
                           : "No DMA-BUF was seen, but not everything could be looked at.\n";
}

std::string tables(observation const& seen, selection const& shown, options const& chosen) {
    table_style const style{chosen.exact_bytes, printing::terminal_width()};
    std::string text;
    bool const of_makers = chosen.by == grouping::maker || chosen.by == grouping::device;
    bool const unheld_rows = of_makers && !shown.listed_buffers(true, {}).empty();
    bool const anything =
        unheld_rows || !(chosen.buffers ? shown.buffers.empty() : shown.processes.empty());
    if (chosen.compares()) {
        text = change_table(seen, changes(seen, chosen), chosen, style);
    } else if (anything) {
        text = chosen.buffers_of_one() ? draw(held_rows(shown, chosen, style), chosen, style)
               : chosen.buffers ? draw(buffer_rows(shown, chosen, false, style), chosen, style)
               : chosen.by == grouping::process
                   ? draw(process_rows(seen, shown, chosen, style), chosen, style)
                   : group_table(seen, shown, chosen, style);
        bool const has_exporters =
            !chosen.buffers && chosen.by == grouping::exporter && shown.whole;
        text += "\n" + shown_words(seen, shown, style) + totals(seen.now, !has_exporters, style);
    } else if (seen.now.holders.empty()) {
        if (chosen.pids.empty()) text = nothing_held(seen.now.coverage);
    } else if (chosen.wanted.any()) {
        text = "Nothing that is held fits what was asked for.\n" + shown_words(seen, shown, style) +
               totals(seen.now, true, style);
    }
    bool const all_buffers = chosen.buffers && !chosen.buffers_of_one();
    // The rows and sums of changes have told of unheld buffers.
    if (!chosen.compares()) text += unheld_words(shown.now(), all_buffers, true, style);
    bool const told = !shown.now().unheld.empty() && !all_buffers && !chosen.compares();
    bool const asked = of_makers || chosen.wanted.of_origins();
    if (!told && (asked || (all_buffers && !shown.now().unheld.empty())))
        text += report::not_watched_words(seen.now);
    bool const devices = all_buffers || chosen.by == grouping::device;
    if (!chosen.compares()) text += detached_words(shown.now(), devices);
    return all_buffers ? text + others_words(shown.now()) : text;
}

/// The words on the coverage. Those of a JSON file come from the file.
std::string words_on_coverage(observation const& seen, bool verbose) {
    std::string text;
    if (seen.notes) {
        for (auto const& note : *seen.notes) {
            dmabuf::escape(note, std::back_inserter(text));
            text += "\n";
        }
        return text;
    }
    text = report::coverage_words(seen.now, seen.mine);
    if (verbose) text += report::source_words(seen.now, seen.mine, seen.kernel);
    return text;
}

} // namespace

std::string text_report(observation const& seen, selection const& shown, options const& chosen) {
    auto text = tables(seen, shown, chosen) + words_on_coverage(seen, chosen.verbose);
    for (auto const& hint : seen.hints)
        text += hint + "\n";
    return printing::printable(std::move(text));
}

} // namespace dmabuf_ps
