// SPDX-License-Identifier: MIT
//
// Options whose value is a number. CLI11 itself takes 010 for 8, 0x10 for 16, and nan for a number
// within every range.
#pragma once

#include <dmabuf/text.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <concepts>
#include <string>
#include <string_view>
#include <system_error>

namespace command_line {

/// Decimal digits, with a fraction where `Number` has one; a sign only where it can be negative.
inline bool parse_decimal(std::string_view word, std::integral auto& number) {
    return dmabuf::detail::parse_number(word, number);
}
inline bool parse_decimal(std::string_view word, double& number) {
    auto const end = word.data() + word.size();
    auto const [stopped, error] =
        std::from_chars(word.data(), end, number, std::chars_format::general);
    return error == std::errc() && stopped == end && std::isfinite(number);
}

template<class Number>
struct range {
    Number least;
    Number most;
};
template<class Number>
range(Number, Number) -> range<Number>; // Clang 16 has none of its own for an aggregate

/// `chosen` may be an optional number. Throws CLI::ValidationError for a word that is no number
/// `within` the range.
template<class Number, class Value>
void take_number(std::string const& name, std::string const& word, range<Number> within,
                 Value& chosen) {
    Number number{};
    if (!parse_decimal(word, number) || number < within.least || number > within.most)
        throw CLI::ValidationError(name, fmt::format("'{}' is not a{} number from {} to {}", word,
                                                     std::integral<Number> ? " whole" : "",
                                                     within.least, within.most));
    chosen = static_cast<Value>(number);
}

template<class Number, class Value>
CLI::Option* add_number(CLI::App& app, std::string const& name, Value& chosen, range<Number> within,
                        std::string help) {
    auto const take = [&chosen, name, within](std::string const& word) {
        take_number(name, word, within, chosen);
    };
    return app.add_option_function<std::string>(name, take, std::move(help));
}

} // namespace command_line
