// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/dmabuf_fds.hpp>

#include "target.hpp"

#include <string>
#include <vector>

namespace {

using items = std::vector<std::string>; // a number, or "bad" and where

std::string shown(dmabuf::result<std::uint64_t> const& item) {
    return item ? std::to_string(*item) : "bad " + std::to_string(item.error().offset);
}

items in_pieces(std::string_view text, std::size_t size) {
    items found;
    dmabuf::dmabuf_fds_parser parser;
    std::optional<dmabuf::result<std::uint64_t>> item;
    while (!text.empty()) {
        auto piece = text.substr(0, size);
        text.remove_prefix(piece.size());
        while (parser.next(piece, item))
            found.push_back(shown(*item));
    }
    if (parser.finish(item)) found.push_back(shown(*item));
    return found;
}

/// The words between blanks, counted another way.
std::size_t words_in(std::string_view text) {
    std::size_t words = 0;
    bool inside = false;
    for (char const c : text) {
        bool const blank = std::string_view(" \t\n\v\f\r").find(c) != std::string_view::npos;
        words += !blank && !inside;
        inside = !blank;
    }
    return words;
}

} // namespace

void run_target(std::string_view input) {
    items whole;
    dmabuf::parse_dmabuf_fds(input, [&](auto const& item) { whole.push_back(shown(item)); });
    require(whole.size() == words_in(input), "every word is one item");
    for (auto const& item : whole)
        if (!item.starts_with("bad")) {
            // Leading zeros apart, the number stands in the text.
            require(input.find(item) != std::string_view::npos, "no number is made up");
        }
    for (std::size_t const size : {1UL, 2UL, 3UL, 7UL, 64UL})
        require(in_pieces(input, size) == whole, "pieces say the same");
}
