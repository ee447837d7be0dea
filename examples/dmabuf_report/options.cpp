// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "options/file.hpp"
#include "options/parser.hpp"
#include "options/place.hpp"

#include <algorithm>

namespace dmabuf_report {

namespace {

constexpr auto description = "Writes who holds DMA-BUF memory, and what could not be seen, as one "
                             "HTML file that opens without a network.\n";

constexpr auto footer =
    R"(The page says in words what is held, by whom, and what was not seen. Below stand the
memory as areas, who shares with whom, what happened over time, and a table to search and
sort. It loads nothing from anywhere. Names in it are those that programs have chosen:
--anonymise puts others in their place before the page is shown to strangers.

FILE is of dmabuf_ps --record or --json, of lowmem_capture, or of dmabuf_watch --format ndjson,
told apart by its text; of a directory its captures are taken. The page shows the last state,
and all of them over time.)";

} // namespace

command_line::parsed<options> parse_options(int count, char const* const* arguments) {
    options chosen;
    command_line::parser app("dmabuf_report", description, footer);
    command_line::add_file(
        app, "-o,--output", chosen.output,
        "Write the page into a file, in place of one that is there; - is standard output")
        ->required();
    app.add_option("--replay", chosen.replay,
                   "Show what these files and directories hold, and ask this kernel nothing; - is "
                   "standard input")
        ->type_name("FILE");
    app.add_flag(
        "--anonymise", chosen.anonymise,
        "Other names than the real ones, but for those of drivers and devices; no names of users");
    auto const* const source = command_line::add_place(app, chosen);

    auto const check = [&] {
        if (!chosen.replay.empty() && command_line::tells_place(source, chosen))
            throw CLI::ValidationError("--replay", "the recording tells where to look");
        if (std::ranges::count(chosen.replay, "-") > 1)
            throw CLI::ValidationError("--replay", "standard input is one file");
    };
    if (auto over = app.read(count, arguments, check)) return *std::move(over);
    return chosen;
}

} // namespace dmabuf_report
