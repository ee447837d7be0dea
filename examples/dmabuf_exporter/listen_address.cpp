// SPDX-License-Identifier: MIT
#include "listen_address.hpp"

#include <dmabuf/kernel/files.hpp>
#include <dmabuf/text.hpp>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace dmabuf_exporter {

namespace {

/// Parses an address and a port. False where `word` is no such thing.
bool parse(std::string_view word, socket_address& found) {
    auto const colon = word.rfind(':');
    std::uint16_t port = 0;
    if (colon == word.npos || word.find('\0') != word.npos ||
        !dmabuf::detail::parse_number(word.substr(colon + 1), port))
        return false;
    std::string address(word.substr(0, colon));
    bool const is_v6 = address.starts_with('[') && address.ends_with(']');
    if (is_v6) address = address.substr(1, address.size() - 2);
    found = {};
    if (is_v6) {
        found.v6.sin6_family = AF_INET6;
        found.v6.sin6_port = htons(port);
        return ::inet_pton(AF_INET6, address.c_str(), &found.v6.sin6_addr) == 1;
    }
    found.v4.sin_family = AF_INET;
    found.v4.sin_port = htons(port);
    return ::inet_pton(AF_INET, address.c_str(), &found.v4.sin_addr) == 1;
}

bool can_bind(std::string_view word) {
    auto const where = socket_address_of(word);
    dmabuf::unique_fd<> const tried(dmabuf::live_system{},
                                    ::socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return tried.is_open() && ::bind(tried.get(), &where.any, where.size()) == 0;
}

} // namespace

bool is_listen_address(std::string_view word) {
    socket_address where;
    return parse(word, where);
}

socket_address socket_address_of(std::string_view word) {
    socket_address where;
    (void)parse(word, where);
    return where;
}

std::vector<std::string> loopback_addresses() {
    std::vector<std::string> all{fmt::format("127.0.0.1:{}", default_port)};
    if (can_bind("[::1]:0")) all.push_back(fmt::format("[::1]:{}", default_port));
    return all;
}

} // namespace dmabuf_exporter
