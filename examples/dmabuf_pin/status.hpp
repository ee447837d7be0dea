// SPDX-License-Identifier: MIT
//
// What is pinned, who may read it, and whether they get that far.
#pragma once

#include <string>

namespace dmabuf_pin {

std::string status_words(std::string const& path);

} // namespace dmabuf_pin
