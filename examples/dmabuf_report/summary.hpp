// SPDX-License-Identifier: MIT
//
// The words on top of the page: it says all that matters where no script runs, too.
#pragma once

#include "account.hpp"
#include "scene.hpp"

#include <string>

namespace dmabuf_report {

/// HTML.
std::string summary(scene const& of, account const& shown);

} // namespace dmabuf_report
