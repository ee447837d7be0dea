// SPDX-License-Identifier: MIT
//
// Addresses to listen to. The HTTP server knows more forms, as ports with TLS: none is let through.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmabuf_exporter {

inline constexpr unsigned default_port = 9948;

/// "127.0.0.1:9948" or "[::1]:9948": an address in numbers, and a port up to 65535. Port 0 is any
/// that is free.
bool is_listen_address(std::string_view word);

/// The default port of 127.0.0.1; `with_ipv6`: of ::1 too, where this kernel has it.
std::vector<std::string> loopback_addresses(bool with_ipv6);

} // namespace dmabuf_exporter
