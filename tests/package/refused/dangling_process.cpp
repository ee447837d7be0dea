// SPDX-License-Identifier: MIT
// refused: deleted function [^(]*[^a-z_]read_maps
#include <dmabuf/kernel/maps.hpp>

std::uint64_t use();

std::uint64_t use() {
    std::uint64_t bytes = 0;
#ifdef TWIN
    auto const process = dmabuf::open_process(1);
    for (auto const& found : dmabuf::read_maps(*process, 1))
#else
    for (auto const& found : dmabuf::read_maps(*dmabuf::open_process(1), 1))
#endif
        bytes += found ? found->size_bytes() : 0;
    return bytes;
}
