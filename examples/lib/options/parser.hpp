// SPDX-License-Identifier: MIT
//
// The command line of every program: CLI11 with --help and --version, and with words in place of
// its exceptions.
#pragma once

#include <dmabuf/version.hpp>

#include "exit_status.hpp"
#include "last_words.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <functional>
#include <optional>
#include <string>

namespace command_line {

class parser : public CLI::App {
public:
    /// `description` stands before the options in --help, `footer` and the exit statuses behind
    /// them.
    parser(std::string const& program, std::string const& description, std::string const& footer)
        : CLI::App(description, program) {
        this->footer(footer + "\n\n" + exit_statuses);
        get_formatter()->column_width(32); // man pages are made of --help, by the two blanks
        get_help_ptr()->description("Print this and exit"); // -h,--help
        set_version_flag("--version",
                         fmt::format("{} {}.{}.{}", program, DMABUF_VERSION_MAJOR,
                                     DMABUF_VERSION_MINOR, DMABUF_VERSION_PATCH),
                         "Print the version and exit");
    }

    /// Reads the arguments into the options' variables, and calls `check`, which throws
    /// CLI::ValidationError for options that do not go together. Returns nothing where the program
    /// is to go on.
    std::optional<last_words> read(int count, char const* const* arguments,
                                   std::function<void()> const& check) {
        try {
            parse(count, arguments);
            check();
        } catch (CLI::CallForHelp const&) {
            return last_words{0, help()};
        } catch (CLI::CallForVersion const& version) {
            return last_words{0, fmt::format("{}\n", version.what())};
        } catch (CLI::ParseError const& wrong) {
            return last_words{wrong_usage,
                              fmt::format("{0}: {1}\nTry: {0} --help\n", get_name(), wrong.what())};
        }
        return std::nullopt;
    }
};

} // namespace command_line
