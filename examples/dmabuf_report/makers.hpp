// SPDX-License-Identifier: MIT
//
// The maker of a buffer in words.
#pragma once

#include <dmabuf/snapshot.hpp>

#include <string>

namespace dmabuf_report {

/// "allocator (812)", "made before the watch"; empty where nothing watches. Escaped.
std::string maker_words(dmabuf::snapshot const& now, dmabuf::buffer const& one);

} // namespace dmabuf_report
