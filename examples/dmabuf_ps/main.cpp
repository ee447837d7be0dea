// SPDX-License-Identifier: MIT
//
// dmabuf_ps shows which process holds how much DMA-BUF memory, and what could not be seen.
#include "files/standard_output.hpp"
#include "json_report.hpp"
#include "list_report.hpp"
#include "observe.hpp"
#include "options.hpp"
#include "output.hpp"
#include "selection.hpp"
#include "text_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace dmabuf_ps {

namespace {

constexpr int done = 0;
constexpr int failed = 1;

int complain(std::string const& what) {
    fmt::print(stderr, "dmabuf_ps: {}\n", printable(what));
    return failed;
}

/// Says of every process asked for and not shown why that is so.
int explain_absences(observation const& seen, std::string& sentences) {
    int status = done;
    for (auto const& why : seen.absences)
        if (why.could_not_read)
            status = complain(why.sentence);
        else
            sentences += printable(why.sentence + "\n");
    return status;
}

int report(observation const& seen, options const& chosen) {
    selection const shown(seen, chosen);
    std::string sentences;
    int const status = explain_absences(seen, sentences);
    if (status != done && shown.processes.empty() && sentences.empty()) return status;
    if (chosen.record == "-") return status;
    int const printed =
        files::print("dmabuf_ps", chosen.json ? json_report(seen, shown, chosen)
                                              : sentences + text_report(seen, shown, chosen));
    return std::max(status, printed);
}

int run(options const& chosen) {
    auto const found = observe(chosen);
    if (auto const* const why = std::get_if<complaint>(&found)) return complain(why->words);
    auto const& seen = std::get<observation>(found);
    if (!seen.note.empty()) (void)complain(seen.note);
    int const status = report(seen, as_observed(chosen, seen));
    return seen.trouble.empty() ? status : complain(seen.trouble);
}

int main(int count, char const* const* arguments) {
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error like any other,
    std::signal(SIGXFSZ, SIG_IGN); // and so is a file that may not grow
    auto const parsed = parse_options(count, arguments);
    if (auto const* const words = std::get_if<command_line::last_words>(&parsed))
        return print("dmabuf_ps", *words);
    auto const& chosen = std::get<options>(parsed);
    return chosen.bufinfo.empty() ? run(chosen) : show_list(chosen);
}

} // namespace

} // namespace dmabuf_ps

int main(int count, char** arguments) {
    return dmabuf_ps::main(count, arguments);
}
