// SPDX-License-Identifier: MIT
//
// The other one, compiled for another standard, without exceptions and without RTTI.
#include <dmabuf/dmabuf.hpp>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this unit is to be compiled with -fno-exceptions -fno-rtti"
#endif

dmabuf::failure other_unit(dmabuf::snapshot& now, dmabuf::sampler& sampler);

dmabuf::failure other_unit(dmabuf::snapshot& now, dmabuf::sampler& sampler) {
    auto const done = sampler.sample(now);
    for (auto const& holder : dmabuf::by_process(now))
        if (dmabuf::escaped(holder.comm).truncated()) return {};
    return done ? dmabuf::failure{} : done.error();
}
