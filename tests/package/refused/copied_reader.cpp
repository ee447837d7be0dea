// SPDX-License-Identifier: MIT
// refused: (deleted|implicitly-deleted)
#include <dmabuf/kernel/maps.hpp>

void use(dmabuf::maps_reader<>& maps);

void use(dmabuf::maps_reader<>& maps) {
#ifdef TWIN
    auto other = std::move(maps);
#else
    auto other = maps;
#endif
    (void)other;
}
