// SPDX-License-Identifier: MIT
//
// The page's script and style sheet, as page/bundle.js made them, and what belongs to them.
#pragma once

#include <string_view>

namespace dmabuf_report {

std::string_view script();
std::string_view style();
std::string_view notices(); ///< the licences of the libraries in the script, plain text
std::string_view policy();  ///< the content security policy that names both by their hashes

} // namespace dmabuf_report
