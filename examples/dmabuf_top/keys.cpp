// SPDX-License-Identifier: MIT
#include "keys.hpp"

#include <fmt/format.h>

namespace dmabuf_top {

namespace {

struct binding {
    key_code pressed;
    action what;
};

/// Those of htop and nvtop, where these have one. F9 ends a process there, and does nothing here.
constexpr binding bindings[] = {
    {keys::up, action::up},
    {'k', action::up},
    {keys::down, action::down},
    {'j', action::down},
    {keys::page_up, action::page_up},
    {keys::page_down, action::page_down},
    {keys::home, action::home},
    {'g', action::home},
    {keys::end, action::end},
    {'G', action::end},
    {keys::enter, action::enter},
    {'\r', action::enter},
    {keys::escape, action::back},
    {keys::erase, action::back},
    {keys::tab, action::next_view},
    {keys::f2, action::next_view},
    {keys::back_tab, action::previous_view},
    {'1', action::view_1},
    {'2', action::view_2},
    {'3', action::view_3},
    {'4', action::view_4},
    {'5', action::view_5},
    {'/', action::filter},
    {'\\', action::filter},
    {keys::f3, action::filter},
    {keys::f4, action::filter},
    {keys::f6, action::sort_next},
    {'>', action::sort_next},
    {'.', action::sort_next},
    {'<', action::sort_previous},
    {',', action::sort_previous},
    {'I', action::invert},
    {'i', action::invert},
    {'p', action::pause},
    {' ', action::pause},
    {keys::f5, action::look_now},
    {'n', action::look_now},
    {'r', action::record},
    {keys::f7, action::record},
    {'c', action::coverage},
    {keys::f8, action::coverage},
    {keys::f1, action::help},
    {'h', action::help},
    {'?', action::help},
    {keys::redraw, action::redraw},
    {keys::f10, action::quit},
    {'q', action::quit},
};

constexpr help_line lines[] = {
    {"Up Down PgUp PgDn Home End", "go to another row (also k, j, g, G)"},
    {"Enter", "show the row: its buffers, holders or processes"},
    {"Esc Backspace", "go back"},
    {"Tab F2, 1 to 5", "show processes, buffers, exporters, makers, cgroups"},
    {"/ F3 F4", "show only rows with a text; Esc shows all"},
    {"> F6, <", "sort by the next or the previous column"},
    {"i", "turn the order around"},
    {"p Space", "pause: look no more, until it is pressed again"},
    {"n F5", "look now"},
    {"r F7", "record each look, until it is pressed again"},
    {"c F8", "tell what was seen, and what was not"},
    {"h ? F1", "show this"},
    {"Ctrl-L", "draw the screen anew"},
    {"q F10", "quit"},
};

constexpr help_line bar[] = {
    {"F1", "Help"}, {"F2", "View"},  {"/", "Filter"}, {"F6", "Sort"}, {"Ret", "Show"},
    {"p", "Pause"}, {"r", "Record"}, {"F8", "Seen"},  {"q", "Quit"},
};

} // namespace

action action_of(key_code pressed) {
    for (auto const& one : bindings)
        if (one.pressed == pressed) return one.what;
    return action::none;
}

std::span<help_line const> help_lines() {
    return lines;
}

std::span<help_line const> bar_of_keys() {
    return bar;
}

std::string keys_for_help() {
    std::string text = "Keys:\n";
    for (auto const& one : lines)
        text += fmt::format("  {:<27} {}\n", one.keys, one.words);
    return text;
}

} // namespace dmabuf_top
