// SPDX-License-Identifier: MIT
//
// The NDJSON that dmabuf_watch wrote.
#pragma once

#include "scene.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace dmabuf_report {

/// Whether a text is meant to be such a log, and no other JSON.
bool looks_like_log(std::string_view text);

/// Why a text is no such log.
struct log_trouble {
    std::size_t line = 0; ///< from 1
    std::string why;
};

/// Adds the events, and the bytes that they tell, to a timeline. A last line without an end was cut
/// off, and is left out. Where each row has a time of day, times are UTC; else seconds, those of a
/// further watch behind those of the one before.
std::optional<log_trouble> read_log(std::string_view text, names& shown, timeline& times);

} // namespace dmabuf_report
