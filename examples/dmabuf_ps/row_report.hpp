// SPDX-License-Identifier: MIT
//
// CSV and NDJSON: rows alone, as SCHEMA.md describes them.
#pragma once

#include "observation.hpp"
#include "options.hpp"
#include "rows/rows.hpp"
#include "selection.hpp"

#include <string>

namespace dmabuf_ps {

/// These rows, with the columns and in the format that was asked for.
std::string in_rows(rows::table all, options const& chosen);

std::string row_report(observation const& seen, selection const& shown, options const& chosen);

} // namespace dmabuf_ps
