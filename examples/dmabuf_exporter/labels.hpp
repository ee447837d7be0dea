// SPDX-License-Identifier: MIT
//
// Values of labels, made of names that others chose.
#pragma once

#include <dmabuf/text.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace dmabuf_exporter {

inline constexpr std::size_t longest_label = 200;
inline constexpr std::string_view other_label = "other";     ///< all that do not fit, added up
inline constexpr std::string_view unknown_label = "unknown"; ///< the name could not be read

/// The name, escaped. Two names have two labels: a longer one is cut, and ends in the library's
/// mark and a hash of the whole name, as does a name that is one of the two words above.
std::string label_of(std::string_view name);

/// The label of a name of which only this part is known, and the hash of the whole.
std::string cut_label_of(std::string_view part, std::uint64_t whole_hash);

/// The label of a name that the library may have cut already. Its label ends in the mark, and is
/// that of all names that begin so.
template<std::size_t Capacity>
std::string label_of(dmabuf::inline_text<Capacity> const& name) {
    if (name.empty()) return std::string(unknown_label);
    auto label = label_of(name.view());
    return name.truncated() ? label.append(dmabuf::cut_mark) : label;
}

} // namespace dmabuf_exporter
