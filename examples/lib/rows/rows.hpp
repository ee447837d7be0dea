// SPDX-License-Identifier: MIT
//
// Rows of named values: for people as a table, for programs as CSV and as NDJSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rows {

using names = std::vector<std::string>;
using numbers = std::vector<std::uint64_t>;

/// Text and names are escaped, and so printable UTF-8. Nothing: it is not known, or there is none.
/// A fraction is printed with six digits.
using value =
    std::variant<std::monostate, std::uint64_t, bool, std::string, names, numbers, double>;

struct cell {
    value exact;
    std::string shown; ///< to people
};

/// The kind of a column.
enum class layout : std::uint8_t { number, text, long_text };

struct field {
    std::string_view key; ///< in CSV, in NDJSON, and in --columns
    std::string_view title;
    layout how = layout::number;
    bool for_people = true; ///< in a table where nobody chose the columns
};

struct table {
    std::vector<field> fields;
    std::vector<std::vector<cell>> rows; ///< each with a cell for each field
};

/// Whether `name` is the key or the title of a field; upper and lower case are the same.
bool is_called(field const& one, std::string_view name);

/// The wanted fields, by name and in this order; all of them where none is wanted, or those for
/// people. Names that no field has are left out.
table with_columns(table all, std::vector<std::string> const& wanted, bool for_people);

/// RFC 4180: a header line of keys, lines that end in CR LF. An unknown value is an empty field,
/// and an empty text two quotes. Values of a list have blanks between them, and a blank in such a
/// value is \x20. The first character of a text that a spreadsheet takes for a formula, one of
/// `=+-@`, is \xHH.
std::string csv(table const& all);

/// One JSON object a line, with null for an unknown value.
std::string ndjson(table const& all);

} // namespace rows
