// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "options/choice.hpp"
#include "options/file.hpp"
#include "options/number.hpp"
#include "options/parser.hpp"
#include "options/roots.hpp"
#include "options/source.hpp"

namespace lowmem_capture {

namespace {

constexpr auto description = "Waits until memory is short, and then writes down at once who holds "
                             "how much DMA-BUF memory.\n";

constexpr auto footer =
    R"(Memory is short when tasks wait for it for --stall milliseconds within a window of
--window milliseconds, as the kernel measures it (/proc/pressure, Linux 5.2). Each capture
is a file of its own in the directory, JSON (see SCHEMA.md); names sort by time.
SIGTERM and SIGINT end the program, with status 0.)";

constexpr std::array<command_line::choice<std::string_view>, 2> levels = {
    {{"full", "full"}, {"some", "some"}}};

} // namespace

command_line::parsed<options> parse_options(int count, char const* const* arguments) {
    options chosen;
    command_line::parser app("lowmem_capture", description, footer);
    command_line::add_file(app, "-d,--directory", chosen.directory,
                           "Directory of the captures; made if it is missing")
        ->required()
        ->type_name("DIR");
    command_line::add_number(app, "-k,--keep", chosen.keep, command_line::range{1, 1'000'000},
                             "Keep the N newest captures (default: 8)")
        ->type_name("N");
    command_line::add_file(app, "--cgroup", chosen.cgroup,
                           "Watch the pressure in this cgroup instead of the whole system's")
        ->type_name("DIR");
    command_line::add_choice(app, "--level", chosen.level, levels,
                             "Waiting of some tasks, or of all at once; default: some")
        ->type_name("LEVEL");
    command_line::add_number(app, "--stall", chosen.stall_ms, command_line::range{1, 10'000},
                             "Waiting within the window that counts as short memory (default: 70)")
        ->type_name("MS");
    command_line::add_number(app, "--window", chosen.window_ms, command_line::range{500, 10'000},
                             "Length of the window, 500 to 10000 (default: 1000)")
        ->type_name("MS");
    command_line::add_number(app, "--cooldown", chosen.cooldown_seconds,
                             command_line::range{0.0, 1e6},
                             "Time after a capture in which events are only counted (default: 10)")
        ->type_name("SECONDS");
    app.add_flag("--once", chosen.once, "End after the first capture");
    auto const* const test =
        app.add_flag("--test", chosen.test, "Capture now, wait for nothing, and end");
    auto const* const require_complete =
        app.add_flag("--require-complete", chosen.require_complete,
                     "With --once or --test: end with status 3 where the capture has gaps");
    command_line::add_source(app, chosen.source);
    command_line::add_roots(app, chosen.roots);
    app.add_flag("--no-mappings", chosen.no_mappings,
                 "Leave out mappings: reading them can wait for a process that waits for memory");
    app.add_flag("--names", chosen.names,
                 "Buffers' names, too: several times slower where the kernel lists buffers");
    command_line::add_number(app, "--buffers", chosen.buffers, command_line::range{1, 10'000'000},
                             "Hold memory ready for N buffers (default: 8192)")
        ->type_name("N");
    command_line::add_number(
        app, "--oom-score-adj", chosen.oom_score_adj, command_line::range{-1000, 1000},
        "How readily the kernel may kill this program, -1000 (never) to 1000 (default: -1000)")
        ->type_name("N");
    app.add_flag("--no-realtime", chosen.no_realtime,
                 "Leave its priority as it is: other tasks may delay it when memory is short");

    auto const check = [&] {
        if (test->count() != 0 && !chosen.cgroup.empty())
            throw CLI::ValidationError("--test", "there is no pressure to watch for");
        if (require_complete->count() != 0 && !chosen.once && !chosen.test)
            throw CLI::ValidationError("--require-complete", "it goes with --once or --test");
        if (chosen.stall_ms > chosen.window_ms)
            throw CLI::ValidationError("--stall", "it is longer than the window");
    };
    if (auto over = app.read(count, arguments, check)) return *std::move(over);
    return chosen;
}

} // namespace lowmem_capture
