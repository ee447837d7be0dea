// SPDX-License-Identifier: MIT
#include "lines_by_size.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace dmabuf_report {

void lines_by_size::add(std::string const& key, std::string const& name, double at,
                        std::uint64_t bytes) {
    auto const number = numbers_.try_emplace(key, lines_.size()).first->second;
    if (number == lines_.size()) lines_.push_back({name, {}, 0});
    auto& one = lines_[number];
    one.points[at] = bytes;
    one.highest = std::max(one.highest, bytes);
}

void lines_by_size::finish(timeline& times) const {
    std::vector<line const*> drawn;
    for (auto const& one : lines_)
        drawn.push_back(&one);
    std::ranges::sort(drawn, [](line const* a, line const* b) {
        return std::pair(b->highest, a) < std::pair(a->highest, b); // the earlier of two
    });
    if (drawn.size() > most_lines) {
        times.lines_left_out = drawn.size() - most_lines;
        drawn.resize(most_lines);
    }
    std::set<double> all;
    for (auto const* one : drawn)
        for (auto const& [at, bytes] : one->points)
            all.insert(at);
    times.at.assign(all.begin(), all.end());
    // Every nth of so many that no screen tells them apart; the last one always.
    if (auto const every = times.at.size() / most_points; every > 0) {
        std::vector<double> kept;
        for (std::size_t i = 0; i < times.at.size(); ++i)
            if (i % (every + 1) == 0 || i + 1 == times.at.size()) kept.push_back(times.at[i]);
        times.at = std::move(kept);
    }
    for (auto const* one : drawn) {
        auto& drawing = times.lines.emplace_back();
        drawing.name = one->name;
        for (auto const at : times.at) {
            auto const found = one->points.find(at);
            if (found == one->points.end())
                drawing.bytes.emplace_back();
            else
                drawing.bytes.emplace_back(found->second);
        }
    }
}

} // namespace dmabuf_report
