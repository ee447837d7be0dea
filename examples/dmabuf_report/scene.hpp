// SPDX-License-Identifier: MIT
//
// All that the page tells, wherever it comes from.
#pragma once

#include "identity/users.hpp"
#include "names.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dmabuf_report {

/// Bytes over time, and what happened. Names and words are escaped.
struct timeline {
    struct line {
        std::string name;
        std::vector<std::optional<std::uint64_t>> bytes; ///< one for each of `at`
    };
    struct event {
        double at = 0;
        std::string words;
        bool grows = false; ///< a watch told growth
    };

    bool utc = false;       ///< times are seconds since 1970; else since the first look
    std::vector<double> at; ///< ascending
    std::vector<line> lines;
    std::vector<event> events;       ///< in the order of their times
    std::size_t lines_left_out = 0;  ///< of the smallest
    std::size_t events_left_out = 0; ///< the last

    [[nodiscard]] bool empty() const { return at.empty(); }
};

struct scene {
    std::vector<std::string> sources; ///< "a recording"
    bool has_snapshot = false;
    dmabuf::snapshot now; ///< the last one
    std::string kernel;   ///< release, escaped
    std::string taken;    ///< UTC; empty: not known
    identity::user_names users;
    std::vector<std::string> gaps; ///< sentences on what was seen and what was not, escaped
    timeline times;
    names shown{false};
};

} // namespace dmabuf_report
