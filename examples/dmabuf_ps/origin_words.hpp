// SPDX-License-Identifier: MIT
//
// The makers of buffers and the devices attached to them, in words.
#pragma once

#include <dmabuf/origins.hpp>

#include "tables.hpp"

#include <string>

namespace dmabuf_ps {

/// The makers of the buffers that no process holds: a line each, with devices and their importers.
/// Empty where makers were not asked for or not read.
std::string unheld_makers(dmabuf::snapshot const& now, table_style const& style);

/// How many of the attached devices that the watch tells may have been detached since. `table`: the
/// devices of held buffers are shown, too. Empty where it is none of those shown.
std::string detached_words(dmabuf::snapshot const& now, bool table);

} // namespace dmabuf_ps
