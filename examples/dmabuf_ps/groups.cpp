// SPDX-License-Identifier: MIT
#include "groups.hpp"

#include "cells.hpp"
#include "columns.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace dmabuf_ps {

namespace {

std::uint32_t unsized_of(dmabuf::snapshot const& now, auto const& is_member) {
    std::uint32_t unsized = 0;
    for (auto const& who : now.holders)
        if (is_member(who)) unsized += who.unsized_buffers;
    return unsized;
}

std::string totals_table(std::vector<named_total> const& groups, column name,
                         table_style const& style) {
    columns table({{"PROCESSES", true},
                   {"BUFFERS", true},
                   {"PSS", true},
                   {"RSS", true},
                   {"USS", true},
                   std::move(name)});
    for (auto const& [name_shown, total, unsized] : groups) {
        auto const shown_sum = [&](dmabuf::known_number<std::uint64_t> bytes) {
            return sum(bytes, total.rss_bytes == 0 ? unsized : total.buffers, unsized, style);
        };
        table.add_row({fmt::format("{}", total.holders), fmt::format("{}", total.buffers),
                       shown_sum(total.pss_bytes), shown_sum(total.rss_bytes),
                       shown_sum(total.uss_bytes), name_shown.empty() ? "?" : name_shown});
    }
    return table.text(style.width);
}

/// By how many of the processes shown an exporter's buffers are held.
std::size_t processes_with(observation const& seen, selection const& shown,
                           dmabuf::exporter_id exporter) {
    auto const holds_some = [&](dmabuf::holder const* who) {
        return std::ranges::any_of(seen.now.references_of(*who), [&](auto const& reference) {
            return seen.now.buffers[reference.buffer].exporter == exporter;
        });
    };
    return static_cast<std::size_t>(std::ranges::count_if(shown.processes, holds_some));
}

std::string exporter_table(observation const& seen, selection const& shown,
                           table_style const& style) {
    columns table({{"PROCESSES", true}, {"BUFFERS", true}, {"SIZE", true}, {"EXPORTER"}});
    for (auto const& total : shown.exporters) {
        auto const unsized = std::ranges::count_if(shown.buffers, [&](auto const* one) {
            return one->exporter == total.exporter && !one->size_known;
        });
        table.add_row(
            {fmt::format("{}", processes_with(seen, shown, total.exporter)),
             fmt::format("{}", total.buffers),
             sum(total.size_bytes, total.buffers, static_cast<std::size_t>(unsized), style),
             exporter_cell(total.name)});
    }
    return table.text(style.width);
}

} // namespace

dmabuf::snapshot shown_part(observation const& seen, selection const& shown) {
    auto part = seen.now;
    part.holders.clear();
    for (auto const* who : shown.processes)
        part.holders.push_back(*who);
    std::ranges::sort(part.holders, {}, &dmabuf::holder::pid);
    return part;
}

std::vector<named_total> user_totals(observation const& seen, selection const& shown) {
    auto const part = shown_part(seen, shown);
    std::vector<named_total> totals;
    for (auto const& total : dmabuf::by_user(part))
        totals.push_back({seen.users.of(total.group), total, unsized_of(part, [&](auto const& who) {
                              return who.uid == total.group;
                          })});
    return totals;
}

std::vector<named_total> cgroup_totals(observation const& seen, selection const& shown) {
    auto const part = shown_part(seen, shown);
    std::vector<named_total> totals;
    for (auto const& total : dmabuf::by_cgroup(part)) {
        std::string name;
        dmabuf::escape(part.cgroup_name(total.group), std::back_inserter(name));
        totals.push_back({std::move(name), total, unsized_of(part, [&](auto const& who) {
                              return who.cgroup == total.group;
                          })});
    }
    return totals;
}

std::string group_table(observation const& seen, selection const& shown, grouping by,
                        table_style const& style) {
    if (by == grouping::exporter) return exporter_table(seen, shown, style);
    bool const users = by == grouping::user;
    return totals_table(users ? user_totals(seen, shown) : cgroup_totals(seen, shown),
                        {users ? "USER" : "CGROUP", false, true}, style);
}

} // namespace dmabuf_ps
