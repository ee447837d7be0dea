// SPDX-License-Identifier: MIT
//
// The options that choose buffers, processes and rows.
#pragma once

#include "criteria.hpp"
#include "options/duration.hpp"
#include "options/size.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace selection {

/// `chosen` must outlive the parsing.
inline void add_names(CLI::App& app, std::string const& option, std::vector<pattern>& chosen,
                      std::string help) {
    auto const take = [&chosen](std::vector<std::string> const& words) {
        for (auto const& word : words)
            chosen.emplace_back(word);
    };
    app.add_option_function<std::vector<std::string>>(option, take, std::move(help))
        ->type_name("NAME");
}

/// --min-size and --top.
inline void add_row_options(CLI::App& app, criteria& chosen) {
    command_line::add_size(app, "--min-size", chosen.least_bytes,
                           "Only rows of at least SIZE: of a buffer its size, else RSS; units: K, "
                           "M, G, T, also as KiB");
    command_line::add_number(app, "--top", chosen.most_rows, command_line::range{1, 1'000'000'000},
                             "Only the first N rows")
        ->type_name("N");
}

/// --exporter, --name, --maker, --older, --user, --comm and --cgroup.
inline void add_name_options(CLI::App& app, criteria& chosen) {
    add_names(app, "--exporter", chosen.exporters,
              "Only buffers of these exporters: all numbers are of these buffers alone");
    add_names(app, "--name", chosen.names, "Only buffers of these names, as --exporter");
    add_names(app, "--maker", chosen.makers,
              "Only buffers made by processes of these names, as --exporter; dmabuf_pin --origins "
              "tells makers");
    command_line::add_duration(app, "--older", chosen.least_age_ns, {"1ms", "36500d"},
                               "Only buffers of at least this age, as 10m or 2h, as --exporter; "
                               "dmabuf_pin --origins tells ages");
    add_names(app, "--user", chosen.users, "Only processes of these users, by name or number");
    add_names(app, "--comm", chosen.comms, "Only processes of these names");
    add_names(app, "--cgroup", chosen.cgroups, "Only processes in these cgroups");
}

/// All of them.
inline void add_options(CLI::App& app, criteria& chosen) {
    add_name_options(app, chosen);
    add_row_options(app, chosen);
}

} // namespace selection
