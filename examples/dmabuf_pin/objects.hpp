// SPDX-License-Identifier: MIT
//
// The compiled programs, for this machine's byte order, as ELF objects.
#pragma once

#include <string_view>

namespace dmabuf_pin {

std::string_view holders_object();
std::string_view buffers_object();
std::string_view origins_object();

} // namespace dmabuf_pin
