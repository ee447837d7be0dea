// SPDX-License-Identifier: MIT
#include "screen.hpp"

#include <dmabuf/fmt.hpp>

#include "marks.hpp"
#include "printing/characters.hpp"
#include "report/maker_words.hpp"

#include <algorithm>
#include <iterator>

namespace dmabuf_top {

namespace {

constexpr std::size_t sums_line = 0;
constexpr std::size_t coverage_line = 1;
constexpr std::size_t place_line = 2;
constexpr std::size_t titles_line = 3;

constexpr std::string_view nouns_of_views[] = {"Processes", "Buffers", "Exporters", "Makers",
                                               "Cgroups",   "Buffers", "Processes"};
static_assert(std::size(nouns_of_views) == all_views);
constexpr std::string_view words_of_presence[] = {" ", " Out of sight: ", " Gone: "};

std::string_view plural(std::uint64_t count, std::string_view one, std::string_view many) {
    return count == 1 ? one : many;
}

std::string_view unit_of(dmabuf::measure what) {
    switch (what) {
    case dmabuf::measure::bytes:
        return "";
    case dmabuf::measure::buffers:
        return " bufs";
    case dmabuf::measure::descriptors:
        return " fds";
    case dmabuf::measure::mappings:
        return " maps";
    case dmabuf::measure::other_references:
        return " other";
    case dmabuf::measure::attachments:
        break;
    }
    return " devs";
}

/// "+1.5 MiB/min", "+60 fds/min"
void put_rate(std::string& out, growing const& one) {
    auto const a_minute = one.rate_per_second * 60;
    auto const whole = a_minute < 1e18 ? static_cast<std::uint64_t>(a_minute + 0.5) : 0;
    if (one.what == dmabuf::measure::bytes)
        out.append("+").append(dmabuf::detail::in_units(whole).view());
    else
        fmt::format_to(std::back_inserter(out), "+{:.2g}{}", a_minute, unit_of(one.what));
    out += "/min";
}

/// Without the newline at its end.
std::string without_end(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

std::string why_no_makers(dmabuf::snapshot const& now) {
    auto words = without_end(report::not_watched_words(now));
    return words.empty() ? "The recording does not tell makers: they were not asked for." : words;
}

/// Lines of at most `width` columns, broken at blanks.
template<class Take>
void for_each_line(std::string_view text, std::size_t width, Take take) {
    while (!text.empty()) {
        auto line = dmabuf::detail::take_until(text, '\n');
        do {
            auto part = printing::first_columns(line, width);
            if (part.size() < line.size())
                if (auto const blank = part.rfind(' '); blank != part.npos && blank > 2)
                    part = part.substr(0, blank + 1);
            take(part);
            line.remove_prefix(std::max<std::size_t>(part.size(), line.empty() ? 0 : 1));
        } while (!line.empty());
    }
}

} // namespace

std::size_t height_for(std::size_t rows) {
    return lines_above + std::max<std::size_t>(rows, 1) + lines_below;
}

void screen::draw(model& of, state const& now, extent size, bool keys, grid& to) {
    to_ = &to;
    to.begin(size.width, size.height);
    if (size.width < least_extent.width || size.height < least_extent.height) {
        if (size.width == 0 || size.height == 0) return;
        cell_.clear();
        fmt::format_to(std::back_inserter(cell_), "{}x{} is too small: {}x{}", size.width,
                       size.height, least_extent.width, least_extent.height);
        return to.put(0, cell_);
    }
    of.set_room(size.height - lines_above - lines_below);
    draw_sums(of.now());
    draw_coverage(of.now(), now);
    draw_place(of, now, keys);
    if (of.over() != overlay::none) {
        draw_overlay(of, now);
    } else {
        find_widths(of);
        draw_titles(of);
        draw_rows(of);
    }
    if (keys) draw_bottom(of, now);
}

// --- above the rows ---

void screen::draw_sums(look const& of) {
    auto const& all = of.now();
    auto& to = *to_;
    cell_.clear();
    auto const add = [&](std::uint64_t count, std::string_view noun) {
        fmt::format_to(std::back_inserter(cell_), "{} {}", count, noun);
    };
    add(all.holders.size(), plural(all.holders.size(), "process holds ", "processes hold "));
    add(all.buffers.size(), plural(all.buffers.size(), "buffer, ", "buffers, "));
    cell_ += dmabuf::detail::in_units(all.total_bytes).view();
    to.put(sums_line, cell_, style::strong);
    if (!all.coverage.buffers_compared()) {
        cell_ = "; how many others there are is unknown";
    } else if (all.unheld.empty()) {
        cell_ = "; there are no others";
    } else {
        cell_ = "; no process holds ";
        add(all.unheld.size(), "more, ");
        cell_ += dmabuf::detail::in_units(all.unheld_bytes).view();
    }
    to.put(sums_line, cell_);
}

/// Never "all" beside something that was not seen.
void screen::draw_coverage(look const& of, state const& now) {
    auto& to = *to_;
    if (now.gaps != 0) {
        to.put(coverage_line, "Not all was seen", style::warning);
        cell_ = ": ";
        if (now.gaps > 1) {
            cell_.clear();
            fmt::format_to(std::back_inserter(cell_), " (1 of {}, F8): ", now.gaps);
        }
        to.put(coverage_line, cell_);
        return to.put(coverage_line, now.first_gap);
    }
    auto const& seen = of.whole().coverage;
    cell_ = "All processes were seen, and the list of ";
    cell_.append(name_of(seen.listed_by)).append(" was compared.");
    to.put(coverage_line, cell_);
}

/// The views, or the page that was entered from a row.
void screen::draw_place(model const& of, state const& now, bool keys) {
    auto& to = *to_;
    auto const& page = of.shown();
    if (of.is_entered()) {
        cell_ = words_of_presence[static_cast<std::size_t>(of.subject_presence())];
        cell_.append(nouns_of_views[static_cast<std::size_t>(page.which)]).append(" of ");
        cell_.append(words_of(page.of)).append(" ");
        to.put(place_line, cell_, style::chosen);
    } else {
        for (std::size_t at = 0; at < main_views; ++at) {
            bool const shown = page.which == static_cast<view>(at);
            cell_.clear();
            fmt::format_to(std::back_inserter(cell_), " {} {} ", at + 1, nouns_of_views[at]);
            to.put(place_line, cell_, shown ? style::chosen : style::plain);
        }
    }
    for (std::string_view const words :
         {std::string_view(now.from), std::string_view(now.recording),
          std::string_view(now.paused ? "paused" : ""),
          std::string_view(now.ended ? "ended" : "")}) {
        if (words.empty()) continue;
        to.put(place_line, " ");
        to.put(place_line, words, style::warning);
    }
    if (!keys) draw_filter(of, place_line);
}

void screen::draw_filter(model const& of, std::size_t line) {
    if (of.shown().filter.empty() && !of.is_typing()) return;
    cell_.clear();
    fmt::format_to(std::back_inserter(cell_), " {} of {} with: {}{} ", of.rows().size(),
                   of.all_rows(), of.shown().filter, of.is_typing() ? "_" : "");
    to_->put(line, cell_, style::warning);
}

// --- the table ---

bool screen::is_shown(column const& one) const {
    return to_->width() >= one.from;
}

/// Numbers stay whole: a column is as wide as those that can be seen.
void screen::find_widths(model const& of) {
    auto const all = columns_of(of.shown().which);
    widths_.clear();
    auto const end = std::min(of.rows().size(), of.shown().first + of.room());
    for (auto const& one : all) {
        std::size_t width = one.width;
        if (one.how == look_of::number && is_shown(one))
            for (auto at = of.shown().first; at < end; ++at) {
                put_amount(one.number(of.now(), of.rows()[at]), false);
                width = std::max(width, cell_.size());
            }
        widths_.push_back(width);
    }
}

void screen::draw_titles(model const& of) {
    auto const all = columns_of(of.shown().which);
    auto& to = *to_;
    to.put(titles_line, " ", style::title);
    for (std::size_t at = 0; at < all.size(); ++at) {
        auto const& one = all[at];
        if (!is_shown(one)) continue;
        bool const sorted = of.sorted().column == at;
        bool const right = one.how == look_of::number || one.how == look_of::bytes;
        auto const width = one.width == 0 ? to.room(titles_line) : widths_[at];
        cell_ = one.title;
        if (sorted && cell_.size() < width) cell_ += of.sorted().inverted ? "^" : "v";
        to.put_cell(titles_line, cell_, width, right, sorted ? style::sorted : style::title);
        if (one.width != 0) to.put(titles_line, " ", style::title);
    }
    to.pad_to(titles_line, to.width(), style::title);
}

void screen::draw_rows(model const& of) {
    if (of.rows().empty()) return draw_nothing(of);
    auto const first = of.shown().first;
    for (std::size_t line = 0; line < of.room() && first + line < of.rows().size(); ++line)
        draw_row(of, first + line, lines_above + line);
}

void screen::draw_row(model const& of, std::size_t at, std::size_t line) {
    auto const& one = of.rows()[at];
    bool const chosen = at == of.shown().at;
    auto const all = columns_of(of.shown().which);
    auto& to = *to_;
    bool const grows = of.now().growth_of(key_of(of.now(), of.shown().which, one)) != nullptr;
    auto const plain = chosen ? style::chosen : style::plain;
    if (grows)
        to.put(line, to.is_utf8() ? "↑" : "^", chosen ? style::chosen : style::grows);
    else
        to.put(line, " ", plain);
    for (std::size_t column = 0; column < all.size(); ++column) {
        if (!is_shown(all[column])) continue;
        draw_cell(of, one, column, line, plain);
        if (all[column].width != 0) to.put(line, " ", plain);
    }
    if (chosen) to.pad_to(line, to.width(), plain);
}

void screen::put_amount(amount const& cell, bool bytes) {
    cell_.clear();
    if (cell.how == amount::certainty::unknown) {
        cell_ = "?";
        return;
    }
    if (cell.how == amount::certainty::at_least) cell_ = to_->is_utf8() ? "≥" : ">";
    if (bytes)
        cell_ += dmabuf::detail::in_units(cell.value).view();
    else
        fmt::format_to(std::back_inserter(cell_), "{}", cell.value);
}

void screen::draw_cell(model const& of, row const& one, std::size_t column, std::size_t line,
                       style how) {
    auto const& it = columns_of(of.shown().which)[column];
    auto const& now = of.now();
    auto& to = *to_;
    auto const width = it.width == 0 ? to.room(line) : widths_[column];
    bool right = false;
    auto const if_plain = [&](style other) { return how == style::plain ? other : how; };
    switch (it.how) {
    case look_of::number:
    case look_of::bytes:
        put_amount(it.number(now, one), it.how == look_of::bytes);
        right = true;
        break;
    case look_of::text:
        cell_.clear();
        it.text(now, one, cell_);
        break;
    case look_of::bar: {
        cell_.clear();
        auto const part = it.number(now, one);
        if (part.how != amount::certainty::unknown)
            append_bar(cell_, part.value, of.whole(), width, to.is_utf8());
        how = if_plain(style::bar);
        break;
    }
    case look_of::sparkline:
        cell_.clear();
        if (auto const* const past = now.past().of(key_of(now, of.shown().which, one)))
            append_sparkline(cell_, *past, to.is_utf8());
        how = if_plain(style::bar);
        break;
    case look_of::growth:
        cell_.clear();
        if (auto const* const grows = now.growth_of(key_of(now, of.shown().which, one)))
            put_rate(cell_, *grows);
        how = if_plain(style::grows);
        break;
    }
    // Marks are of this screen's own characters already.
    to.put_cell(line, cell_, width, right, how);
}

void screen::draw_nothing(model const& of) {
    auto const& now = of.now().now();
    std::string words = "Nothing of this kind was seen.";
    if (of.all_rows() != 0)
        words = "No row has this text: Esc shows all.";
    else if (of.subject_presence() == presence::gone)
        words = "It is gone: Esc goes back.";
    else if (of.subject_presence() == presence::out_of_sight)
        words = "It is out of sight, and may be there still: Esc goes back.";
    else if (of.shown().which == view::makers && !now.watch.origins_read)
        words = why_no_makers(now);
    else if (of.shown().which == view::holders)
        words = "No process that was seen holds it.";
    to_->put(lines_above, words, style::faint);
}

// --- below the rows, and over them ---

void screen::draw_bottom(model const& of, state const& now) {
    auto& to = *to_;
    auto const line = to.height() - 1;
    if (!now.message.empty()) return to.put(line, now.message, style::warning);
    draw_filter(of, line);
    if (of.is_typing()) return to.put(line, "Enter keeps it, Esc takes it back.");
    for (auto const& one : bar_of_keys()) {
        to.put(line, one.keys, style::key_name);
        to.put(line, one.words, style::title);
        to.put(line, " ");
    }
}

void screen::draw_overlay(model const& of, state const& now) {
    auto& to = *to_;
    auto const end = to.height() - lines_below;
    std::size_t line = titles_line;
    auto skip = of.scrolled();
    auto const put = [&](std::string_view text, style how = style::plain) {
        if (skip != 0)
            --skip;
        else if (line < end)
            to.put(line++, text, how);
    };
    if (of.over() == overlay::coverage) {
        for_each_line(now.coverage, to.width(), put);
        return;
    }
    for (auto const& one : help_lines()) {
        cell_.clear();
        fmt::format_to(std::back_inserter(cell_), "{:>27}  {}", one.keys, one.words);
        put(cell_);
    }
    put("");
    put("No key ends a process. Only r writes files: recordings.");
}

} // namespace dmabuf_top
