// SPDX-License-Identifier: MIT
//
// HTTP, as far as Prometheus needs it: one request a connection, answered by a page or by a status.
// Pure: no system call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dmabuf_exporter {

inline constexpr std::size_t longest_request = 8192; ///< the line and all headers

enum class request : std::uint8_t {
    incomplete,
    page, ///< GET /metrics
    head, ///< HEAD /metrics: the headers alone
    unknown_path,
    unknown_method,
    malformed,
    too_long,
};

/// `text`: all that has come so far.
request parse_request(std::string_view text);

/// The answer with a page.
std::string answer_page(std::string_view page, bool headers_alone);
/// The answer to a request that gets none.
std::string answer_error(request what);

} // namespace dmabuf_exporter
