// SPDX-License-Identifier: MIT
// refused: (cannot bind|non-const lvalue)
#include <dmabuf/kernel/sysfs_buffers.hpp>

std::uint64_t use(std::string_view text);

std::uint64_t use(std::string_view text) {
#ifdef TWIN
    auto const size = dmabuf::parse_sysfs_size(text).value();
#else
    auto& size = dmabuf::parse_sysfs_size(text).value();
#endif
    return size;
}
