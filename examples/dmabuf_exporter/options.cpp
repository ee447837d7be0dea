// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "listen_address.hpp"
#include "options/duration.hpp"
#include "options/file.hpp"
#include "options/number.hpp"
#include "options/parser.hpp"
#include "options/place.hpp"

#include <algorithm>

namespace dmabuf_exporter {

namespace {

constexpr auto description = "Tells Prometheus who holds DMA-BUF memory, and which of it grows: "
                             "over HTTP, at /metrics, or in "
                             "a file for node_exporter.\n";

constexpr auto footer =
    R"(Each client that reaches ADDRESS may read the names of processes and cgroups:
only loopback is listened to unless --listen says otherwise.

At most 200 series are told, whatever runs; each process of --top-processes, and each cgroup
more than 60, adds one. The smaller ones are added up as "other". A name that is longer than
200 bytes is cut, and ends in \.. and a hash of the whole name.

An amount that is not known is left out, and never 0. dmabuf_up is 0 where no sample could be
taken; dmabuf_complete is 0 where processes were out of sight.

SIGTERM and SIGINT end the program, with status 0.)";

constexpr command_line::range up_to_a_thousand{0, 1000};

/// `told_where`: the command line chose a source or a directory, or left debugfs out.
void refuse(options const& chosen, bool told_where) {
    for (auto const& one : chosen.listen)
        if (!is_listen_address(one))
            throw CLI::ValidationError(
                "--listen", fmt::format("'{}' is no ADDRESS:PORT, as 127.0.0.1:{} or [::1]:{}", one,
                                        default_port, default_port));
    if (!chosen.listen.empty() && !chosen.textfile.empty())
        throw CLI::ValidationError("--listen", "it does not go with --textfile");
    if (chosen.once && chosen.textfile.empty())
        throw CLI::ValidationError("--once", "it goes with --textfile");
    if (!chosen.replay.empty() && told_where)
        throw CLI::ValidationError("--replay", "the recording tells where to look");
    if (std::ranges::count(chosen.replay, "-") > 1)
        throw CLI::ValidationError("--replay", "standard input is one file");
}

} // namespace

command_line::parsed<options> parse_options(int count, char const* const* arguments) {
    options chosen;
    command_line::parser app("dmabuf_exporter", description, footer);
    app.add_option("-l,--listen", chosen.listen,
                   fmt::format("Serve HTTP here, more than once: 192.0.2.1:{0}, [2001:db8::1]:{0} "
                               "(default: port {0} of 127.0.0.1 and ::1)",
                               default_port))
        ->type_name("ADDRESS:PORT");
    command_line::add_file(
        app, "--textfile", chosen.textfile,
        "Replace this file every --every in place of serving HTTP; - is standard output");
    app.add_flag("--once", chosen.once, "Write the file of --textfile once, and end");
    command_line::add_duration(app, "-e,--every", chosen.every_ns, {"100ms", "1d"},
                               "Time from look to look for growth, scraped or not (default: 10s)");
    command_line::add_duration(app, "--min-interval", chosen.min_interval_ns, {"0s", "1d"},
                               "Answer a scrape with a sample up to so old (default: 1s)");
    command_line::add_duration(
        app, "--time-limit", chosen.time_limit_ns, {"10ms", "1h"},
        "Answer a scrape without amounts, and with dmabuf_up 0, where a sample "
        "takes longer (default: 5s)");
    command_line::add_number(app, "--top-processes", chosen.top_processes, up_to_a_thousand,
                             "Tell so many processes, largest share first (default: 0)")
        ->type_name("COUNT");
    command_line::add_number(app, "--top-cgroups", chosen.top_cgroups, up_to_a_thousand,
                             "Tell so many cgroups, largest share first (default: 60)")
        ->type_name("COUNT");
    auto const* const source = command_line::add_place(app, chosen);
    app.add_option(
           "--replay", chosen.replay,
           "Tell of recordings of dmabuf_ps, one a sample, in place of this system; the last "
           "one stays")
        ->type_name("FILE");

    auto const check = [&] { refuse(chosen, command_line::tells_place(source, chosen)); };
    if (auto over = app.read(count, arguments, check)) return *std::move(over);
    return chosen;
}

} // namespace dmabuf_exporter
