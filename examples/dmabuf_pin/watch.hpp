// SPDX-License-Identifier: MIT
//
// The programs that note the maker of each buffer, and the process that attaches a device to it.
#pragma once

#include "programs.hpp"

#include <records.h>

namespace dmabuf_pin {

/// Loads and attaches them, with the notes of an earlier run where these can be taken over. Returns
/// a failure in words, or nothing.
std::string load_watch(dmabuf_bpf_settings const& settings, options const& chosen, programs& all);

} // namespace dmabuf_pin
