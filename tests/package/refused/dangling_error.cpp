// SPDX-License-Identifier: MIT
// refused: (cannot bind|cannot be bound|non-const lvalue)
#include <dmabuf/kernel/sysfs_buffers.hpp>

int use(std::string_view text);

int use(std::string_view text) {
#ifdef TWIN
    auto const& why = dmabuf::parse_sysfs_size(text).error(); // a copy, which lives as long
#else
    auto& why = dmabuf::parse_sysfs_size(text).error();
#endif
    return why.error;
}

static_assert(!std::is_reference_v<decltype(dmabuf::parse_sysfs_size({}).error())>);
static_assert(!std::is_reference_v<decltype(dmabuf::result<void>().error())>);
static_assert(!std::is_reference_v<decltype(std::declval<dmabuf::result<void> const>().error())>);
