// SPDX-License-Identifier: MIT
#include <fmt/format-inl.h>

// Templates of which fmt/format.h says that they are instantiated elsewhere.
namespace fmt {
template auto detail::thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto detail::decimal_point_impl<char>(locale_ref) -> char;
} // namespace fmt
