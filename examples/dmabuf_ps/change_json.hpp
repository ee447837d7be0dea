// SPDX-License-Identifier: MIT
//
// Changes as JSON: the fields of `diff` in SCHEMA.md.
#pragma once

#include "changes.hpp"
#include "report/json_writer.hpp"

namespace dmabuf_ps {

/// One object.
void write_changes(report::json_writer& out, observation const& seen,
                   dmabuf::snapshot_diff const& changed);

/// The object of `dmabuf_ps --diff-with FILE --json`.
void write_comparison(report::json_writer& out, observation const& seen,
                      dmabuf::snapshot_diff const& changed);

} // namespace dmabuf_ps
