// SPDX-License-Identifier: MIT
// refused: nodiscard
#include <dmabuf/dmabuf.hpp>

void use(dmabuf::sampler& sampler, dmabuf::snapshot& now);

void use(dmabuf::sampler& sampler, dmabuf::snapshot& now) {
#ifdef TWIN
    if (!sampler.sample(now)) return;
#else
    sampler.sample(now);
#endif
}
