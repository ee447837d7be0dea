// SPDX-License-Identifier: MIT
//
// Text as it may stand in an HTML document.
#pragma once

#include "report/json_writer.hpp"

#include <string>
#include <string_view>

namespace dmabuf_report {

/// In an element, or in a quoted attribute.
inline std::string html(std::string_view text) {
    std::string safe;
    for (char const c : text) {
        switch (c) {
        case '&':
            safe += "&amp;";
            break;
        case '<':
            safe += "&lt;";
            break;
        case '>':
            safe += "&gt;";
            break;
        case '"':
            safe += "&quot;";
            break;
        case '\'':
            safe += "&#39;";
            break;
        default:
            safe += c;
        }
    }
    return safe;
}

/// JSON in an element of its own: no `<` is left that could begin a comment or end the element. In
/// JSON these characters stand in texts alone, where \u00.. is the same.
class json_in_html final : public report::text_sink {
public:
    explicit json_in_html(std::string& to)
        : to_(to) {}

    void write(std::string_view text) override {
        for (char const c : text) {
            if (c == '<')
                to_ += "\\u003c";
            else if (c == '>')
                to_ += "\\u003e";
            else if (c == '&')
                to_ += "\\u0026";
            else
                to_ += c;
        }
    }

private:
    std::string& to_;
};

} // namespace dmabuf_report
