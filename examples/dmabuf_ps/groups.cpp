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

/// Says how many of the rows are shown.
std::string left_out(std::size_t shown, std::size_t all, std::string_view kind) {
    return shown == all ? "" : fmt::format("\nShowing {} of {}\n", shown, counted(all, kind));
}

std::string totals_table(std::vector<named_total> groups, bool users, options const& chosen,
                         table_style const& style) {
    columns table({{"PROCESSES", true},
                   {"BUFFERS", true},
                   {"PSS", true},
                   {"RSS", true},
                   {"USS", true},
                   {users ? "USER" : "CGROUP", false, true}});
    auto const all = groups.size();
    keep_chosen_rows(groups, chosen.wanted, [](named_total const& one) {
        return ::selection::most_bytes(one.total.rss_bytes, one.unsized == 0);
    });
    for (auto const& [name_shown, total, unsized] : groups) {
        auto const shown_sum = [&](dmabuf::known_number<std::uint64_t> bytes) {
            return sum(bytes, total.rss_bytes == 0 ? unsized : total.buffers, unsized, style);
        };
        table.add_row({fmt::format("{}", total.holders), fmt::format("{}", total.buffers),
                       shown_sum(total.pss_bytes), shown_sum(total.rss_bytes),
                       shown_sum(total.uss_bytes), name_shown.empty() ? "?" : name_shown});
    }
    return table.text(style.width) + left_out(groups.size(), all, users ? "user" : "cgroup");
}

/// By how many of the processes shown an exporter's buffers are held.
std::size_t processes_with(selection const& shown, dmabuf::exporter_id exporter) {
    auto const holds_some = [&](dmabuf::holder const* who) {
        return std::ranges::any_of(shown.now().references_of(*who), [&](auto const& reference) {
            return shown.now().buffers[reference.buffer].exporter == exporter;
        });
    };
    return static_cast<std::size_t>(std::ranges::count_if(shown.processes, holds_some));
}

std::size_t unsized_with(selection const& shown, dmabuf::exporter_id exporter) {
    return static_cast<std::size_t>(std::ranges::count_if(shown.buffers, [&](auto const* one) {
        return one->exporter == exporter && !one->size_known;
    }));
}

std::string exporter_table(selection const& shown, options const& chosen,
                           table_style const& style) {
    columns table({{"PROCESSES", true}, {"BUFFERS", true}, {"SIZE", true}, {"EXPORTER"}});
    auto rows = shown.exporters;
    keep_chosen_rows(rows, chosen.wanted, [&](dmabuf::exporter_total const& one) {
        return ::selection::most_bytes(one.size_bytes, unsized_with(shown, one.exporter) == 0);
    });
    for (auto const& total : rows)
        table.add_row(
            {fmt::format("{}", processes_with(shown, total.exporter)),
             fmt::format("{}", total.buffers),
             sum(total.size_bytes, total.buffers, unsized_with(shown, total.exporter), style),
             exporter_cell(total.name)});
    return table.text(style.width) + left_out(rows.size(), shown.exporters.size(), "exporter");
}

} // namespace

dmabuf::snapshot shown_part(selection const& shown) {
    auto part = shown.now();
    part.holders.clear();
    for (auto const* who : shown.processes)
        part.holders.push_back(*who);
    std::ranges::sort(part.holders, {}, &dmabuf::holder::pid);
    return part;
}

std::vector<named_total> user_totals(observation const& seen, selection const& shown) {
    auto const part = shown_part(shown);
    std::vector<named_total> totals;
    for (auto const& total : dmabuf::by_user(part))
        totals.push_back({seen.users.of(total.group), total, unsized_of(part, [&](auto const& who) {
                              return who.uid == total.group;
                          })});
    return totals;
}

std::vector<named_total> cgroup_totals(selection const& shown) {
    auto const part = shown_part(shown);
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

std::string group_table(observation const& seen, selection const& shown, options const& chosen,
                        table_style const& style) {
    if (chosen.by == grouping::exporter) return exporter_table(shown, chosen, style);
    bool const users = chosen.by == grouping::user;
    return totals_table(users ? user_totals(seen, shown) : cgroup_totals(shown), users, chosen,
                        style);
}

} // namespace dmabuf_ps
