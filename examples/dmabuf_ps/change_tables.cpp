// SPDX-License-Identifier: MIT
#include "change_tables.hpp"

#include "cells.hpp"
#include "columns.hpp"
#include "report/maker_words.hpp"

#include <algorithm>
#include <iterator>

namespace dmabuf_ps {

namespace {

using dmabuf::amount;
using dmabuf::amount_change;
using dmabuf::certainty;
using dmabuf::change;
using dmabuf::presence;
using dmabuf::snapshot_diff;

template<class Show>
std::string bound(amount const& one, Show show) {
    if (one.how == certainty::unknown) return "?";
    return (one.how == certainty::at_least  ? "≥ "
            : one.how == certainty::at_most ? "≤ "
                                            : "") +
           show(one.value);
}

/// "5", or "5 → 25" where both differ.
template<class Show>
std::string both(amount_change const& one, Show show) {
    auto const before = bound(one.before, show);
    auto const after = bound(one.after, show);
    return before == after ? after : before + " → " + after;
}

std::string number_cell(amount_change const& one) {
    return both(one, [](std::uint64_t value) { return fmt::format("{}", value); });
}

/// "+4.0 KiB" where the difference is known, else both amounts.
std::string bytes_cell(amount_change const& one, table_style const& style) {
    if (one.before.exact() && one.after.exact())
        return difference(one.before.value, one.after.value, style);
    return both(one, [&](std::uint64_t value) { return size(value, style); });
}

bool is_told(amount_change const& one) {
    return one.before.how != certainty::unknown || one.after.how != certainty::unknown;
}

/// The titles of the cells that a holding has in its row.
std::vector<column> const holding_titles{{"BUFFERS", true}, {"FDS", true}, {"MAPS", true},
                                         {"MAPPED", true},  {"PSS", true}, {"RSS", true}};

void add_holding(std::vector<std::string>& cells, dmabuf::holding_change const& one,
                 table_style const& style) {
    for (auto const* number : {&one.buffers, &one.descriptors, &one.mappings})
        cells.push_back(number_cell(*number));
    for (auto const* bytes : {&one.mapped_bytes, &one.pss_bytes, &one.rss_bytes})
        cells.push_back(bytes_cell(*bytes, style));
}

void add(std::vector<column>& titles, std::vector<column> const& more) {
    titles.insert(titles.end(), more.begin(), more.end());
}

std::string process_changes(observation const& seen, snapshot_diff const& changed,
                            table_style const& style) {
    std::vector<column> titles{{"PID", true}, {"USER"}, {"CHANGE"}, {"NEW", true}, {"LEFT", true}};
    add(titles, holding_titles);
    add(titles, {{"COMMAND", false, true}});
    columns table(std::move(titles));
    for (auto const& one : changed.holders) {
        std::vector<std::string> cells{
            fmt::format("{}", one.pid), seen.users.of(one.uid), std::string(word_for(one)),
            fmt::format("{}", one.buffers_gained), fmt::format("{}", one.buffers_lost)};
        add_holding(cells, one, style);
        cells.push_back(visible(one.comm));
        table.add_row(std::move(cells));
    }
    return table.text(style.width);
}

std::string group_changes(std::vector<dmabuf::group_change> const& rows, std::string title,
                          table_style const& style, auto const& name_of) {
    std::vector<column> titles{{"CHANGE"}, {"PROCESSES", true}};
    add(titles, holding_titles);
    add(titles, {{"USS", true}, {std::move(title), false, true}});
    columns table(std::move(titles));
    for (auto const& one : rows) {
        std::vector<std::string> cells{std::string(word_for(one)), number_cell(one.processes)};
        add_holding(cells, one, style);
        cells.push_back(bytes_cell(one.uss_bytes, style));
        cells.push_back(name_of(one));
        table.add_row(std::move(cells));
    }
    return table.text(style.width);
}

std::string user_changes(observation const& seen, snapshot_diff const& changed,
                         table_style const& style) {
    return group_changes(changed.users, "USER", style, [&](auto const& one) {
        return seen.users.of(one.what == change::gone ? one.before : one.after);
    });
}

std::string cgroup_changes(observation const& seen, snapshot_diff const& changed,
                           table_style const& style) {
    return group_changes(changed.cgroups, "CGROUP", style, [&](auto const& one) {
        auto const path = one.what == change::gone ? seen.before.cgroup_name(one.before)
                                                   : seen.now.cgroup_name(one.after);
        std::string name;
        dmabuf::escape(path, std::back_inserter(name));
        return name.empty() ? "?" : name;
    });
}

/// A column of references or attachments.
template<class Row>
struct count_column {
    amount_change Row::* member;
    char const* title;
};

/// The columns of the references and attachments that a sample tells in any row.
template<class Row>
std::vector<count_column<Row>> told_counts(std::vector<Row> const& rows) {
    std::vector<count_column<Row>> all{{&Row::references, "REFS"},
                                       {&Row::other_references, "OTHER"},
                                       {&Row::attachments, "ATTACHED"}};
    std::erase_if(all, [&](auto const& one) {
        return std::ranges::none_of(rows, [&](Row const& its) { return is_told(its.*one.member); });
    });
    return all;
}

/// The word for a change of a buffer. One that no process holds any more may still exist.
std::string word_for_buffer(dmabuf::buffer_change const& one) {
    if (one.before == presence::held && one.after == presence::unheld) return "let go";
    if (one.before == presence::unheld && one.after == presence::held) return "taken";
    if (one.before == presence::unknown) return "now seen";
    if (one.after == presence::unknown) return "not seen";
    return std::string(word_for(one));
}

std::string buffer_changes(snapshot_diff const& changed, table_style const& style) {
    auto const counts = told_counts(changed.buffers);
    std::vector<column> titles{{"INODE", true},   {"SIZE", true}, {"EXPORTER"},  {"CHANGE"},
                               {"HOLDERS", true}, {"FDS", true},  {"MAPS", true}};
    for (auto const& one : counts)
        titles.push_back({one.title, true});
    columns table(std::move(titles));
    for (auto const& one : changed.buffers) {
        std::vector<std::string> cells{
            fmt::format("{}", one.inode), one.size_known ? size(one.size_bytes, style) : "?",
            exporter_cell(one.exporter),  word_for_buffer(one),
            number_cell(one.holders),     number_cell(one.descriptors),
            number_cell(one.mappings)};
        for (auto const& count : counts)
            cells.push_back(number_cell(one.*count.member));
        table.add_row(std::move(cells));
    }
    return table.text(style.width);
}

/// The rows by exporter or by maker, which `name_of(row)` names.
template<class Row>
std::string sums_changes(std::vector<Row> const& rows, char const* title, table_style const& style,
                         auto const& name_of) {
    auto const counts = told_counts(rows);
    std::vector<column> titles{{"CHANGE"},           {"BUFFERS", true}, {"SIZE", true},
                               {"FDS", true},        {"MAPS", true},    {"UNHELD", true},
                               {"UNHELD SIZE", true}};
    for (auto const& one : counts)
        titles.push_back({one.title, true});
    titles.push_back({title, false, true});
    columns table(std::move(titles));
    for (auto const& one : rows) {
        std::vector<std::string> cells{
            std::string(word_for(one)),         number_cell(one.buffers),
            bytes_cell(one.size_bytes, style),  number_cell(one.descriptors),
            number_cell(one.mappings),          number_cell(one.unheld_buffers),
            bytes_cell(one.unheld_bytes, style)};
        for (auto const& count : counts)
            cells.push_back(number_cell(one.*count.member));
        cells.push_back(name_of(one));
        table.add_row(std::move(cells));
    }
    return table.text(style.width);
}

std::string exporter_changes(snapshot_diff const& changed, table_style const& style) {
    return sums_changes(changed.exporters, "EXPORTER", style,
                        [](auto const& one) { return exporter_cell(one.name); });
}

std::string maker_changes(snapshot_diff const& changed, table_style const& style) {
    return sums_changes(changed.makers, "MADE BY", style,
                        [](auto const& one) { return report::maker_words(one.state, one.maker); });
}

/// The rows of one kind, and the facts about those that are left out.
struct table_of_changes {
    std::string text;
    char const* kind;
    std::size_t doubtful;
    bool known = true; ///< both samples tell of this kind
};

table_of_changes chosen_table(observation const& seen, snapshot_diff const& changed,
                              options const& chosen, table_style const& style) {
    auto const text = [](auto const& rows, auto const& make) {
        return rows.empty() ? std::string() : make() + "\n";
    };
    auto const& left = changed.doubtful;
    if (chosen.buffers)
        return {text(changed.buffers, [&] { return buffer_changes(changed, style); }), "buffer",
                left.buffers};
    switch (chosen.by) {
    case grouping::user:
        return {text(changed.users, [&] { return user_changes(seen, changed, style); }), "user",
                left.users};
    case grouping::cgroup:
        return {text(changed.cgroups, [&] { return cgroup_changes(seen, changed, style); }),
                "cgroup", left.cgroups, changed.cgroups_known};
    case grouping::exporter:
        return {text(changed.exporters, [&] { return exporter_changes(changed, style); }),
                "exporter", left.exporters, changed.exporters_known};
    case grouping::maker:
        return {text(changed.makers, [&] { return maker_changes(changed, style); }), "maker",
                left.makers, changed.makers_known};
    case grouping::process:
    case grouping::device: // refused
        break;
    }
    return {text(changed.holders, [&] { return process_changes(seen, changed, style); }), "process",
            left.holders};
}

/// Never says that nothing changed: a row of another kind may have, or one that was not seen.
std::string words_for_rows(table_of_changes const& table) {
    if (!table.known)
        return fmt::format("Unknown, since not both samples tell the {} of everything.\n",
                           table.kind);
    std::string text;
    if (table.text.empty()) text = fmt::format("No {} was seen to change.\n", table.kind);
    if (table.doubtful != 0)
        text += fmt::format("Without a row: {}, of which not all could be seen in both samples.\n",
                            counted(table.doubtful, table.kind));
    return text;
}

/// "2 buffers, 8.0 KiB appeared". Empty where there is none, unless `always`.
template<class Counts>
std::string buffers_that(snapshot_diff const& changed, table_style const& style, char const* did,
                         Counts counts, bool always = false) {
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    for (auto const& one : changed.buffers)
        if (counts(one)) ++count, bytes += one.size_bytes;
    if (count == 0 && !always) return {};
    return fmt::format("{}{}, {} {}", always ? "" : "; ", counted(count, "buffer"),
                       size(bytes, style), did);
}

/// The buffers that came and went. One that no process holds any more may still exist.
std::string movements(snapshot_diff const& changed, table_style const& style) {
    auto const went = [](presence from, presence to) {
        return [from, to](auto const& one) { return one.before == from && one.after == to; };
    };
    auto const was = [](presence where) {
        return [where](auto const& one) { return one.before == where; };
    };
    auto const is = [](presence where) {
        return [where](auto const& one) { return one.after == where; };
    };
    return buffers_that(changed, style, "appeared", was(presence::absent), true) + "; " +
           buffers_that(changed, style, "gone", is(presence::absent), true) +
           buffers_that(changed, style, "let go by all processes, and still there",
                        went(presence::held, presence::unheld)) +
           buffers_that(changed, style, "taken by a process, and there before",
                        went(presence::unheld, presence::held)) +
           buffers_that(changed, style, "seen now; whether they were there before is unknown",
                        was(presence::unknown)) +
           buffers_that(changed, style, "not seen any more; whether they are gone is unknown",
                        is(presence::unknown));
}

std::string total(amount_change const& buffers, amount_change const& bytes,
                  std::string_view why_unknown, table_style const& style) {
    if (!is_told(bytes)) return fmt::format("unknown, since {}", why_unknown);
    auto const show = [&](std::uint64_t value) { return size(value, style); };
    auto const count = number_cell(buffers);
    return fmt::format("{}, in {} buffer{}", both(bytes, show), count, count == "1" ? "" : "s");
}

/// "In 1.0 s"; clocks of two boots have nothing in common.
std::string duration(observation const& seen) {
    if (seen.compared && seen.compared->of == dmabuf::boots::different)
        return "Between both samples";
    auto const from = static_cast<double>(seen.before.begin_ns) / 1e9;
    auto const elapsed = static_cast<double>(seen.now.begin_ns) / 1e9 - from;
    return fmt::format("In {:.1f} s", elapsed);
}

/// Sums over all processes, whichever rows are shown.
std::string totals(observation const& seen, snapshot_diff const& changed,
                   table_style const& style) {
    return fmt::format(
        "{}: {}\n"
        "Held by processes: {}\n"
        "Held by no process seen: {}\n",
        duration(seen), movements(changed, style),
        total(changed.held_buffers, changed.held_bytes,
              "not everything could be seen, and of the rest no process holds a buffer", style),
        total(changed.unheld_buffers, changed.unheld_bytes, "no list of all buffers was compared",
              style));
}

/// Whether rows and sums are of a part, and how much of the samples may belong to it.
std::string words_for_choice(observation const& seen, options const& chosen) {
    if (!chosen.wanted.any()) return {};
    std::string text = chosen.wanted.of_buffers() ? "Rows and sums are of the chosen buffers.\n"
                                                  : "Sums are of all processes.\n";
    auto const before = undecided_in(seen.before, chosen.wanted);
    auto const now = undecided_in(seen.now, chosen.wanted);
    if (auto const count = std::max(before.buffers, now.buffers); count != 0)
        text += fmt::format("Left out, since it is not known whether they fit: {}\n",
                            counted(count, "buffer"));
    if (auto const count = std::max(before.processes, now.processes); count != 0)
        text += fmt::format("Left out, since their cgroups are not known: {}\n",
                            counted(count, "process"));
    return text;
}

/// The sentences on the ground of a comparison of two files.
std::string words_for_files(observation const& seen) {
    std::string text;
    if (seen.compared)
        for (auto const& sentence : seen.compared->words)
            text += sentence + "\n";
    return text;
}

std::string words_for_before(observation const& seen) {
    if (seen.before.coverage.complete()) return {};
    return "Not everything was seen in the earlier sample: amounts of it are bounds (≥, ≤) or "
           "unknown (?).\n";
}

} // namespace

std::string change_table(observation const& seen, snapshot_diff const& changed,
                         options const& chosen, table_style const& style) {
    auto const table = chosen_table(seen, changed, chosen, style);
    return table.text + words_for_files(seen) + words_for_rows(table) +
           words_for_choice(seen, chosen) + totals(seen, changed, style) + words_for_before(seen);
}

} // namespace dmabuf_ps
