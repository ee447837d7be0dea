// SPDX-License-Identifier: MIT
//
// The sources that answered, the reasons why no better one did, and the remedies here, in words.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "rights.hpp"

#include <string>
#include <string_view>

namespace report {

/// The sources of references, sizes and the list of all buffers; how much was read in what time.
/// `kernel`: the release, as `uname -r` has it.
std::string source_words(dmabuf::snapshot const& now, rights const& mine, std::string_view kernel);

/// The reason why `wanted` did not serve, and the remedy.
std::string why_not_served(dmabuf::source wanted, dmabuf::coverage const& seen, rights const& mine);

} // namespace report
