// SPDX-License-Identifier: MIT
//
// The makers of buffers and the devices attached to them, in words.
#pragma once

#include <dmabuf/origins.hpp>

#include "tables.hpp"

#include <cstdint>
#include <string>

namespace dmabuf_ps {

/// "45 s", "3 min", "2 h", "5 d"
std::string age_words(std::uint64_t ns);

/// "217 krita", and of a maker that has ended whether its number is another process's now; else the
/// reason why no maker is told. "-" where nothing was read.
std::string maker_words(dmabuf::origin_state state, dmabuf::actor const& maker);
std::string maker_words(dmabuf::snapshot const& now, dmabuf::buffer const& one);

/// The age of a buffer; "-" where its maker is not told, "?" without a clock.
std::string age_cell_words(dmabuf::snapshot const& now, dmabuf::buffer const& one);

/// The makers of the buffers that no process holds: a line each, with devices and their importers.
/// Empty where makers were not asked for or not read.
std::string unheld_makers(dmabuf::snapshot const& now, table_style const& style);

/// How many of the attached devices that the watch tells may have been detached since. `table`: the
/// devices of held buffers are shown, too. Empty where it is none of those shown.
std::string detached_words(dmabuf::snapshot const& now, bool table);

/// Why no maker is told, and the command that has later ones told. Empty where makers were read or
/// not asked for.
std::string not_watched_words(dmabuf::snapshot const& now);

} // namespace dmabuf_ps
