// SPDX-License-Identifier: MIT
#include <dmabuf/text.hpp>

#include "target.hpp"

#include <iterator>
#include <string>

namespace {

std::string unescape(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            bytes += text[i];
            continue;
        }
        char const what = text[++i];
        if (what == 'x') {
            bytes += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            bytes += what == 'n' ? '\n' : what == 't' ? '\t' : what == 'r' ? '\r' : what;
        }
    }
    return bytes;
}

} // namespace

void run_target(std::string_view input) {
    std::string shown;
    dmabuf::escape(input, std::back_inserter(shown));
    require(unescape(shown) == input, "what was escaped can be turned back");
    require(shown.size() <= 4 * input.size(), "at most four characters per byte");
    for (char const c : shown) {
        auto const byte = static_cast<unsigned char>(c);
        require(byte >= 0x20 && byte != 0x7f, "no control character is left");
    }
    std::string again;
    dmabuf::escape(shown, std::back_inserter(again));
    for (auto rest = std::string_view(shown); !rest.empty();) {
        char32_t point = 0;
        auto const length = dmabuf::detail::utf8_length(rest, point);
        require(length != 0, "what is left is UTF-8");
        require(!(point >= 0x80 && point < 0xa0) && !(point >= 0x202a && point <= 0x202e) &&
                    !(point >= 0x2066 && point <= 0x2069),
                "nothing that turns text around is left");
        rest.remove_prefix(length);
    }
}
