// SPDX-License-Identifier: MIT
//
// Text in aligned columns, fitted to the width of a terminal.
//
// libsmartcols, which lsfd prints by, was tried and is not used: it cuts names without a mark,
// doubles the backslashes of names that are escaped already, knows wide characters only where their
// locale is installed, and lets the line grow where it does not fit; Debian has it as a shared
// library alone, and these programs are static.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dmabuf_ps {

struct column {
    std::string title;
    bool right = false;   ///< numbers
    bool shrinks = false; ///< is cut before other text where the line would be too long
};

/// A column in which no row has anything ("-", which is not "?") is left out. Where the line is too
/// long for `width`, text is cut, down to eight columns, and ends with "…", or in ASCII "\..".
/// In a table that is still too wide, numbers stay whole: columns are left out, and the last line
/// names them.
class columns {
public:
    explicit columns(std::vector<column> heads);

    /// As many cells as there are columns.
    void add_row(std::vector<std::string> cells);

    /// Without a width nothing is cut.
    std::string text(std::optional<std::size_t> width) const;

private:
    [[nodiscard]] std::vector<std::size_t> columns_with_something() const;
    [[nodiscard]] std::vector<std::size_t> natural_widths() const;

    std::vector<column> heads_;
    std::vector<std::vector<std::string>> rows_;
    bool utf8_; ///< else cells are in ASCII
};

} // namespace dmabuf_ps
