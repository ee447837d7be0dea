// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "fields.hpp"
#include "options/choice.hpp"
#include "options/file.hpp"
#include "options/number.hpp"
#include "options/parser.hpp"
#include "options/pids.hpp"
#include "options/place.hpp"
#include "selection/options.hpp"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

namespace dmabuf_ps {

using command_line::add_choice;

namespace {

constexpr auto description =
    "Shows which process holds how much DMA-BUF memory, and what could not be seen.\n";

constexpr auto footer =
    R"(RSS: the full size of every buffer that a process holds. PSS: its share, each buffer's
size being split evenly over its holders; all shares add up to the total. USS: buffers
that no other process holds. Ending the process frees them only if no driver keeps the
memory, as a GEM handle or a video queue does. MAPS: mappings of a buffer's own file; a
driver may map the same memory through its device. OTHER: references that no process
explains, of drivers, io_uring and sockets in flight. MADE BY: the process that exported
the buffer, where dmabuf_pin --origins watches.

The exporter "drm" is every driver that uses the common export of DRM: the attached
devices tell more. drm-* lines in fdinfo count the same memory: never add them.

Bytes in names that are not printable UTF-8 are shown as \xHH, a backslash as \\.
A NAME is written as it is shown; * stands for any characters, ? for one. Of several values of
an option one must fit, and each option that is given.

Tables fit the terminal, or else as many columns as COLUMNS says; in a pipe without COLUMNS
lines are as long as they are. Where LC_ALL, LC_CTYPE or LANG names another code set than
UTF-8, all but JSON is ASCII, and a name that was cut to fit ends with \..)";

constexpr std::array<command_line::choice<sort_key>, 6> sort_keys = {
    {{"buffers", sort_key::buffers},
     {"name", sort_key::name},
     {"pid", sort_key::pid},
     {"pss", sort_key::pss},
     {"rss", sort_key::rss},
     {"uss", sort_key::uss}}};

constexpr std::array<command_line::choice<grouping>, 6> groupings = {
    {{"cgroup", grouping::cgroup},
     {"device", grouping::device},
     {"exporter", grouping::exporter},
     {"maker", grouping::maker},
     {"process", grouping::process},
     {"user", grouping::user}}};

constexpr std::array<command_line::choice<output_format>, 4> formats = {
    {{"csv", output_format::csv},
     {"json", output_format::json},
     {"ndjson", output_format::ndjson},
     {"table", output_format::table}}};

/// Refuses options that would not change the report.
void refuse_without_effect(options const& chosen, bool sorted, bool grouped) {
    if (chosen.json) return; // which has everything
    bool const changes = chosen.compares();
    if (chosen.buffers && sorted)
        throw CLI::ValidationError("--sort", "--buffers has an order of its own");
    if (chosen.buffers && grouped)
        throw CLI::ValidationError("--by", "--buffers has one row per buffer");
    if (changes && sorted) throw CLI::ValidationError("--sort", "--diff has an order of its own");
    if (changes && chosen.by == grouping::device)
        throw CLI::ValidationError("--by", "--diff is by process, user, cgroup, exporter or maker");
    if (changes && chosen.groups_buffers() && chosen.of_some_processes())
        throw CLI::ValidationError(
            "--by", fmt::format("--diff by {} is of all processes",
                                chosen.by == grouping::maker ? "maker" : "exporter"));
    if (sorted && chosen.by != grouping::process)
        throw CLI::ValidationError("--sort", "it is the order of processes, not of groups");
}

/// Command lines are of processes, each in a row of its own.
void refuse_args(options const& chosen) {
    if (!chosen.args) return;
    bool const by_process = chosen.by == grouping::process && !chosen.compares();
    if (!chosen.bufinfo.empty() || (!chosen.json && (chosen.buffers || !by_process)))
        throw CLI::ValidationError("--args", "it goes with one row per process, or with --json");
}

/// The columns of the rows that are asked for, in words.
std::string words_for_columns(options const& chosen) {
    std::string words;
    for (auto const& one : fields_of(chosen))
        words += (words.empty() ? "" : ", ") + std::string(one.key);
    return words;
}

void refuse_columns(options const& chosen) {
    auto const fields = fields_of(chosen);
    for (auto const& name : chosen.columns)
        if (std::ranges::none_of(fields, [&](auto const& one) { return is_called(one, name); }))
            throw CLI::ValidationError(
                "--columns", fmt::format("'{}' is none of {}", name, words_for_columns(chosen)));
}

/// `json`: also by its own name.
void settle_format(options& chosen, bool named) {
    if (chosen.json && named && chosen.format != output_format::json)
        throw CLI::ValidationError("--json", "--format names another format");
    if (chosen.json) chosen.format = output_format::json;
    chosen.json = chosen.format == output_format::json;
    bool const rows = chosen.has_rows_alone() || !chosen.columns.empty();
    if (chosen.compares() && rows)
        throw CLI::ValidationError("--diff", "it has no rows but those of its table and of JSON");
    if (chosen.json && !chosen.columns.empty())
        throw CLI::ValidationError("--columns", "JSON has all of them");
    if (chosen.has_rows_alone() && chosen.hints)
        throw CLI::ValidationError("--hints", "they are sentences, and no rows");
    if (chosen.has_rows_alone() && chosen.record == "-")
        throw CLI::ValidationError("--record", "standard output has no room for rows too");
    refuse_columns(chosen);
}

/// Refuses options that do not go with those that choose.
void refuse_selection(options const& chosen) {
    auto const& wanted = chosen.wanted;
    if (!wanted.any()) return;
    if (chosen.compares() && wanted.of_rows())
        throw CLI::ValidationError("--diff", "it shows each row that changed: --min-size and --top "
                                             "choose among the rows of one look");
    if (chosen.compares() && wanted.least_age_ns != 0)
        throw CLI::ValidationError("--diff", "it shows what changed: --older chooses in one look");
    if (!chosen.bufinfo.empty() &&
        (wanted.of_processes() || !wanted.names.empty() || wanted.of_origins()))
        throw CLI::ValidationError("--bufinfo",
                                   "a list has no processes, names, makers or ages to choose by");
    if (chosen.json && chosen.by != grouping::process && wanted.of_rows())
        throw CLI::ValidationError("--by", "in JSON --min-size and --top choose processes, or with "
                                           "--buffers buffers");
}

void refuse_hints(options const& chosen) {
    if (!chosen.hints) return;
    if (!chosen.replay.empty())
        throw CLI::ValidationError("--hints", "a recording does not hold them");
    if (chosen.json) throw CLI::ValidationError("--hints", "they are sentences, and not in --json");
}

void refuse_roots(options const& chosen) {
    if (!chosen.record.empty() && !chosen.roots.bpffs.empty())
        throw CLI::ValidationError("--bpffs", "--record keeps what /proc and /sys tell, not BPF");
}

/// `told_where`: the command line chose a source or a directory, or left debugfs out.
void refuse_for_recordings(options const& chosen, bool told_where) {
    if (chosen.anonymise && chosen.record.empty())
        throw CLI::ValidationError("--anonymise", "there is nothing to --record");
    if (!chosen.replay.empty() && !chosen.record.empty())
        throw CLI::ValidationError("--record", "what is replayed has been recorded");
    if (chosen.record == "-" && chosen.json)
        throw CLI::ValidationError("--record", "standard output has no room for --json too");
    if (!chosen.record.empty() && chosen.source == dmabuf::source::bpf_iterator)
        throw CLI::ValidationError("--record", "records what /proc and /sys tell, not BPF");
    if (!chosen.replay.empty() && told_where)
        throw CLI::ValidationError("--replay", "the recording tells where to look");
}

/// Of one process alone nothing changes that other processes tell.
void refuse_alone(options const& chosen) {
    if (!chosen.alone) return;
    if (chosen.pids.size() != 1)
        throw CLI::ValidationError("--alone", "it takes --pid with one process");
    if (chosen.compares()) throw CLI::ValidationError("--alone", "--diff compares all processes");
    if (chosen.hints) throw CLI::ValidationError("--alone", "--hints are of all processes");
    if (chosen.by != grouping::process && !chosen.json)
        throw CLI::ValidationError("--alone", "one process is no group");
}

void refuse_to_compare(options const& chosen) {
    if (chosen.diff_with.empty()) return;
    if (chosen.diff_seconds)
        throw CLI::ValidationError("--diff-with", "--diff compares with a first look instead");
    if (chosen.diff_with == "-" && chosen.replay == "-")
        throw CLI::ValidationError("--diff-with", "standard input is one file, not two");
}

/// A list has no processes. `sorted` and `told_where`: the command line asks for them.
void refuse_for_lists(options const& chosen, bool sorted, bool told_where) {
    if (chosen.bufinfo.empty()) return;
    bool const other = chosen.buffers || chosen.verbose || chosen.anonymise || sorted ||
                       told_where || chosen.compares() || !chosen.pids.empty() || chosen.alone ||
                       !chosen.record.empty() || !chosen.replay.empty();
    if (other || (chosen.by != grouping::process && chosen.by != grouping::exporter))
        throw CLI::ValidationError("--bufinfo",
                                   "a list goes with --by exporter, --bytes and --json alone");
}

/// Whether the command line may have one of these options. --help shows all, and a word of several
/// short options may hold it. An option takes 20,000 instructions to set up, whether it is given or
/// not.
bool may_have(int count, char const* const* arguments,
              std::initializer_list<std::string_view> names) {
    return std::any_of(arguments, arguments + count, [&](std::string_view word) {
        bool const short_options = word.starts_with('-') && !word.starts_with("--");
        return short_options || word == "--help" || std::ranges::any_of(names, [&](auto name) {
                   return word.substr(0, word.find('=')) == name;
               });
    });
}

/// Nothing takes the parser down: that costs 38,000 instructions, a twenty-fifth of a short run.
command_line::parser& parser_that_stays() {
    static auto& all = *new std::vector<std::unique_ptr<command_line::parser>>;
    all.push_back(std::make_unique<command_line::parser>("dmabuf_ps", description, footer));
    return *all.back();
}

// The options in the order of --help. A function returns those whose presence matters, whatever
// their value.

CLI::Option const* add_report(command_line::parser& app, options& chosen) {
    app.add_flag(
        "-b,--buffers", chosen.buffers,
        "One row per buffer, the largest first; with one --pid: what that process holds of it");
    app.add_flag("-j,--json", chosen.json, "Everything, as one JSON object (see SCHEMA.md)");
    auto const* const format =
        add_choice(app, "-f,--format", chosen.format, formats,
                   "A table; rows as CSV or as one JSON object a line; json: as --json")
            ->type_name("FORMAT");
    app.add_option("-c,--columns", chosen.columns,
                   "Only these columns, by title or by their names in CSV, separated by commas")
        ->delimiter(',')
        ->type_name("NAME");
    return format;
}

void add_processes(command_line::parser& app, options& chosen) {
    command_line::add_pids(app, chosen.pids, "Only these processes, separated by blanks or commas");
    app.add_flag("--alone", chosen.alone,
                 "Look at no other process than that of --pid: its shares, and other holders, are "
                 "then unknown");
}

struct row_options {
    CLI::Option const* by;
    CLI::Option const* sort;
};

row_options add_rows(command_line::parser& app, options& chosen) {
    app.add_flag("--require-complete", chosen.require_complete,
                 "End with status 3 where the report has gaps: not all could be seen");
    auto const* const by =
        add_choice(app, "--by", chosen.by, groupings, "One row per process or group of processes")
            ->type_name("GROUP");
    auto const* const sort =
        add_choice(app, "-s,--sort", chosen.sort, sort_keys, "Order of the processes")
            ->type_name("KEY");
    return {by, sort};
}

void add_comparisons(command_line::parser& app, options& chosen) {
    command_line::add_number(app, "-d,--diff", chosen.diff_seconds, command_line::range{0.0, 1e6},
                             "Look twice, so many seconds apart, and show what changed")
        ->type_name("SECONDS");
    command_line::add_file(
        app, "--diff-with", chosen.diff_with,
        "Show what changed since FILE, a recording or --json output: up to now, or to "
        "the file of --replay, which may be --json output then, too; - is standard "
        "input");
}

CLI::Option const* add_details(command_line::parser& app, options& chosen) {
    app.add_flag("-a,--args", chosen.args,
                 "Also the command lines, which may hold secrets: a recording keeps them only so");
    app.add_flag("--bytes", chosen.exact_bytes, "Exact numbers of bytes instead of units");
    app.add_flag("-v,--verbose", chosen.verbose, "Also the source, and why no better one served");
    return command_line::add_source(app, chosen.source);
}

void add_files(command_line::parser& app, options& chosen) {
    command_line::add_file(
        app, "--record", chosen.record,
        "Also keep the kernel's answers in a file; - is standard output, and nothing "
        "else is shown");
    app.add_flag("--anonymise", chosen.anonymise, "Record other names than the real ones");
    command_line::add_file(
        app, "--replay", chosen.replay,
        "Show what was recorded, and ask this kernel nothing; - is standard input");
    command_line::add_file(
        app, "--bufinfo", chosen.bufinfo,
        "Show a list of all buffers (debugfs: dma_buf/bufinfo) that somebody handed on, "
        "be it pasted or from an old kernel; - is standard input");
}

} // namespace

