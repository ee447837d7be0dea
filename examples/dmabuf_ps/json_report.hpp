// SPDX-License-Identifier: MIT
//
// The JSON output, as SCHEMA.md describes it.
#pragma once

#include "rights.hpp"
#include "selection.hpp"

#include <string>

namespace dmabuf_ps {

std::string json_report(dmabuf::snapshot const& now, selection const& shown, rights const& mine);

} // namespace dmabuf_ps
