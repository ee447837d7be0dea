// SPDX-License-Identifier: MIT
//
// Options that name one file or directory. An empty name, as of a shell's variable that is not set,
// is refused: it looks like an option that was not given.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <utility>

namespace command_line {

/// `name` takes a path that is not empty.
inline CLI::Option* add_file(CLI::App& app, std::string const& name, std::string& chosen,
                             std::string help) {
    auto const take = [&chosen, name](std::string const& word) {
        if (word.empty()) throw CLI::ValidationError(name, "it is empty");
        chosen = word;
    };
    return app.add_option_function<std::string>(name, take, std::move(help))->type_name("FILE");
}

} // namespace command_line
