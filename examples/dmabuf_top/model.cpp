// SPDX-License-Identifier: MIT
#include "model.hpp"

#include <dmabuf/detail/sort.hpp>
#include <dmabuf/text.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace dmabuf_top {

namespace {

constexpr std::size_t longest_filter = 60;

char in_lower_case(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains(std::string_view text, std::string_view words) {
    return !std::ranges::search(text, words, {}, in_lower_case, in_lower_case).empty();
}

void append_utf8(std::string& text, char32_t point) {
    auto const put = [&](char32_t bits) { text += static_cast<char>(bits); };
    if (point < 0x80) return put(point);
    if (point < 0x800)
        put(0xc0 | point >> 6U);
    else if (point < 0x10000)
        put(0xe0 | point >> 12U), put(0x80 | (point >> 6U & 0x3f));
    else
        put(0xf0 | point >> 18U), put(0x80 | (point >> 12U & 0x3f)),
            put(0x80 | (point >> 6U & 0x3f));
    put(0x80 | (point & 0x3f));
}

void erase_last(std::string& text) {
    while (!text.empty()) {
        auto const last = static_cast<unsigned char>(text.back());
        text.pop_back();
        if ((last & 0xc0U) != 0x80) return;
    }
}

} // namespace

model::model(look const& now, view first)
    : now_(now) {
    pages_.push_back({.which = first});
    for (std::size_t at = 0; at < all_views; ++at)
        orders_[at].column = usual_sort(static_cast<view>(at));
}

void model::sort_by(std::size_t column) {
    order_of(top().which) = {column, false};
}

void model::set_filter(std::string filter) {
    top().filter = std::move(filter);
}

// --- rows ---

void model::refresh() {
    if (!now_.is_taken()) return;
    find_rows(now_, shown().which, shown().of, rows_);
    presence_ = presence_of(now_, shown().which, shown().of);
    all_ = rows_.size();
    add_whole();
    filter();
    sort();
    auto const most = now_.chosen().wanted.most_rows;
    if (rows_.size() > most) rows_.resize(most);
    find_chosen();
}

void model::filter() {
    if (shown().filter.empty()) return;
    std::erase_if(rows_, [&](row const& one) { return !fits(one, shown().filter); });
}

/// Texts and whole numbers are looked at, as they are shown.
bool model::fits(row const& one, std::string_view words) {
    for (auto const& by : columns_of(shown().which)) {
        cell_.clear();
        if (by.is_text())
            by.text(now_, one, cell_);
        else if (by.how == look_of::number)
            cell_ = std::to_string(by.number(now_, one).value);
        if (contains(cell_, words)) return true;
    }
    return false;
}

void model::add_whole() {
    whole_ = 0;
    for (auto const& by : columns_of(shown().which))
        if (by.how == look_of::bar)
            for (auto const& one : rows_)
                whole_ += by.number(now_, one).value;
}

model::key_of_row model::key_of(row const& one, column const& by) {
    key_of_row key{0, texts_.size(), 0, one, 0};
    if (by.number) {
        auto const cell = by.number(now_, one);
        key.number = cell.how == amount::certainty::unknown ? 0 : cell.value;
    } else if (by.text) {
        by.text(now_, one, texts_);
        key.size = texts_.size() - key.text;
    } else if (by.how == look_of::growth) {
        auto const* const grows = now_.growth_of(dmabuf_top::key_of(now_, shown().which, one));
        key.number = grows ? 1 + static_cast<std::uint64_t>(grows->rate_per_second * 1e3) : 0;
    } else if (auto const* const past =
                   now_.past().of(dmabuf_top::key_of(now_, shown().which, one))) {
        key.number = past->back();
    }
    return key;
}

/// In the order of the rows before, which is nearly this one where as many are there.
void model::key_rows(column const& by) {
    if (places_.size() != rows_.size()) {
        places_.resize(rows_.size());
        std::iota(places_.begin(), places_.end(), 0U);
    }
    keys_.clear();
    texts_.clear();
    for (auto const place : places_) {
        keys_.push_back(key_of(rows_[place], by));
        keys_.back().place = place;
    }
}

/// Rows that are alike stay in the order of the system, whichever way the others go.
void model::sort() {
    auto const& [by, inverted] = sorted();
    key_rows(columns_of(shown().which)[by]);
    std::string_view const texts = texts_;
    bool const backwards = inverted;
    dmabuf::detail::sort(keys_, [&](key_of_row const& a, key_of_row const& b) {
        if (a.number != b.number) return backwards ? a.number < b.number : a.number > b.number;
        auto const order = texts.substr(a.text, a.size).compare(texts.substr(b.text, b.size));
        if (order != 0) return backwards ? order > 0 : order < 0;
        return a.place < b.place;
    });
    for (std::size_t at = 0; at < keys_.size(); ++at) {
        rows_[at] = keys_[at].of;
        places_[at] = keys_[at].place;
    }
}

// --- the chosen row ---

/// A row that was chosen is followed; where it is gone, the one in its place is chosen.
void model::find_chosen() {
    auto& it = top();
    if (it.follows) {
        auto const is_chosen = [&](row const& one) {
            return is_subject(now_, it.which, one, it.chosen);
        };
        auto const found = std::ranges::find_if(rows_, is_chosen);
        if (found != rows_.end()) it.at = static_cast<std::size_t>(found - rows_.begin());
    }
    if (it.at >= rows_.size()) it.at = rows_.empty() ? 0 : rows_.size() - 1;
    keep_in_sight();
}

void model::choose(std::size_t at) {
    auto& it = top();
    it.at = rows_.empty() ? 0 : std::min(at, rows_.size() - 1);
    it.follows = !rows_.empty() && it.at != 0;
    if (it.follows) it.chosen = subject_of(now_, it.which, rows_[it.at]);
    keep_in_sight();
}

void model::keep_in_sight() {
    auto& it = top();
    if (it.at < it.first) it.first = it.at;
    if (it.at >= it.first + room_) it.first = it.at - room_ + 1;
    if (it.first + room_ > rows_.size()) it.first = rows_.size() > room_ ? rows_.size() - room_ : 0;
}

void model::set_room(std::size_t rows) {
    room_ = std::max<std::size_t>(rows, 1);
    keep_in_sight();
}

// --- keys ---

bool model::act(action what) {
    switch (what) {
    case action::up:
    case action::down:
    case action::page_up:
    case action::page_down:
    case action::home:
    case action::end:
        over_ == overlay::none ? move(what) : scroll(what);
        return true;
    case action::back:
        back();
        return true;
    case action::help:
    case action::coverage: {
        auto const wanted = what == action::help ? overlay::help : overlay::coverage;
        over_ = over_ == wanted ? overlay::none : wanted;
        scrolled_ = 0;
        return true;
    }
    case action::none:
    case action::pause:
    case action::look_now:
    case action::record:
    case action::redraw:
    case action::quit:
        return false;
    default:
        break;
    }
    over_ = overlay::none;
    switch (what) {
    case action::next_view:
    case action::previous_view: {
        auto const which = static_cast<std::size_t>(pages_.front().which);
        auto const step = what == action::next_view ? 1 : main_views - 1;
        show(static_cast<view>((which + step) % main_views));
        break;
    }
    case action::enter:
        enter();
        break;
    case action::filter:
        filter_before_ = top().filter;
        typing_ = true;
        break;
    case action::sort_next:
    case action::sort_previous:
        next_column(what == action::sort_next);
        break;
    case action::invert:
        order_of(top().which).inverted = !sorted().inverted;
        refresh();
        break;
    default:
        show(static_cast<view>(static_cast<int>(what) - static_cast<int>(action::view_1)));
        break;
    }
    return true;
}

void model::move(action what) {
    auto const at = top().at;
    auto const step = what == action::page_up || what == action::page_down ? room_ : 1;
    if (what == action::home) return choose(0);
    if (what == action::end) return choose(rows_.size());
    if (what == action::up || what == action::page_up) return choose(at > step ? at - step : 0);
    choose(at + step);
}

void model::scroll(action what) {
    auto const step = what == action::page_up || what == action::page_down ? room_ : 1;
    if (what == action::home)
        scrolled_ = 0;
    else if (what == action::up || what == action::page_up)
        scrolled_ -= std::min(scrolled_, step);
    else if (what != action::end)
        scrolled_ += step;
}

void model::show(view which) {
    pages_.resize(1);
    top() = {.which = which};
    refresh();
}

void model::enter() {
    if (top().at >= rows_.size()) return;
    auto const of = subject_of(now_, top().which, rows_[top().at]);
    page next{.of = of};
    switch (top().which) {
    case view::processes:
    case view::holders:
        next.which = view::held;
        break;
    case view::buffers:
    case view::held:
        next.which = view::holders;
        break;
    case view::exporters:
    case view::makers:
        next.which = view::buffers;
        break;
    case view::cgroups:
        next.which = view::processes;
        break;
    }
    constexpr std::size_t deepest = 100; // from a process to a buffer to a process …
    if (pages_.size() == deepest) pages_.erase(pages_.begin() + 1);
    pages_.push_back(std::move(next));
    refresh();
}

void model::back() {
    if (over_ != overlay::none)
        over_ = overlay::none;
    else if (!top().filter.empty())
        top().filter.clear();
    else if (pages_.size() > 1)
        pages_.pop_back();
    refresh();
}

void model::next_column(bool forward) {
    auto& now = order_of(top().which);
    auto const all = columns_of(top().which);
    auto const step = forward ? 1 : all.size() - 1;
    do
        now.column = (now.column + step) % all.size();
    while (all[now.column].title.empty());
    now.inverted = false;
    refresh();
}

bool model::type(key_code pressed) {
    auto& text = top().filter;
    switch (pressed) {
    case keys::enter:
    case '\r':
        typing_ = false;
        break;
    case keys::escape:
        text = filter_before_;
        typing_ = false;
        break;
    case keys::erase:
    case '\b':
        erase_last(text);
        break;
    default:
        if (pressed >= keys::none) {
            typing_ = false;
            return false;
        }
        if (!dmabuf::detail::is_deceptive(pressed) && text.size() < longest_filter)
            append_utf8(text, pressed);
        break;
    }
    refresh();
    return true;
}

} // namespace dmabuf_top
