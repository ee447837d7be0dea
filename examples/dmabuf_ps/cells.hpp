// SPDX-License-Identifier: MIT
//
// How single values look in the tables.
#pragma once

#include <dmabuf/fmt.hpp>

#include "report/visible.hpp"
#include "rows/rows.hpp"
#include "tables.hpp"

#include <string>
#include <string_view>

namespace dmabuf_ps {

inline std::string size(std::uint64_t bytes, table_style const& style) {
    return style.exact_bytes ? fmt::format("{}", bytes) : fmt::format("{}", dmabuf::bytes{bytes});
}

/// A sum is a lower bound where it leaves out buffers of unknown size.
inline std::string sum(dmabuf::known_number<std::uint64_t> bytes, std::size_t buffers,
                       std::size_t unsized, table_style const& style) {
    if (!bytes.has_value() || (unsized == buffers && unsized != 0)) return "?";
    return (unsized == 0 ? "" : "≥ ") + size(*bytes, style);
}

/// The bytes that were added or taken away, with a sign.
inline std::string difference(std::uint64_t before, std::uint64_t after, table_style const& style) {
    if (before == after) return "0";
    return after > before ? "+" + size(after - before, style) : "-" + size(before - after, style);
}

using report::visible;

inline std::string exporter_cell(dmabuf::exporter_name const& name) {
    return name.empty() ? "?" : fmt::format("{}", name);
}

/// "1 process", "3 buffers"
inline std::string counted(std::size_t count, std::string_view one) {
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : one.ends_with('s') ? "es" : "s");
}

// --- values as they are, beside their looks

inline rows::cell number_cell(std::uint64_t number) {
    return {number, fmt::format("{}", number)};
}

inline rows::cell size_cell(std::uint64_t bytes, bool known, table_style const& style) {
    return known ? rows::cell{bytes, size(bytes, style)} : rows::cell{{}, "?"};
}

inline rows::cell sum_cell(dmabuf::known_number<std::uint64_t> bytes, std::size_t buffers,
                           std::size_t unsized, table_style const& style) {
    bool const unknown = !bytes.has_value() || (unsized != 0 && unsized == buffers);
    return {unknown ? rows::value() : rows::value(*bytes), sum(bytes, buffers, unsized, style)};
}

template<class Name>
rows::cell name_cell(Name const& name) {
    return {fmt::format("{}", name), visible(name)};
}

inline rows::cell exporter_name_cell(dmabuf::exporter_name const& name) {
    return {name.empty() ? rows::value() : rows::value(fmt::format("{}", name)),
            exporter_cell(name)};
}

} // namespace dmabuf_ps
