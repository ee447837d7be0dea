// SPDX-License-Identifier: MIT
//
// The log of a watch as a page of dmabuf_report takes it, whatever a stranger wrote in it.
#include "dmabuf_report/watch_log.hpp"

#include "target.hpp"

#include <algorithm>

namespace {

void check_words(std::string const& words) {
    require(
        std::ranges::none_of(words, [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
        "words are printable");
}

void read(std::string_view input, bool anonymise) {
    dmabuf_report::timeline times;
    dmabuf_report::names shown(anonymise);
    if (auto const wrong = dmabuf_report::read_log(input, shown, times))
        return require(wrong->line != 0 && !wrong->why.empty(), "trouble has a line and words");
    require(std::ranges::adjacent_find(times.at, std::greater_equal<>()) == times.at.end(),
            "times ascend");
    for (auto const& one : times.lines) {
        require(one.bytes.size() == times.at.size(), "a line has a place for each time");
        check_words(one.name);
    }
    for (auto const& one : times.events)
        check_words(one.words);
}

} // namespace

void run_target(std::string_view input) {
    (void)dmabuf_report::looks_like_log(input);
    for (bool const anonymise : {false, true})
        read(input, anonymise);
}
