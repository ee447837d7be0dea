// SPDX-License-Identifier: MIT
//
// What changed between two samples.
#pragma once

#include <dmabuf/diff.hpp>

#include "options.hpp"
#include "tables.hpp"

#include <string>
#include <string_view>

namespace dmabuf_ps {

/// The changes that concern the processes asked for: their own, and those of buffers that they held
/// or hold.
dmabuf::snapshot_diff changes(observation const& seen, options const& chosen);

/// "appeared", "gone", "grew", "shrank" or "changed"
std::string_view word_for(dmabuf::holder_change const& one);
std::string_view word_for(dmabuf::buffer_change const& one);

/// A table of processes, or one of buffers, and what it all comes to.
std::string change_table(observation const& seen, dmabuf::snapshot_diff const& changed,
                         bool buffers, table_style const& style);

} // namespace dmabuf_ps
