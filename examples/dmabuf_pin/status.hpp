// SPDX-License-Identifier: MIT
//
// The pinned files, their readers, and the directories on the way that let nobody pass.
#pragma once

#include <string>

namespace dmabuf_pin {

std::string status_words(std::string const& path);

} // namespace dmabuf_pin
