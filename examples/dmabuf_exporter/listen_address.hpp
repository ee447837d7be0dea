// SPDX-License-Identifier: MIT
//
// Addresses to listen to.
#pragma once

#include <netinet/in.h>
#include <string>
#include <string_view>
#include <vector>

namespace dmabuf_exporter {

inline constexpr unsigned default_port = 9948;

/// "127.0.0.1:9948" or "[::1]:9948": an address in numbers, and a port up to 65535. Port 0 is any
/// that is free.
bool is_listen_address(std::string_view word);

/// As bind(2) takes it.
union socket_address {
    ::sockaddr any;
    ::sockaddr_in v4;
    ::sockaddr_in6 v6;

    [[nodiscard]] ::socklen_t size() const {
        return static_cast<::socklen_t>(any.sa_family == AF_INET6 ? sizeof v6 : sizeof v4);
    }
    [[nodiscard]] unsigned port() const {
        return ntohs(any.sa_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
    }
};

/// Of one for which `is_listen_address()` holds.
socket_address socket_address_of(std::string_view word);

/// The default port of 127.0.0.1, and of ::1 where this kernel has IPv6.
std::vector<std::string> loopback_addresses();

} // namespace dmabuf_exporter
