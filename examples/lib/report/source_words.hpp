// SPDX-License-Identifier: MIT
//
// Which sources answered, why no better one did, and what would help here, in words.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "rights.hpp"

#include <string>
#include <string_view>

namespace report {

/// The sources of references, sizes and the list of all buffers; how much was read in what time.
/// `kernel`: the release, as `uname -r` has it.
std::string source_words(dmabuf::snapshot const& now, rights const& mine, std::string_view kernel);

/// Why `wanted` did not serve, and what would help.
std::string why_not_served(dmabuf::source wanted, dmabuf::coverage const& seen, rights const& mine);

} // namespace report
