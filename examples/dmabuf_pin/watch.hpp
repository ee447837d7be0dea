// SPDX-License-Identifier: MIT
//
// The programs that note who makes each buffer and who attaches a device to it.
#pragma once

#include "programs.hpp"

#include <records.h>

namespace dmabuf_pin {

/// Loads and attaches them, with what an earlier run noted where it can be taken over. Empty, or
/// what went wrong in words.
std::string load_watch(dmabuf_bpf_settings const& settings, options const& chosen, programs& all);

} // namespace dmabuf_pin
