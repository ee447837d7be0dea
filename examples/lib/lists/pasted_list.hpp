// SPDX-License-Identifier: MIT
//
// The kernel's bufinfo out of a bug report or a mail, from 3.10 on: blanks in place of tabs, quoted
// lines, quoted-printable, rows that a mail program broke.
#pragma once

#include <dmabuf/kernel/bufinfo.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lists {

struct pasted_list {
    std::vector<dmabuf::bufinfo_buffer> buffers;
    std::vector<std::uint32_t> odd_lines; ///< of the text, from 1: each a buffer that is missing
    bool has_inodes = false;
    bool whole = false; ///< its last line counts just these rows
};

/// Reads the first list in a text. A name of a buffer is left out. Nothing where no line is the
/// header of a list.
std::optional<pasted_list> read_pasted(std::string_view text);

} // namespace lists
