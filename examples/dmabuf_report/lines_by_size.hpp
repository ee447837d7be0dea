// SPDX-License-Identifier: MIT
//
// Points of many lines, of which the largest are drawn.
#pragma once

#include "scene.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dmabuf_report {

class lines_by_size {
public:
    /// The lines that are drawn, and the points of each: a screen has no more.
    static constexpr std::size_t most_lines = 12;
    static constexpr std::size_t most_points = 4000;

    /// `key` tells lines apart, `name` is shown. The same time again replaces the point.
    void add(std::string const& key, std::string const& name, double at, std::uint64_t bytes);

    /// Puts the lines with the highest points on one axis of `times`.
    void finish(timeline& times) const;

private:
    struct line {
        std::string name;
        std::map<double, std::uint64_t> points;
        std::uint64_t highest = 0;
    };

    std::map<std::string, std::size_t> numbers_; ///< by key
    std::vector<line> lines_;                    ///< in the order in which they were met
};

} // namespace dmabuf_report
