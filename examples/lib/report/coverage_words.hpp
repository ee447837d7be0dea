// SPDX-License-Identifier: MIT
//
// The gaps of a snapshot, their reasons and their remedies, in words.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "rights.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace report {

/// The right that lets this program read the processes that it may not read now.
std::string_view what_would_help(rights const& mine);

/// The same for a program that could not read some of the processes, which may have been its own
/// too.
std::string_view what_would_help(dmabuf::coverage const& seen, rights const& mine);

/// The bytes of all buffers that are known: those that processes hold, and those that the kernel's
/// list has beside. None where no list was compared.
std::optional<std::uint64_t> known_bytes(dmabuf::snapshot const& now);

/// Hands out one sentence for each gap: none where all processes were seen, a list of all buffers
/// was compared, and every count is exact. Allocates nothing.
void what_is_missing(dmabuf::snapshot const& now, rights const& mine,
                     std::function<void(std::string_view)> const& take);

/// Whether there is such a sentence.
bool has_gaps(dmabuf::snapshot const& now, rights const& mine);

/// One sentence on the processes and one on the buffers, each with its gaps: whether all processes
/// were seen, and which list of all buffers was compared. Never empty.
std::string coverage_words(dmabuf::snapshot const& now, rights const& mine);

} // namespace report
