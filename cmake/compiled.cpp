// SPDX-License-Identifier: MIT
//
// The sampler, compiled once for a program of which several files take samples: dmabuf::compiled.
#include <dmabuf/sampler.hpp>

template class dmabuf::basic_sampler<>;
