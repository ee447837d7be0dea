// SPDX-License-Identifier: MIT
//
// The command line.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "options/last_words.hpp"
#include "selection/criteria.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dmabuf_ps {

enum class sort_key : std::uint8_t { pss, rss, uss, pid, name, buffers };

enum class grouping : std::uint8_t { process, user, cgroup, exporter, maker, device };

/// `json` tells everything; the others are rows.
enum class output_format : std::uint8_t { table, csv, json, ndjson };

/// The subject of a row.
enum class row : std::uint8_t { process, buffer, group };

struct options {
    bool buffers = false; ///< one row per buffer instead of one per process
    bool json = false;
    bool exact_bytes = false;
    bool verbose = false;
    bool args = false;             ///< command lines, too
    bool require_complete = false; ///< else a report with gaps is a success
    bool hints = false;            ///< hints at buffers that no process explains
    bool no_debugfs = false;       ///< else it is asked, by root
    bool anonymise = false;        ///< the recording
    bool alone = false;            ///< no other process than the one of `pids` is looked at
    grouping by = grouping::process;
    sort_key sort = sort_key::pss;
    std::optional<double> diff_seconds;           ///< show the changes in that time
    std::string diff_with;                        ///< file; empty: none
    std::string record;                           ///< file; empty: none
    std::string replay;                           ///< file; empty: none
    std::string bufinfo;                          ///< file; empty: none
    output_format format = output_format::table;  ///< `json` where that is true
    std::vector<std::string> columns;             ///< only these, in their order; empty: the usual
    std::vector<std::int32_t> pids;               ///< only these; empty: all
    ::selection::criteria wanted;                 ///< only the rows that these choose
    dmabuf::source source = dmabuf::source::none; ///< `none`: the best
    dmabuf::roots roots;

    /// Whether rows are of groups of buffers, and not of processes.
    [[nodiscard]] bool groups_buffers() const {
        return by == grouping::exporter || by == grouping::maker || by == grouping::device;
    }

    /// Whether changes are shown.
    [[nodiscard]] bool compares() const { return diff_seconds || !diff_with.empty(); }

    /// Whether processes are left out.
    [[nodiscard]] bool of_some_processes() const { return !pids.empty() || wanted.of_processes(); }

    /// Whether the rows are the buffers of one process, with its own share of each.
    [[nodiscard]] bool buffers_of_one() const { return buffers && pids.size() == 1 && !compares(); }

    /// Whether standard output has rows and nothing else.
    [[nodiscard]] bool has_rows_alone() const {
        return format == output_format::csv || format == output_format::ndjson;
    }

    [[nodiscard]] row rows() const {
        if (buffers) return row::buffer;
        return by == grouping::process || json ? row::process : row::group;
    }
};

command_line::parsed<options> parse_options(int count, char const* const* arguments);

} // namespace dmabuf_ps
