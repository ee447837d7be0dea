// SPDX-License-Identifier: MIT
//
// Times of day as the programs write them: "2026-11-26T10:54:01Z".
#pragma once

#include <ctime>
#include <optional>
#include <string>

namespace dmabuf_report {

/// Seconds since 1970; nothing where the text is no such time.
inline std::optional<double> seconds_of(std::string const& time) {
    std::tm utc{};
    char const* const end = ::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (!end || *end != '\0') return std::nullopt;
    return static_cast<double>(::timegm(&utc));
}

inline std::string utc_words(std::time_t seconds) {
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

} // namespace dmabuf_report
