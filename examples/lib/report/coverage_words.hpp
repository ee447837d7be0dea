// SPDX-License-Identifier: MIT
//
// What could not be seen, why, and what would help, in words.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "rights.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace report {

/// What lets this program read the processes that it may not read now.
std::string_view what_would_help(rights const& mine);

/// The same for a program that could not read some of the processes, which may have been its own
/// too.
std::string_view what_would_help(dmabuf::coverage const& seen, rights const& mine);

/// Hands out one sentence for everything that may be missing: none where the coverage is complete
/// and every count is exact. Allocates nothing.
void what_is_missing(dmabuf::snapshot const& now, rights const& mine,
                     std::function<void(std::string_view)> const& take);

/// The sentence that the coverage is complete, or what is missing. Never empty.
std::string coverage_words(dmabuf::snapshot const& now, rights const& mine);

/// Which source answered, and why not a better one; how much was read in what time.
std::string source_words(dmabuf::snapshot const& now);

} // namespace report
