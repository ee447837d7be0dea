// SPDX-License-Identifier: MIT
#include "labels.hpp"

#include <dmabuf/growing/series.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace dmabuf_exporter {

namespace {

constexpr std::size_t hash_digits = 16;
constexpr std::size_t longest_whole = longest_label - dmabuf::cut_mark.size(); // it may follow
constexpr std::size_t longest_beginning = longest_whole - dmabuf::cut_mark.size() - hash_digits;

/// The first character, or the first byte of a text that is not UTF-8.
std::string_view first_of(std::string_view name) {
    char32_t point = 0;
    return name.substr(0, std::max<std::size_t>(dmabuf::detail::utf8_length(name, point), 1));
}

/// The beginning of a name, escaped, that fits into `room` bytes, in whole characters.
std::string beginning_of(std::string_view name, std::size_t room) {
    std::string text;
    while (!name.empty()) {
        auto const next = first_of(name);
        std::string more;
        dmabuf::escape(next, std::back_inserter(more));
        if (text.size() + more.size() > room) break;
        text += more;
        name.remove_prefix(next.size());
    }
    return text;
}

} // namespace

std::string label_of(std::string_view name) {
    std::string whole;
    dmabuf::escape(name, std::back_inserter(whole));
    bool const reserved = name == other_label || name == unknown_label;
    if (whole.size() <= longest_whole && !reserved) return whole;
    return cut_label_of(name, dmabuf::detail::hash_of(name));
}

std::string cut_label_of(std::string_view part, std::uint64_t whole_hash) {
    return fmt::format("{}{}{:016x}", beginning_of(part, longest_beginning), dmabuf::cut_mark,
                       whole_hash);
}

} // namespace dmabuf_exporter