command_line::parsed<options> parse_options(int count, char const* const* arguments) {
    options chosen;
    auto& app = parser_that_stays();
    auto const* const format = add_report(app, chosen);
    add_processes(app, chosen);
    if (may_have(count, arguments,
                 {"--exporter", "--name", "--maker", "--older", "--user", "--comm", "--cgroup",
                  "--min-size", "--top"}))
        ::selection::add_options(app, chosen.wanted);
    auto const rows = add_rows(app, chosen);
    add_comparisons(app, chosen);
    auto const* const source = add_details(app, chosen);
    if (may_have(count, arguments, {"--proc", "--sys", "--bpffs"}))
        command_line::add_roots(app, chosen.roots);
    app.add_flag("--hints", chosen.hints,
                 "Also which processes have an attached device open, or a ring with DMA-BUFs");
    command_line::add_no_debugfs(app, chosen.no_debugfs);
    add_files(app, chosen);

    auto const check = [&] {
        settle_format(chosen, format->count() != 0);
        bool const told_where = command_line::tells_place(source, chosen);
        refuse_for_lists(chosen, rows.sort->count() != 0, told_where);
        refuse_without_effect(chosen, rows.sort->count() != 0, rows.by->count() != 0);
        refuse_args(chosen);
        refuse_selection(chosen);
        refuse_hints(chosen);
        refuse_to_compare(chosen);
        refuse_alone(chosen);
        refuse_for_recordings(chosen, told_where);
        refuse_roots(chosen);
    };
    if (auto over = app.read(count, arguments, check)) return *std::move(over);
    return chosen;
}

} // namespace dmabuf_ps
