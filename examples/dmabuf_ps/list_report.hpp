// SPDX-License-Identifier: MIT
//
// A list of all DMA-BUFs that somebody handed on, without the processes that hold them.
#pragma once

#include "lists/pasted_list.hpp"
#include "options.hpp"

#include <string>

namespace dmabuf_ps {

/// As text, or with `json` as one JSON object (see SCHEMA.md).
std::string list_report(lists::pasted_list list, options const& chosen);

/// Reads the list that `chosen.bufinfo` names, and prints it. Returns the exit status.
int show_list(options const& chosen);

} // namespace dmabuf_ps
