// SPDX-License-Identifier: MIT
//
// dmabuf_ps shows which process holds how much DMA-BUF memory, and what could not be seen.
#include <dmabuf/dmabuf.hpp>
#include <dmabuf/fmt.hpp>

#include "coverage_words.hpp"
#include "json_report.hpp"
#include "options.hpp"
#include "output.hpp"
#include "rights.hpp"
#include "selection.hpp"
#include "tables.hpp"
#include "why_not_shown.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>

namespace dmabuf_ps {

namespace {

constexpr int done = 0;
constexpr int failed = 1;

int complain(auto const& what) {
    fmt::print(stderr, "dmabuf_ps: {}\n", what);
    return failed;
}

int print(std::string const& text) {
    if (write_out(text)) return done;
    return complain(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

std::string nothing_held(dmabuf::coverage const& seen) {
    return seen.complete() ? "No process holds a DMA-BUF.\n"
                           : "No DMA-BUF was seen, but not everything could be looked at.\n";
}

std::string text_report(dmabuf::snapshot const& now, selection const& shown,
                        options const& chosen) {
    table_style const style{chosen.exact_bytes, terminal_width()};
    std::string text;
    if (!shown.processes.empty()) {
        auto const table = chosen.buffers ? buffer_table : process_table;
        text += table(now, shown, style) + "\n" + totals(shown, style);
    } else if (chosen.pids.empty()) {
        text += nothing_held(now.coverage);
    }
    text += coverage_words(now, own_rights());
    if (chosen.verbose) text += source_words(now);
    return text;
}

/// Says of every process asked for and not shown why that is so.
int explain_absence(options const& chosen, dmabuf::snapshot const& now, std::string& sentences) {
    int status = done;
    for (auto const pid : chosen.pids) {
        if (std::ranges::count(now.holders, pid, &dmabuf::holder::pid) != 0) continue;
        auto const why = why_not_shown(pid, own_rights());
        if (why.could_not_read)
            status = complain(why.sentence);
        else
            sentences += why.sentence + "\n";
    }
    return status;
}

int run(options const& chosen) {
    dmabuf::sampler sampler({.force = chosen.source});
    dmabuf::snapshot now;
    if (auto const sampled = sampler.sample(now); !sampled) return complain(sampled.error());
    if (chosen.source == dmabuf::source::dmabuf_fds && now.coverage.used != chosen.source)
        return complain(now.coverage.not_better);

    auto const shown = select(now, chosen);
    std::string sentences;
    int const status = explain_absence(chosen, now, sentences);
    if (status != done && shown.processes.empty() && sentences.empty()) return status;
    int const printed = print(chosen.json ? json_report(now, shown, own_rights())
                                          : sentences + text_report(now, shown, chosen));
    return std::max(status, printed);
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
