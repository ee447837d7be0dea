// SPDX-License-Identifier: MIT
//
// The HTTP server: /metrics, over IPv4 and IPv6, on one thread.
//
// prometheus-cpp's own, Exposer, stands on civetweb, which Debian builds without IPv6; each slow
// client takes one of its threads, so that a few hold up all others.
#pragma once

#include <dmabuf/kernel/files.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dmabuf_exporter {

class server {
public:
    /// Opens these addresses, of the form of `is_listen_address()`. Empty, or why that cannot be.
    std::string open(std::vector<std::string> const& addresses);

    /// In the order of the addresses.
    [[nodiscard]] std::vector<unsigned> ports() const;

    /// Serves until `end`, a descriptor, can be read. `page` makes a page for all requests that
    /// wait for one. Returns 0, or an errno.
    int run(int end, std::function<std::string()> const& page);

private:
    /// A client. Its request must have come, and its answer have left, within the time limit.
    struct client {
        dmabuf::unique_fd<> fd;
        std::uint64_t until_ns = 0;
        std::string request, answer;
        std::size_t sent = 0;
        bool wants_page = false;
        bool headers_alone = false;
        bool is_over = false;
    };

    [[nodiscard]] int milliseconds_left() const;
    void accept(int listener);
    void make_room();
    static void receive(client& from);
    void answer_those_who_wait(std::function<std::string()> const& page);
    static void send(client& to);
    void drop_those_who_are_over();

    std::vector<dmabuf::unique_fd<>> listeners_;
    std::vector<client> clients_;
    std::size_t most_clients_ = 128; ///< the one that came first makes room for another
};

} // namespace dmabuf_exporter
