// SPDX-License-Identifier: MIT
//
// The values that a watch tells.
#pragma once

#include <dmabuf/growth.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dmabuf_watch {

enum class event_kind : std::uint8_t {
    started,  ///< the watch: all that is held at its first look
    appeared, ///< a process that held nothing before
    gone,     ///< a process that holds nothing any more
    grows,
    stopped,  ///< it grew, is there, and does not rise any more
    ended,    ///< it grew, and holds nothing any more
    finished, ///< the watch
};

/// The word for it in every format.
constexpr std::string_view name_of(event_kind what) {
    constexpr std::string_view names[] = {"started", "appeared", "gone",    "grows",
                                          "stopped", "ended",    "finished"};
    return names[static_cast<std::size_t>(what)];
}

/// One measure of a subject.
struct amount {
    dmabuf::measure what = dmabuf::measure::bytes;
    std::uint64_t value = 0;
    bool has_rate = false; ///< the rest is known
    double rate_per_second = 0;
    double rate_error_per_second = 0;
    std::uint64_t since_ns = 0; ///< CLOCK_MONOTONIC
    std::uint64_t since_value = 0;
    std::uint64_t highest = 0;
};

struct event {
    event_kind what = event_kind::started;
    std::uint64_t time_ns = 0; ///< of the look, CLOCK_MONOTONIC
    bool of_watch = false;     ///< there is no subject, and `amounts` are of all processes
    dmabuf::growth_subject of;
    std::vector<amount> amounts;
    std::string note;       ///< more, for people; empty: nothing
    std::uint64_t leak = 0; ///< its number; 0: no growth, and no end of growth
    /// An earlier event of the same look tells people of this leak, and names this subject.
    bool told_before = false;
    std::vector<dmabuf::growth_subject> also; ///< the subjects of those events
};

} // namespace dmabuf_watch
