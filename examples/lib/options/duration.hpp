// SPDX-License-Identifier: MIT
//
// Options whose value is a length of time.
#pragma once

#include "number.hpp"

#include <array>
#include <cstdint>

namespace command_line {

struct time_unit {
    std::string_view name;
    double ns;
};
/// A unit whose name another one ends with comes first.
inline constexpr std::array<time_unit, 5> time_units = {
    {{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}}};

/// "500ms", "1.5s", "2m", "1h", "3d": a decimal number and a unit. False for anything else, and for
/// more than a century.
inline bool parse_duration(std::string_view word, std::uint64_t& ns) {
    constexpr double century = 36525 * 86400e9;
    for (auto const& unit : time_units) {
        if (!word.ends_with(unit.name)) continue;
        word.remove_suffix(unit.name.size());
        double number = 0;
        if (!parse_decimal(word, number) || number < 0 || number * unit.ns > century) return false;
        ns = static_cast<std::uint64_t>(number * unit.ns + 0.5);
        return true;
    }
    return false;
}

/// `least` and `most` are of a form that `parse_duration()` takes. Throws CLI::ValidationError for
/// a word that is no time between them.
inline CLI::Option* add_duration(CLI::App& app, std::string const& name, std::uint64_t& chosen_ns,
                                 range<std::string_view> within, std::string help) {
    auto const take = [&chosen_ns, name, within](std::string const& word) {
        std::uint64_t least = 0;
        std::uint64_t most = 0;
        (void)parse_duration(within.least, least);
        (void)parse_duration(within.most, most);
        if (!parse_duration(word, chosen_ns) || chosen_ns < least || chosen_ns > most)
            throw CLI::ValidationError(
                name, fmt::format("'{}' is no time from {} to {}: a number with ms, s, m, h or d",
                                  word, within.least, within.most));
    };
    return app.add_option_function<std::string>(name, take, std::move(help))->type_name("TIME");
}

} // namespace command_line
