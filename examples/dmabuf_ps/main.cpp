// SPDX-License-Identifier: MIT
//
// dmabuf_ps shows which process holds how much DMA-BUF memory, and what could not be seen.
#include "files/complain.hpp"
#include "files/standard_output.hpp"
#include "files/write_all.hpp"
#include "json_report.hpp"
#include "list_report.hpp"
#include "observe.hpp"
#include "options.hpp"
#include "options/exit_status.hpp"
#include "options/program.hpp"
#include "printing/terminal.hpp"
#include "report/coverage_words.hpp"
#include "report/output_sink.hpp"
#include "row_report.hpp"
#include "selection.hpp"
#include "text_report.hpp"

#include <algorithm>

namespace dmabuf_ps {

namespace {

using command_line::done;

int complain(std::string const& what) {
    return files::complain("dmabuf_ps", printing::printable(what));
}

/// Adds a sentence on each process that was asked for and is not shown. Returns the exit status.
int explain_absences(observation const& seen, std::string& sentences) {
    int status = done;
    for (auto const& why : seen.absences)
        if (why.could_not_read)
            status = complain(why.sentence);
        else
            sentences += printing::printable(why.sentence + "\n");
    return status;
}

/// Writes rows to standard output, and the sentences, for which rows have no room, to stderr.
int report_rows(observation const& seen, selection const& shown, std::string_view sentences,
                options const& chosen) {
    files::write_all(STDERR_FILENO, sentences);
    report::what_is_missing(seen.now, seen.mine,
                            [](std::string_view gap) { (void)complain(std::string(gap)); });
    return files::print("dmabuf_ps", row_report(seen, shown, chosen));
}

int print_json(observation const& seen, selection const& shown, options const& chosen) {
    report::output_sink out;
    json_report(seen, shown, chosen, out);
    return files::printed("dmabuf_ps", out.error());
}

int report(observation const& seen, options const& chosen) {
    selection const shown(seen, chosen);
    std::string sentences;
    int const status = explain_absences(seen, sentences);
    if (status != done && shown.processes.empty() && sentences.empty()) return status;
    if (chosen.record == "-") return status;
    if (chosen.has_rows_alone())
        return std::max(status, report_rows(seen, shown, sentences, chosen));
    int const printed =
        chosen.json ? print_json(seen, shown, chosen)
                    : files::print("dmabuf_ps", sentences + text_report(seen, shown, chosen));
    return std::max(status, printed);
}

/// Whether the report has gaps, and the command line allows none.
bool is_refused(observation const& seen, options const& chosen) {
    if (!chosen.require_complete) return false;
    return report::has_gaps(seen.now, seen.mine) ||
           (chosen.compares() && report::has_gaps(seen.before, seen.mine));
}

int run(options const& chosen) {
    auto const found = observe(chosen);
    if (auto const* const why = std::get_if<complaint>(&found)) return complain(why->words);
    auto const& seen = std::get<observation>(found);
    if (!seen.note.empty()) (void)complain(seen.note);
    int const status = report(seen, as_observed(chosen, seen));
    if (!seen.trouble.empty()) return complain(seen.trouble);
    return status == done && is_refused(seen, chosen) ? command_line::not_all : status;
}

int main(int count, char const* const* arguments) {
    return command_line::run_program(
        "dmabuf_ps", parse_options(count, arguments), [](options const& chosen) {
            return chosen.bufinfo.empty() ? run(chosen) : show_list(chosen);
        });
}

} // namespace

} // namespace dmabuf_ps

int main(int count, char** arguments) {
    return dmabuf_ps::main(count, arguments);
}
