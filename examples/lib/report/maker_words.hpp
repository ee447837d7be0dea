// SPDX-License-Identifier: MIT
//
// The maker of one buffer, and the buffer's age, in words.
#pragma once

#include <dmabuf/snapshot.hpp>

#include <cstdint>
#include <string>

namespace report {

/// "217 krita"
std::string words_of(dmabuf::actor const& who);

/// "45 s", "3 min", "2 h", "5 d"
std::string age_words(std::uint64_t ns);

/// "217 krita", and of a maker that has ended whether its number is another process's now; else the
/// reason why no maker is told. "-" where nothing was read.
std::string maker_words(dmabuf::origin_state state, dmabuf::actor const& maker);
std::string maker_words(dmabuf::snapshot const& now, dmabuf::buffer const& one);

/// The age of a buffer; "-" where its maker is not told, "?" without a clock.
std::string age_cell_words(dmabuf::snapshot const& now, dmabuf::buffer const& one);

/// Why no maker is told, and the command that has later ones told. Empty where makers were read or
/// not asked for.
std::string not_watched_words(dmabuf::snapshot const& now);

} // namespace report
