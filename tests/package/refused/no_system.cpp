// SPDX-License-Identifier: MIT
// refused: constraint
#include <dmabuf/kernel/process.hpp>

struct half_a_system {
    int open(int, char const*, int) const { return -1; }
};

#ifdef TWIN
using type = dmabuf::process<>;
#else
using type = dmabuf::process<half_a_system>;
#endif
type* use();
