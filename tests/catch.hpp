// SPDX-License-Identifier: MIT
//
// Catch2 3 or 2, whichever the distribution has. Tests are written for 3.
#pragma once

#include <dmabuf/text.hpp>

#include <iterator>
#include <string>

#if __has_include(<catch2/catch_test_macros.hpp>)

#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_adapters.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#else

#include <catch2/catch.hpp>

namespace Catch::Matchers {

inline auto ContainsSubstring(std::string const& text) {
    return Contains(text);
}

} // namespace Catch::Matchers

#endif

/// Prints a name where a test fails.
template<std::size_t Capacity>
struct Catch::StringMaker<dmabuf::inline_text<Capacity>> {
    static std::string convert(dmabuf::inline_text<Capacity> const& name) {
        std::string shown;
        dmabuf::escape(name, std::back_inserter(shown));
        if (name.truncated()) shown += dmabuf::cut_mark;
        return Detail::stringify(shown);
    }
};
