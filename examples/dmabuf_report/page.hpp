// SPDX-License-Identifier: MIT
//
// The page.
#pragma once

#include "scene.hpp"

#include <string>

namespace dmabuf_report {

/// One HTML document that loads nothing. Of the same scene the same bytes.
std::string page(scene const& of);

} // namespace dmabuf_report
