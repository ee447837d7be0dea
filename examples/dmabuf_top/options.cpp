// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "keys.hpp"
#include "options/choice.hpp"
#include "options/duration.hpp"
#include "options/number.hpp"
#include "options/parser.hpp"
#include "options/pids.hpp"
#include "options/place.hpp"
#include "options/sampled_place.hpp"
#include "selection/options.hpp"
#include "tables.hpp"

#include <algorithm>

namespace dmabuf_top {

namespace {

constexpr auto description =
    "Shows who holds DMA-BUF memory, again and again: processes, buffers, exporters, makers and "
    "cgroups.\n";

constexpr auto footer =
    R"(No key ends a process. Only r writes files: FILE.0001, FILE.0002 and so on, a recording of
each look, in regular files that were not there before.
UTF-8 is printed where LC_ALL, LC_CTYPE or LANG ask for it, colours unless NO_COLOR is set.
A NAME is written as it is shown; * stands for any characters, ? for one.)";

constexpr std::array<command_line::choice<view>, main_views> views = {
    {{"buffers", view::buffers},
     {"cgroups", view::cgroups},
     {"exporters", view::exporters},
     {"makers", view::makers},
     {"processes", view::processes}}};

void refuse_for_replay(options const& chosen, bool told_where, bool records) {
    if (chosen.replay.empty()) return;
    if (told_where) throw CLI::ValidationError("--replay", "the recording tells where to look");
    if (records) throw CLI::ValidationError("--record", "what is replayed has been recorded");
    if (std::ranges::count(chosen.replay, "-") != 0 && chosen.batch == 0)
        throw CLI::ValidationError("--replay",
                                   "standard input is for keys, unless --batch is given");
    if (std::ranges::count(chosen.replay, "-") > 1)
        throw CLI::ValidationError("--replay", "standard input is one file");
}

void refuse_sort(options const& chosen) {
    if (chosen.sort.empty() || column_called(chosen.first, chosen.sort) != no_column) return;
    std::string titles;
    for (auto const& one : columns_of(chosen.first))
        (titles += titles.empty() ? "" : ", ") += one.title;
    throw CLI::ValidationError("--sort", fmt::format("'{}' is no column of {}: {}", chosen.sort,
                                                     name_of(chosen.first), titles));
}

} // namespace

command_line::parsed<options> parse_options(int count, char const* const* arguments) {
    options chosen;
    command_line::parser app("dmabuf_top", description, keys_for_help() + "\n" + footer);
    command_line::add_duration(app, "-e,--every", chosen.every_ns, {"100ms", "1d"},
                               "Time from look to look: 500ms, 1s, 2m, 1h (default: 1s)");
    app.add_flag("--paused", chosen.paused, "Look once; the keys n and p have it look again");
    command_line::add_number(app, "-b,--batch", chosen.batch, command_line::range{1, 1'000'000'000},
                             "Print N screens as text, with all rows, and need no terminal")
        ->type_name("N");
    command_line::add_choice(app, "--view", chosen.first, views, "Table to begin with")
        ->type_name("VIEW");
    app.add_option("-s,--sort", chosen.sort,
                   "Order of the rows to begin with, by the title of a column of that table")
        ->type_name("TITLE");
    app.add_option("--filter", chosen.filter, "Only rows with this text, as with the key /")
        ->type_name("TEXT");
    command_line::add_pids(app, chosen.pids, "Only these processes, separated by blanks or commas");
    selection::add_options(app, chosen.wanted);
    auto const* const records =
        app.add_option(
               "--record", chosen.record,
               "Name of the recordings that the key r makes (default: dmabuf_top.recording)")
            ->type_name("FILE");
    app.add_option("--replay", chosen.replay,
                   "Look at recordings of dmabuf_ps, one after the other, in place of this system")
        ->type_name("FILE");
    auto const* const source = command_line::add_place(app, chosen);

    auto const check = [&] {
        refuse_for_replay(chosen, command_line::tells_place(source, chosen), records->count() != 0);
        refuse_sort(chosen);
        if (chosen.record.empty() || chosen.record == "-")
            throw CLI::ValidationError("--record", "it is the name of files");
    };
    if (auto over = app.read(count, arguments, check)) return *std::move(over);
    return chosen;
}

dmabuf::sample_options sampling(options const& chosen, report::rights const& mine) {
    auto wanted = command_line::sampling_at(chosen.roots, chosen.source);
    wanted.counts = wanted.cgroups = wanted.origins = wanted.unheld = true;
    wanted.bufinfo = !chosen.no_debugfs && mine.root;
    return wanted;
}

} // namespace dmabuf_top
