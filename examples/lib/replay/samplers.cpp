// SPDX-License-Identifier: MIT
#include "samplers.hpp"

template class dmabuf::basic_sampler<replay::recording_system<>>;
template class dmabuf::basic_sampler<replay::replayed_system>;
