// SPDX-License-Identifier: MIT
#include <fmt/format-inl.h>

// Templates of which fmt/format.h says that they are instantiated elsewhere.
namespace fmt::detail {
template auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto decimal_point_impl<char>(locale_ref) -> char;
#if FMT_VERSION >= 100000
template void vformat_to<char>(buffer<char>&, string_view, vformat_args<char>::type, locale_ref);
#endif
} // namespace fmt::detail
