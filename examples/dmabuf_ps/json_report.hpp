// SPDX-License-Identifier: MIT
//
// The JSON output, as SCHEMA.md describes it.
#pragma once

#include "observation.hpp"
#include "options.hpp"
#include "report/json_writer.hpp"
#include "selection.hpp"

namespace dmabuf_ps {

void json_report(observation const& seen, selection const& shown, options const& chosen,
                 report::text_sink& to);

} // namespace dmabuf_ps
