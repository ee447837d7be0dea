// SPDX-License-Identifier: MIT
//
// Names as a command line writes them.
#pragma once

#include <dmabuf/text.hpp>

#include <iterator>
#include <string>
#include <string_view>

namespace selection {

/// A name as reports show it: bytes that are not printable UTF-8 as \xHH, a backslash as \\. `*`
/// stands for any characters, also none, and `?` for one; all other characters stand for
/// themselves.
class pattern {
public:
    explicit pattern(std::string text)
        : text_(std::move(text)) {}

    /// Whether all of a name, as it is shown, fits.
    /// Cost: the product of both lengths at most.
    [[nodiscard]] bool fits_shown(std::string_view name) const;

    /// The same of raw bytes.
    [[nodiscard]] bool fits(std::string_view name) const {
        std::string shown;
        dmabuf::escape(name, std::back_inserter(shown));
        return fits_shown(shown);
    }
    template<std::size_t Capacity>
    [[nodiscard]] bool fits(dmabuf::inline_text<Capacity> const& name) const {
        return fits_shown(escaped(name).view());
    }

private:
    std::string text_;
};

} // namespace selection
