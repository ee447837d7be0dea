// SPDX-License-Identifier: MIT
//
// Changes as tables for people.
#pragma once

#include "changes.hpp"
#include "tables.hpp"

#include <string>

namespace dmabuf_ps {

/// A table of the rows asked for, with the sums below it.
std::string change_table(observation const& seen, dmabuf::snapshot_diff const& changed,
                         options const& chosen, table_style const& style);

} // namespace dmabuf_ps
