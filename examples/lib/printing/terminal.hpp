// SPDX-License-Identifier: MIT
//
// The standard output that the tables are made for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace printing {

/// The columns that a line may take: those of the terminal; where standard output is none, or one
/// that does not tell, those of the variable COLUMNS; on a terminal without either 80. Nothing:
/// lines may be as long as they are, as in a pipe.
std::optional<std::size_t> terminal_width();

/// Whether UTF-8 is understood, by the first of LC_ALL, LC_CTYPE and LANG that is set. Where none
/// is, as with services and in small systems, it is taken to be.
bool prints_utf8();

/// The text as it is to be printed, in ASCII where UTF-8 is not understood.
std::string printable(std::string text);

} // namespace printing
