// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "options/choice.hpp"
#include "options/duration.hpp"
#include "options/file.hpp"
#include "options/parser.hpp"
#include "options/pids.hpp"
#include "options/place.hpp"
#include "options/size.hpp"
#include "selection/options.hpp"

#include <algorithm>
#include <string_view>

namespace dmabuf_watch {

namespace {

constexpr auto description =
    "Watches who holds DMA-BUF memory, and tells which of it grows, how fast, and since when.\n";

constexpr auto footer =
    R"(An amount grows where the lowest value of a window of looks rises from window to window:
a ring of short-lived buffers, a start-up, and a load that comes and goes do not. Eight
windows tell, of six looks for fast leaks, more for slow ones. A look that did not see all
feeds no rate. What grows is told once, until it has stopped.

PROG is started without a shell, its output goes to stderr. Its environment has the facts:
DMABUF_EVENT (grows), DMABUF_SUBJECT (process, process_buffer, maker, cgroup, unheld,
exporter or buffer), DMABUF_PID, DMABUF_NAME, DMABUF_INODE, DMABUF_MEASURE, DMABUF_VALUE,
DMABUF_RATE_PER_SECOND, DMABUF_RATE_ERROR_PER_SECOND, DMABUF_FOR_SECONDS, DMABUF_SKIPPED
(alarms since the one before that had to pass over) and DMABUF_RECORDING. All but numbers
are escaped, and written by others.

SIGTERM and SIGINT end the program, with status 0; SIGHUP opens the log again.
A NAME is written as it is shown; * stands for any characters, ? for one.)";

constexpr std::array<command_line::choice<output_format>, 3> formats = {
    {{"csv", output_format::csv},
     {"ndjson", output_format::ndjson},
     {"text", output_format::text}}};

/// Takes the words behind --exec off the command line: they are of another program. What is left is
/// for the parser.
int take_command(int count, char const* const* arguments, std::vector<std::string>& command) {
    for (int at = 1; at + 1 < count; ++at) {
        if (std::string_view(arguments[at]) != "--exec") continue;
        command.assign(arguments + at + 1, arguments + count);
        return at;
    }
    return count;
}

void refuse_alone(options const& chosen) {
    if (!chosen.alone) return;
    if (chosen.pids.size() != 1)
        throw CLI::ValidationError("--alone", "it takes --pid with one process");
    if (!chosen.replay.empty())
        throw CLI::ValidationError("--alone", "the recording tells whether it is of one process");
}

/// `told_where`: the command line chose a source or a directory, or left debugfs out.
void refuse_for_replay(options const& chosen, bool told_where) {
    if (chosen.replay.empty()) return;
    if (told_where) throw CLI::ValidationError("--replay", "the recording tells where to look");
    if (!chosen.record.empty())
        throw CLI::ValidationError("--record-on-alarm", "what is replayed has been recorded");
    if (chosen.for_ns != 0)
        throw CLI::ValidationError("--for", "a replay ends with its last recording");
    if (std::ranges::count(chosen.replay, "-") > 1)
        throw CLI::ValidationError("--replay", "standard input is one file");
}

void refuse_files(options const& chosen, bool limited) {
    if (chosen.log.empty() && chosen.log_bytes != 0)
        throw CLI::ValidationError("--log-bytes", "there is no --log");
    if (chosen.log == "-")
        throw CLI::ValidationError("--log", "without it lines go to standard output");
    if (chosen.record == "-")
        throw CLI::ValidationError("--record-on-alarm", "standard output is for lines");
    if (limited && chosen.record.empty() && chosen.command.empty())
        throw CLI::ValidationError("--alarm-every", "it goes with --exec or --record-on-alarm");
    if (!chosen.command.empty() && chosen.command[0].empty())
        throw CLI::ValidationError("--exec", "the program has no name");
}

} // namespace

command_line::parsed<options> parse_options(int count, char const* const* arguments) {
    options chosen;
    count = take_command(count, arguments, chosen.command);
    command_line::parser app("dmabuf_watch", description, footer);
    command_line::add_duration(
        app, "-e,--every", chosen.every_ns, {"10ms", "1d"},
        "Time from look to look, on average: 500ms, 1s, 2m, 1h (default: 1s)");
    command_line::add_duration(app, "--for", chosen.for_ns, {"10ms", "36500d"},
                               "End after this time (default: never)");
    app.add_flag("-l,--leaks", chosen.leaks,
                 "Tell only of growth, not of processes that come and go");
    app.add_flag("--until-growth", chosen.until_growth,
                 "End with status 3 as soon as something grows");
    command_line::add_choice(app, "-f,--format", chosen.format, formats,
                             "Lines for people, one JSON object a line, or CSV")
        ->type_name("FORMAT");
    command_line::add_pids(
        app, chosen.pids,
        "Only these processes, separated by blanks or commas; with one: each of its "
        "buffers, too");
    app.add_flag("--alone", chosen.alone, "Look at no other process than that of --pid");
    selection::add_name_options(app, chosen.wanted);
    command_line::add_file(app, "--log", chosen.log, "Append to a file instead of standard output");
    command_line::add_size(app, "--log-bytes", chosen.log_bytes,
                           "Before the log grows beyond SIZE, rename it to FILE.1 and begin anew");
    command_line::add_file(
        app, "--record-on-alarm", chosen.record,
        "When something grows, keep the kernel's answers in a file, in place of those "
        "before; see dmabuf_ps --replay");
    auto const* const limited =
        command_line::add_duration(app, "--alarm-every", chosen.alarm_every_ns, {"0s", "365d"},
                                   "Record and start PROG no more often than this (default: 1m)");
    auto const* const source = command_line::add_place(app, chosen);
    app.add_option("--replay", chosen.replay,
                   "Look at recordings of dmabuf_ps, one after the other, in place of this system; "
                   "--every tells their distance")
        ->type_name("FILE");
    app.add_option_function<std::string>(
           "--exec", [&](std::string const& word) { chosen.command = {word}; },
           "When something grows, start PROG: all words behind --exec are PROG and its arguments")
        ->type_name("PROG");

    auto const check = [&] {
        refuse_alone(chosen);
        refuse_for_replay(chosen, command_line::tells_place(source, chosen));
        refuse_files(chosen, limited->count() != 0);
    };
    if (auto over = app.read(count, arguments, check)) return *std::move(over);
    return chosen;
}

} // namespace dmabuf_watch
