// SPDX-License-Identifier: MIT
//
// The HTTP server: /metrics, and nothing else.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Collectable;
class Exposer;
} // namespace prometheus

namespace dmabuf_exporter {

class server {
public:
    server();
    ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    /// Whether the HTTP library was built with IPv6. Debian 12's was not.
    static bool has_ipv6();

    /// Serves `metrics` at these addresses. Empty, or why that cannot be.
    std::string open(std::vector<std::string> const& addresses,
                     std::shared_ptr<prometheus::Collectable> const& metrics);

    /// In the order of the addresses.
    [[nodiscard]] std::vector<int> ports() const;

private:
    std::unique_ptr<prometheus::Exposer> exposer_;
};

} // namespace dmabuf_exporter
