// SPDX-License-Identifier: MIT
//
// The samplers that record and replay, compiled once for all files that use them.
#pragma once

#include <dmabuf/sampler.hpp>

#include "recording_system.hpp"
#include "replayed_system.hpp"

extern template class dmabuf::basic_sampler<replay::recording_system<>>;
extern template class dmabuf::basic_sampler<replay::replayed_system>;
