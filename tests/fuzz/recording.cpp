// SPDX-License-Identifier: MIT
//
// Recordings come from strangers: refused with a line, or kept in full.
#include "replay/recording.hpp"

#include "target.hpp"

#include <algorithm>
#include <iterator>

void run_target(std::string_view input) {
    auto const found = replay::parse(input);
    if (auto const* const wrong = std::get_if<replay::malformed>(&found)) {
        auto const lines = std::count(input.begin(), input.end(), '\n') + 1;
        require(wrong->line <= static_cast<std::size_t>(lines), "a failure is within the text");
        require(!wrong->why.empty(), "a failure has its cause");
    } else {
        auto const& first = std::get<replay::recording>(found);
        auto const text = replay::write(first);
        auto const again = replay::parse(text);
        auto const* const second = std::get_if<replay::recording>(&again);
        require(second != nullptr, "what is written can be read");
        require(second->entries == first.entries, "no call is lost, and none changed");
        require(replay::write(*second) == text, "written again it is the same");
    }
    std::string bytes;
    if (replay::unescape(input, bytes)) {
        require(bytes.size() <= input.size(), "nothing grows");
        std::string escaped;
        dmabuf::escape(bytes, std::back_inserter(escaped));
        std::string again;
        require(replay::unescape(escaped, again) && again == bytes, "escape is the inverse");
    }
}
