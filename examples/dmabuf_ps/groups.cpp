// SPDX-License-Identifier: MIT
#include "groups.hpp"

#include <dmabuf/origins.hpp>

#include "cells.hpp"
#include "fields.hpp"
#include "report/maker_words.hpp"
#include "report/unheld.hpp"

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

std::vector<rows::cell> group_row(named_total const& one, bool users, table_style const& style) {
    auto const& total = one.total;
    auto const shown_sum = [&](dmabuf::known_number<std::uint64_t> bytes) {
        auto const buffers = total.rss_bytes == 0 ? one.unsized : total.buffers;
        return sum_cell(bytes, buffers, one.unsized, style);
    };
    std::vector<rows::cell> cells{number_cell(total.holders), number_cell(total.buffers),
                                  shown_sum(total.pss_bytes), shown_sum(total.rss_bytes),
                                  shown_sum(total.uss_bytes), number_cell(one.unsized)};
    if (users) cells.push_back(number_cell(total.group));
    bool const known = !one.name.empty();
    cells.push_back({known ? rows::value(one.name) : rows::value(), known ? one.name : "?"});
    return cells;
}

/// The number of shown processes that hold buffers of an exporter.
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

group_rows rows_of_exporters(selection const& shown, options const& chosen,
                             table_style const& style) {
    auto kept = shown.exporters;
    keep_chosen_rows(kept, chosen.wanted, [&](dmabuf::exporter_total const& one) {
        return ::selection::most_bytes(one.size_bytes, unsized_with(shown, one.exporter) == 0);
    });
    group_rows found{{fields_of(chosen), {}}, shown.exporters.size()};
    for (auto const& total : kept) {
        auto const unsized = unsized_with(shown, total.exporter);
        found.table.rows.push_back({number_cell(processes_with(shown, total.exporter)),
                                    number_cell(total.buffers),
                                    sum_cell(total.size_bytes, total.buffers, unsized, style),
                                    number_cell(unsized), exporter_name_cell(total.name)});
    }
    return found;
}

/// The snapshot with the buffers shown alone, held or not.
dmabuf::snapshot with_shown_buffers(selection const& shown) {
    auto part = shown.now();
    part.buffers.clear();
    part.unheld.clear();
    for (auto const* one : shown.listed_buffers(true, {})) {
        bool const held = one->holders.value_or(0) != 0;
        (held ? part.buffers : part.unheld).push_back(*one);
    }
    return part;
}

/// The cells that rows by maker and by device have in common.
template<class Total>
std::vector<rows::cell> size_cells(Total const& total, bool unheld_known,
                                   table_style const& style) {
    return {number_cell(total.buffers),
            sum_cell(total.size_bytes, total.buffers, total.unsized_buffers, style),
            number_cell(total.unsized_buffers),
            unheld_known ? number_cell(total.unheld_buffers) : rows::cell{{}, "?"},
            size_cell(total.unheld_bytes, unheld_known, style)};
}

template<class Total>
std::uint64_t most_size(Total const& total) {
    return ::selection::most_bytes(total.size_bytes, total.unsized_buffers == 0);
}

rows::cell age_cell(dmabuf::origin_watch const& watch, bool known, std::uint64_t made_ns) {
    if (!known) return {{}, "-"};
    if (watch.now_ns == 0) return {{}, "?"};
    auto const age_ns = watch.age_ns(made_ns);
    return {age_ns / 1'000'000'000, report::age_words(age_ns)};
}

std::vector<rows::cell> maker_row(dmabuf::snapshot const& now, dmabuf::maker_total const& total,
                                  table_style const& style) {
    bool const known = total.state == dmabuf::origin_state::made_by;
    auto const& maker = total.maker;
    auto const text = [&](std::string_view word) {
        return rows::cell{known ? rows::value(std::string(word)) : rows::value(),
                          known ? std::string(word) : "-"};
    };
    auto const number = [&](std::uint64_t value) {
        return known ? number_cell(value) : rows::cell{{}, "-"};
    };
    auto cells = size_cells(total, report::tells_unheld(now, total.state), style);
    cells.push_back(age_cell(now.watch, known, total.oldest_ns));
    cells.push_back(age_cell(now.watch, known, total.newest_ns));
    auto const state = std::string(name_of(total.state));
    cells.push_back({state, state});
    cells.push_back(number(static_cast<std::uint64_t>(maker.pid)));
    cells.push_back(number(maker.uid));
    cells.push_back(text(name_of(maker.now)));
    cells.push_back({known ? rows::value(fmt::format("{}", maker.comm)) : rows::value(),
                     total.state == dmabuf::origin_state::not_watched
                         ? "?"
                         : report::maker_words(total.state, maker)});
    return cells;
}

group_rows rows_of_makers(selection const& shown, options const& chosen, table_style const& style) {
    auto const part = with_shown_buffers(shown);
    auto makers = dmabuf::by_maker(part);
    group_rows found{{fields_of(chosen), {}}, makers.size()};
    keep_chosen_rows(makers, chosen.wanted, most_size<dmabuf::maker_total>);
    for (auto const& total : makers)
        found.table.rows.push_back(maker_row(part, total, style));
    return found;
}

group_rows rows_of_devices(selection const& shown, options const& chosen,
                           table_style const& style) {
    auto const part = with_shown_buffers(shown);
    auto devices = dmabuf::by_device(part);
    group_rows found{{fields_of(chosen), {}}, devices.size()};
    keep_chosen_rows(devices, chosen.wanted, most_size<dmabuf::device_total>);
    for (auto const& total : devices) {
        auto cells = size_cells(total, part.coverage.buffers_compared(), style);
        bool const known = !total.device.empty();
        cells.push_back({known ? rows::value(fmt::format("{}", total.device)) : rows::value(),
                         known ? fmt::format("{}", total.device) : "none known"});
        found.table.rows.push_back(std::move(cells));
    }
    return found;
}

std::string_view kind_of(grouping by) {
    switch (by) {
    case grouping::user:
        return "user";
    case grouping::cgroup:
        return "cgroup";
    case grouping::exporter:
        return "exporter";
    case grouping::maker:
        return "maker";
    case grouping::device:
        return "device";
    case grouping::process:
        break;
    }
    return "process";
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

group_rows rows_of_groups(observation const& seen, selection const& shown, options const& chosen,
                          table_style const& style) {
    if (chosen.by == grouping::exporter) return rows_of_exporters(shown, chosen, style);
    if (chosen.by == grouping::maker) return rows_of_makers(shown, chosen, style);
    if (chosen.by == grouping::device) return rows_of_devices(shown, chosen, style);
    bool const users = chosen.by == grouping::user;
    auto groups = users ? user_totals(seen, shown) : cgroup_totals(shown);
    group_rows found{{fields_of(chosen), {}}, groups.size()};
    keep_chosen_rows(groups, chosen.wanted, [](named_total const& one) {
        return ::selection::most_bytes(one.total.rss_bytes, one.unsized == 0);
    });
    for (auto const& one : groups)
        found.table.rows.push_back(group_row(one, users, style));
    return found;
}

std::string group_table(observation const& seen, selection const& shown, options const& chosen,
                        table_style const& style) {
    auto found = rows_of_groups(seen, shown, chosen, style);
    auto const rows = found.table.rows.size();
    auto text = draw(std::move(found.table), chosen, style);
    if (rows == found.all) return text;
    return text + fmt::format("\nShowing {} of {}\n", rows, counted(found.all, kind_of(chosen.by)));
}

} // namespace dmabuf_ps
