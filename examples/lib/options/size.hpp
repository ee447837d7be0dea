// SPDX-License-Identifier: MIT
//
// Options whose value is an amount of memory.
#pragma once

#include "number.hpp"

#include <cstdint>
#include <limits>

namespace command_line {

/// "4096", "64K", "1MiB": decimal digits and a unit of 1024 bytes, 1024 KiB … False for anything
/// else, and for more than 64 bits.
inline bool parse_size(std::string_view word, std::uint64_t& bytes) {
    constexpr std::string_view units = "KMGT";
    if (word.ends_with("iB") && word.size() > 2) {
        word.remove_suffix(2);
        if (units.find(word.back()) == units.npos) return false;
    }
    unsigned shift = 0;
    if (auto const unit = word.empty() ? units.npos : units.find(word.back()); unit != units.npos) {
        shift = 10 * (static_cast<unsigned>(unit) + 1);
        word.remove_suffix(1);
    }
    if (!parse_decimal(word, bytes) || bytes > std::numeric_limits<std::uint64_t>::max() >> shift)
        return false;
    bytes <<= shift;
    return true;
}

/// Throws CLI::ValidationError for a word that is no size.
inline CLI::Option* add_size(CLI::App& app, std::string const& name, std::uint64_t& chosen,
                             std::string help) {
    auto const take = [&chosen, name](std::string const& word) {
        if (!parse_size(word, chosen))
            throw CLI::ValidationError(
                name, fmt::format("'{}' is no size: a number, or one with K, M, G, T or KiB, MiB, "
                                  "GiB, TiB",
                                  word));
    };
    return app.add_option_function<std::string>(name, take, std::move(help))->type_name("SIZE");
}

} // namespace command_line
