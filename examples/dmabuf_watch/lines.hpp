// SPDX-License-Identifier: MIT
//
// Events as lines: for people, as NDJSON, as CSV.
#pragma once

#include "event.hpp"
#include "options.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace dmabuf_watch {

/// The clock that lines are marked with.
struct time_base {
    std::uint64_t first_ns = 0; ///< CLOCK_MONOTONIC, of the first look
    /// CLOCK_REALTIME less CLOCK_MONOTONIC; 0: a recording, which does not tell the time of day.
    std::int64_t to_wall_ns = 0;
};

/// The line that a file begins with; empty: none.
std::string header_of(output_format format);

/// One line for people, or none where another event tells them of this leak; else one for each
/// amount.
std::string lines_of(output_format format, event const& what, time_base const& base);

/// A name, escaped.
std::string shown(dmabuf::subject_name const& name);

/// "process 12 (name)"
std::string words_of(dmabuf::growth_subject const& of);

/// "90 ms", "52 s", "31 min", "5.2 h"
std::string duration_words(std::uint64_t ns);

} // namespace dmabuf_watch
