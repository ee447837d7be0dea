// SPDX-License-Identifier: MIT
//
// Text in aligned columns, fitted to the width of a terminal.
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
    bool shrinks = false; ///< may be cut with "…" where the line would be too long
};

class columns {
public:
    explicit columns(std::vector<column> heads)
        : heads_(std::move(heads)) {}

    /// As many cells as there are columns.
    void add_row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

    /// Without a width nothing is cut.
    std::string text(std::optional<std::size_t> width) const;

private:
    std::vector<std::size_t> natural_widths() const;
    void shrink(std::vector<std::size_t>& widths, std::size_t width) const;

    std::vector<column> heads_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace dmabuf_ps
