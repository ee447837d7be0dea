// SPDX-License-Identifier: MIT
// What a walk learns outlives it.
// refused: (cannot bind|no matching function)
#include <dmabuf/kernel/fd_walk.hpp>

void use(dmabuf::process<> const& process);

void use(dmabuf::process<> const& process) {
    dmabuf::dmabuf_filesystem known;
#ifdef TWIN
    auto walk = dmabuf::walk_fds(process, 1, known);
#else
    auto walk = dmabuf::walk_fds(process, 1, std::move(known));
#endif
}
