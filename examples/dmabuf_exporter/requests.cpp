// SPDX-License-Identifier: MIT
#include "requests.hpp"

#include <dmabuf/text.hpp>

#include <fmt/format.h>

namespace dmabuf_exporter {

namespace {

constexpr std::string_view end_of_headers = "\r\n\r\n";

/// With the version that Prometheus 3 looks for.
constexpr auto page_type = "text/plain; version=0.0.4; charset=utf-8";

std::string_view status_of(request what) {
    switch (what) {
    case request::unknown_path:
        return "404 Not Found";
    case request::unknown_method:
        return "405 Method Not Allowed";
    case request::too_long:
        return "431 Request Header Fields Too Large";
    default:
        return "400 Bad Request";
    }
}

std::string headers(std::string_view status, std::string_view type, std::size_t size) {
    return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
                       "Allow: GET, HEAD\r\nConnection: close\r\n\r\n",
                       status, type, size);
}

/// Parses the first line, as "GET /metrics?x HTTP/1.1".
request parse_line(std::string_view line) {
    using dmabuf::detail::take_until;
    auto const method = take_until(line, ' ');
    auto target = take_until(line, ' ');
    if (!line.starts_with("HTTP/1.") || !target.starts_with('/')) return request::malformed;
    if (method != "GET" && method != "HEAD") return request::unknown_method;
    if (take_until(target, '?') != "/metrics") return request::unknown_path;
    return method == "GET" ? request::page : request::head;
}

} // namespace

request parse_request(std::string_view text) {
    auto const end = text.find(end_of_headers);
    if (text.size() > longest_request && end >= longest_request) return request::too_long;
    if (end == text.npos) return request::incomplete;
    return parse_line(text.substr(0, text.find("\r\n")));
}

std::string answer_page(std::string_view page, bool headers_alone) {
    auto answer = headers("200 OK", page_type, page.size());
    return headers_alone ? answer : answer.append(page);
}

std::string answer_error(request what) {
    auto const words = fmt::format("{}; the page is /metrics\n", status_of(what));
    return headers(status_of(what), "text/plain; charset=utf-8", words.size()) + words;
}

} // namespace dmabuf_exporter
