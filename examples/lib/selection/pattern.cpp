// SPDX-License-Identifier: MIT
#include "pattern.hpp"

namespace selection {

namespace {

/// Behind the character at `at`.
std::size_t next_character(std::string_view text, std::size_t at) {
    do
        ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80);
    return at;
}

} // namespace

bool pattern::fits_shown(std::string_view name) const {
    constexpr auto none = std::string::npos;
    std::size_t in_text = 0;
    std::size_t in_name = 0;
    std::size_t star = none; // the last one, which takes the name up to `taken`
    std::size_t taken = 0;
    while (in_name < name.size()) {
        char const wanted = in_text < text_.size() ? text_[in_text] : '\0'; // which no name shows
        if (wanted == '*') {
            star = in_text++;
            taken = in_name;
        } else if (wanted == '?') {
            ++in_text;
            in_name = next_character(name, in_name);
        } else if (wanted == name[in_name]) {
            ++in_text;
            ++in_name;
        } else if (star != none) {
            in_text = star + 1;
            in_name = taken = next_character(name, taken);
        } else {
            return false;
        }
    }
    return text_.find_first_not_of('*', in_text) == none;
}

} // namespace selection
