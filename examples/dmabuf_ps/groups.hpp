// SPDX-License-Identifier: MIT
//
// The account by user, cgroup and exporter.
#pragma once

#include <dmabuf/groups.hpp>

#include "options.hpp"
#include "tables.hpp"

#include <string>
#include <vector>

namespace dmabuf_ps {

/// The snapshot with only the processes shown in it. Its buffers still know all their holders.
dmabuf::snapshot shown_part(selection const& shown);

/// The holdings of a group of processes, by the name that is shown.
struct named_total {
    std::string name;
    dmabuf::group_total total;
    std::uint32_t unsized = 0; ///< references to buffers of unknown size, which no sum has
};

/// Of the processes shown; largest pss first. Names are escaped; users are shown as `users` says.
std::vector<named_total> user_totals(observation const& seen, selection const& shown);
/// A cgroup that could not be read has an empty name.
std::vector<named_total> cgroup_totals(selection const& shown);

/// The chosen rows, and the number of all.
struct group_rows {
    rows::table table;
    std::size_t all = 0;
};

/// One row per group; `chosen.by` is not `process`.
group_rows rows_of_groups(observation const& seen, selection const& shown, options const& chosen,
                          table_style const& style);

/// The same for people.
std::string group_table(observation const& seen, selection const& shown, options const& chosen,
                        table_style const& style);

} // namespace dmabuf_ps
