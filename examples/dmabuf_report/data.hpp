// SPDX-License-Identifier: MIT
//
// The data of the page as JSON: README.md describes it.
#pragma once

#include "account.hpp"
#include "report/json_writer.hpp"
#include "scene.hpp"

namespace dmabuf_report {

/// Of a scene and the part of its snapshot that is shown.
void write_data(report::json_writer& out, scene const& of, account const& shown);

} // namespace dmabuf_report
