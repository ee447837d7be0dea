// SPDX-License-Identifier: MIT
//
// A parser test is a table of bytes. Every table is checked while it is compiled, where the
// language refuses whatever is undefined, and again when the tests run, from memory that ends where
// the text ends, where the address sanitizer sees whoever reads on.
#pragma once

#include "catch.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace table {

/// The number of the first row that does not hold; -1 when all do.
template<class Row, std::size_t N>
constexpr int first_wrong(Row const (&rows)[N]) {
    for (std::size_t i = 0; i < N; ++i)
        if (!rows[i].holds(rows[i].text)) return static_cast<int>(i);
    return -1;
}

/// The same bytes in an allocation of just their size.
class exactly {
public:
    explicit exactly(std::string_view text)
        : bytes_(new char[text.size()])
        , size_(text.size()) {
        text.copy(bytes_.get(), text.size());
    }
    [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_;
};

template<class Row, std::size_t N>
void check(Row const (&rows)[N]) {
    for (std::size_t i = 0; i < N; ++i) {
        exactly const text(rows[i].text);
        INFO("row " << i << ": " << Catch::Detail::stringify(std::string(rows[i].text)));
        CHECK(rows[i].holds(text.view()));
    }
}

} // namespace table

/// A constexpr array of rows, each with `text` and `holds(text)`.
#define CHECK_TABLE(rows)                          \
    static_assert(table::first_wrong(rows) == -1); \
    table::check(rows)
