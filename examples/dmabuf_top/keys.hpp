// SPDX-License-Identifier: MIT
//
// The keys, and what each does. Help is made of the same table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dmabuf_top {

/// A character that is typed is its code point. The others are beyond Unicode.
using key_code = std::uint32_t;

namespace keys {
enum : key_code {
    tab = '\t',
    enter = '\n',
    escape = 0x1b,
    erase = 0x7f,
    redraw = 'L' & 0x1f,
    none = 0x110000,
    up,
    down,
    page_up,
    page_down,
    home,
    end,
    back_tab,
    f1, // F1 to F10 follow one another
    f2,
    f3,
    f4,
    f5,
    f6,
    f7,
    f8,
    f9,
    f10,
};
} // namespace keys

enum class action : std::uint8_t {
    none,
    up,
    down,
    page_up,
    page_down,
    home,
    end,
    next_view,
    previous_view,
    view_1,
    view_2,
    view_3,
    view_4,
    view_5,
    enter,
    back,
    filter,
    sort_next,
    sort_previous,
    invert,
    pause,
    look_now,
    record,
    coverage,
    help,
    redraw,
    quit,
};

action action_of(key_code pressed);

/// One line of help.
struct help_line {
    std::string_view keys;
    std::string_view words;
};
std::span<help_line const> help_lines();

/// The keys at the bottom of the screen, in order.
std::span<help_line const> bar_of_keys();

/// The help for --help: a line each.
std::string keys_for_help();

} // namespace dmabuf_top
