// SPDX-License-Identifier: MIT
#include "listen_address.hpp"

#include <dmabuf/kernel/files.hpp>
#include <dmabuf/text.hpp>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace dmabuf_exporter {

namespace {

bool is_port(std::string_view word) {
    std::uint16_t port = 0;
    return dmabuf::detail::parse_number(word, port);
}

bool is_address(int family, std::string_view word) {
    ::in6_addr space{};
    return ::inet_pton(family, std::string(word).c_str(), &space) == 1;
}

bool has_ipv6_loopback() {
    ::sockaddr_in6 loopback{};
    loopback.sin6_family = AF_INET6;
    loopback.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    dmabuf::unique_fd<> const tried(dmabuf::live_system{},
                                    ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto const* const address = reinterpret_cast<::sockaddr const*>(&loopback);
    return tried.is_open() && ::bind(tried.get(), address, sizeof loopback) == 0;
}

} // namespace

bool is_listen_address(std::string_view word) {
    if (word.find('\0') != word.npos) return false;
    auto const colon = word.rfind(':');
    if (colon == word.npos || !is_port(word.substr(colon + 1))) return false;
    auto address = word.substr(0, colon);
    if (!address.starts_with('[') || !address.ends_with(']')) return is_address(AF_INET, address);
    address.remove_prefix(1);
    address.remove_suffix(1);
    return is_address(AF_INET6, address);
}

std::vector<std::string> loopback_addresses(bool with_ipv6) {
    std::vector<std::string> all{fmt::format("127.0.0.1:{}", default_port)};
    if (with_ipv6 && has_ipv6_loopback()) all.push_back(fmt::format("[::1]:{}", default_port));
    return all;
}

} // namespace dmabuf_exporter
