// SPDX-License-Identifier: MIT
#include "marks.hpp"

#include <algorithm>
#include <string_view>

namespace dmabuf_top {

namespace {

constexpr std::size_t eighths = 8;
constexpr std::string_view parts_of_bar[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
constexpr std::string_view heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::string_view ascii_heights = "_.,-=+*#";

} // namespace

void append_bar(std::string& out, std::uint64_t part, std::uint64_t whole, std::size_t width,
                bool utf8) {
    if (whole == 0 || part == 0) return;
    std::size_t const step = utf8 ? 1 : eighths;
    auto const share = std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
    auto const exact = share * static_cast<double>(width * eighths / step) + 0.5;
    auto const filled = std::max<std::size_t>(static_cast<std::size_t>(exact), 1) * step;
    for (std::size_t at = 0; at < filled / eighths; ++at)
        out += utf8 ? "█" : "#";
    out += parts_of_bar[filled % eighths];
}

void append_sparkline(std::string& out, history::amounts const& values, bool utf8) {
    std::uint64_t highest = 0;
    for (auto const one : values)
        if (one != history::unknown) highest = std::max(highest, one);
    for (auto const one : values) {
        if (one == history::unknown) {
            out += ' ';
            continue;
        }
        auto const share =
            highest == 0 ? 0 : static_cast<double>(one) / static_cast<double>(highest);
        auto const height = static_cast<std::size_t>(share * (eighths - 1) + 0.5);
        if (utf8)
            out += heights[height];
        else
            out += ascii_heights[height];
    }
}

} // namespace dmabuf_top
