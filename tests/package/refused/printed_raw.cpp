// SPDX-License-Identifier: MIT
// To print the bytes that a process chose takes an act: escaped().
// refused: (no match|invalid operands)
#include <dmabuf/kernel/stat.hpp>

#include <iostream>

void use(dmabuf::task_stat const& found);

void use(dmabuf::task_stat const& found) {
#ifdef TWIN
    std::cout << escaped(found.comm).view();
#else
    std::cout << found.comm;
#endif
}
