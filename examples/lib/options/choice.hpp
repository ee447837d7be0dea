// SPDX-License-Identifier: MIT
//
// Options whose value is one of some words.
#pragma once

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace command_line {

template<class Value>
struct choice {
    std::string_view word;
    Value value;
};

/// CLI11's transformers print the numbers behind the words in --help; this prints the words.
/// `choices` must outlive the parsing.
template<class Value, class Chosen, std::size_t Count>
CLI::Option* add_choice(CLI::App& app, std::string const& name, Chosen& chosen,
                        std::array<choice<Value>, Count> const& choices, std::string const& help) {
    auto const words = [&choices] {
        std::string all;
        for (auto const& one : choices)
            (all += all.empty() ? "" : ", ") += one.word;
        return all;
    };
    auto const take = [&chosen, &choices, name, words](std::string const& word) {
        auto const found = std::ranges::find(choices, std::string_view(word), &choice<Value>::word);
        if (found == choices.end())
            throw CLI::ValidationError(name, fmt::format("'{}' is none of {}", word, words()));
        chosen = found->value;
    };
    return app.add_option_function<std::string>(name, take, help + " (" + words() + ")");
}

} // namespace command_line
