// SPDX-License-Identifier: MIT
//
// The room that text takes on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace printing {

/// The columns of escaped text: 2 for each wide character (Chinese, Japanese, Korean, most emoji),
/// 0 for each that combines with the one before, 1 for all others. Unicode 14: a terminal with
/// another version may differ in a few.
std::size_t width_of(std::string_view text);

/// The longest beginning of `text` that takes `width` columns or less.
std::string_view first_columns(std::string_view text, std::size_t width);

/// All of `text`, or as much of it as fits `width` columns with "…" behind it, or in ASCII `\..`.
std::string cut(std::string_view text, std::size_t width, bool utf8);

/// The text in ASCII: the marks of the reports as `>=`, `->`, `x` and `...`, each other byte as
/// `\xHH`.
std::string in_ascii(std::string_view text);

} // namespace printing
