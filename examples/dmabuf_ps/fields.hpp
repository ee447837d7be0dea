// SPDX-License-Identifier: MIT
//
// The columns of each view, by which people and programs know them: SCHEMA.md describes them.
#pragma once

#include "options.hpp"
#include "rows/rows.hpp"

#include <vector>

namespace dmabuf_ps {

/// The fields of the rows that the options ask for.
std::vector<rows::field> fields_of(options const& chosen);

/// Whether a field of this key is shown.
bool shows(options const& chosen, std::string_view key);

} // namespace dmabuf_ps
