// SPDX-License-Identifier: MIT
#include "server.hpp"

#include <fmt/ranges.h>

#include <CivetServer.h>
#include <algorithm>
#include <exception>
#include <prometheus/exposer.h>

namespace dmabuf_exporter {

namespace {

/// Nothing that a client does is worth a line: it could fill the journal.
int say_nothing(::mg_connection const*, char const*) {
    return 1;
}

/// A request must be whole, and its answer taken, within two seconds: a client that is slower is
/// cut off. A larger request is refused. There is no document root, so no file is served.
std::vector<std::string> settings(std::vector<std::string> const& addresses) {
    return {"listening_ports",
            fmt::format("{}", fmt::join(addresses, ",")),
            "num_threads",
            "8",
            "request_timeout_ms",
            "2000",
            "max_request_size",
            "8192",
            "enable_keep_alive",
            "no",
            "enable_directory_listing",
            "no"};
}

bool is_ipv6(std::string const& address) {
    return address.starts_with('[');
}

} // namespace

bool server::has_ipv6() {
    return ::mg_check_feature(MG_FEATURES_IPV6) != 0;
}

server::server() = default;
server::~server() = default;

std::string server::open(std::vector<std::string> const& addresses,
                         std::shared_ptr<prometheus::Collectable> const& metrics) {
    if (!has_ipv6() && std::ranges::any_of(addresses, is_ipv6))
        return "the civetweb of this system has no IPv6";
    ::CivetCallbacks quiet;
    quiet.log_message = quiet.log_access = say_nothing;
    try {
        exposer_ = std::make_unique<prometheus::Exposer>(settings(addresses), &quiet);
        exposer_->RegisterCollectable(metrics);
    } catch (std::exception const& wrong) {
        return wrong.what();
    }
    return {};
}

std::vector<int> server::ports() const {
    return exposer_->GetListeningPorts();
}

} // namespace dmabuf_exporter
