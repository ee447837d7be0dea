// SPDX-License-Identifier: MIT
//
// Options whose value is one of some words.
#pragma once

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <map>
#include <string>

namespace command_line {

/// CLI11's transformers print the numbers behind the words in --help; this prints the words.
/// `choices` must outlive the parsing.
template<class Value>
CLI::Option* add_choice(CLI::App& app, std::string const& name, Value& chosen,
                        std::map<std::string, Value> const& choices, std::string const& help) {
    std::string words;
    for (auto const& [word, value] : choices)
        words += (words.empty() ? "" : ", ") + word;
    auto const take = [&chosen, &choices, name, words](std::string const& word) {
        auto const found = choices.find(word);
        if (found == choices.end())
            throw CLI::ValidationError(name, fmt::format("'{}' is none of {}", word, words));
        chosen = found->second;
    };
    return app.add_option_function<std::string>(name, take, fmt::format("{} ({})", help, words));
}

} // namespace command_line
