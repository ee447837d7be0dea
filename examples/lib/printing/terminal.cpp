// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <dmabuf/text.hpp>

#include "characters.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace printing {

namespace {

/// The value of a variable of the environment. Empty where it is not set.
std::string_view variable(char const* name) {
    char const* const value = std::getenv(name);
    return value ? value : "";
}

std::optional<std::size_t> width_of_variable() {
    std::uint16_t columns = 0;
    bool const is_number = dmabuf::detail::parse_number(variable("COLUMNS"), columns);
    return is_number && columns != 0 ? std::optional<std::size_t>(columns) : std::nullopt;
}

/// The code set in LANGUAGE_COUNTRY.CODESET@MODIFIER, in lower case and without a hyphen.
std::string code_set(std::string_view locale) {
    auto const point = locale.find('.');
    if (point == locale.npos) return {};
    locale.remove_prefix(point + 1);
    std::string name;
    for (char const c : locale.substr(0, locale.find('@')))
        if (c != '-') name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
}

} // namespace

std::optional<std::size_t> terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) return size.ws_col;
    if (auto const told = width_of_variable()) return told;
    return ::isatty(STDOUT_FILENO) == 1 ? std::optional<std::size_t>(80) : std::nullopt;
}

bool prints_utf8() {
    for (auto const* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (auto const locale = variable(name); !locale.empty()) return code_set(locale) == "utf8";
    return true;
}

std::string printable(std::string text) {
    return prints_utf8() ? text : in_ascii(text);
}

} // namespace printing
