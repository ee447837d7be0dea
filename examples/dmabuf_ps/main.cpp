// SPDX-License-Identifier: MIT
//
// dmabuf_ps shows which process holds how much DMA-BUF memory, and what could not be seen.
#include <dmabuf/fmt.hpp>

#include "changes.hpp"
#include "groups.hpp"
#include "json_report.hpp"
#include "observe.hpp"
#include "options.hpp"
#include "output.hpp"
#include "report/coverage_words.hpp"
#include "report/write_all.hpp"
#include "selection.hpp"
#include "tables.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <unistd.h>

namespace dmabuf_ps {

namespace {

constexpr int done = 0;
constexpr int failed = 1;

int complain(auto const& what) {
    fmt::print(stderr, "dmabuf_ps: {}\n", what);
    return failed;
}

int print(std::string const& text) {
    if (report::write_all(STDOUT_FILENO, text)) return done;
    return complain(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

std::string nothing_held(dmabuf::coverage const& seen) {
    return seen.complete() ? "No process holds a DMA-BUF.\n"
                           : "No DMA-BUF was seen, but not everything could be looked at.\n";
}

std::string tables(observation const& seen, selection const& shown, options const& chosen) {
    table_style const style{chosen.exact_bytes, terminal_width()};
    std::string text;
    if (chosen.diff_seconds) {
        text = change_table(seen, changes(seen, chosen), chosen.buffers, style);
    } else if (!shown.processes.empty()) {
        text = chosen.buffers                   ? buffer_table(seen, shown, style)
               : chosen.by == grouping::process ? process_table(seen, shown, style)
                                                : group_table(seen, shown, chosen.by, style);
        text += "\n" + totals(shown, style);
    } else if (chosen.pids.empty()) {
        text = nothing_held(seen.now.coverage);
    }
    return text + unheld_words(seen.now, chosen.buffers, style);
}

std::string text_report(observation const& seen, selection const& shown, options const& chosen) {
    auto text = tables(seen, shown, chosen) + report::coverage_words(seen.now, seen.mine);
    if (chosen.verbose) text += report::source_words(seen.now);
    return text;
}

/// Says of every process asked for and not shown why that is so.
int explain_absences(observation const& seen, std::string& sentences) {
    int status = done;
    for (auto const& why : seen.absences)
        if (why.could_not_read)
            status = complain(why.sentence);
        else
            sentences += why.sentence + "\n";
    return status;
}

int report(observation const& seen, options const& chosen) {
    auto const shown = select(seen.now, chosen);
    std::string sentences;
    int const status = explain_absences(seen, sentences);
    if (status != done && shown.processes.empty() && sentences.empty()) return status;
    int const printed = print(chosen.json ? json_report(seen, shown, chosen)
                                          : sentences + text_report(seen, shown, chosen));
    return std::max(status, printed);
}

int run(options const& chosen) {
    auto const found = observe(chosen);
    if (auto const* const why = std::get_if<complaint>(&found)) return complain(why->words);
    auto const& seen = std::get<observation>(found);
    int const status = report(seen, chosen);
    return seen.trouble.empty() ? status : complain(seen.trouble);
}

int main(int count, char const* const* arguments) {
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error like any other
    auto const parsed = parse_options(count, arguments);
    if (auto const* const words = std::get_if<last_words>(&parsed)) {
        if (words->status == done) return print(words->text);
        fmt::print(stderr, "{}", words->text);
        return words->status;
    }
    return run(std::get<options>(parsed));
}

} // namespace

} // namespace dmabuf_ps

int main(int count, char** arguments) {
    return dmabuf_ps::main(count, arguments);
}
