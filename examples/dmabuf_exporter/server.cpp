// SPDX-License-Identifier: MIT
#include "server.hpp"

#include "listen_address.hpp"
#include "own_use.hpp"
#include "requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace dmabuf_exporter {

namespace {

constexpr std::uint64_t time_limit_ns = 5'000'000'000;
constexpr std::size_t kept_for_a_sample = 16; ///< descriptors, where the process may have few
constexpr int pause_ms = 100;
constexpr int backlog = 128;

using descriptor = dmabuf::unique_fd<>;

descriptor own(int fd) {
    return {dmabuf::live_system{}, fd};
}

/// A listener at an address. It is not open, with errno, where there can be none.
descriptor listen_to(std::string const& word) {
    auto const where = socket_address_of(word);
    auto listener =
        own(::socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int const yes = 1;
    if (!listener.is_open()) return listener;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (where.any.sa_family == AF_INET6)
        ::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    bool const listens = ::bind(listener.get(), &where.any, where.size()) == 0 &&
                         ::listen(listener.get(), backlog) == 0;
    return listens ? std::move(listener) : descriptor();
}

/// Whether accept4(2) failed for want of a descriptor: the client still waits, and poll(2) returns
/// at once.
bool has_no_descriptor() {
    return errno == EMFILE || errno == ENFILE;
}

bool has_to_wait() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

} // namespace

std::string server::open(std::vector<std::string> const& addresses) {
    for (auto const& one : addresses) {
        listeners_.push_back(listen_to(one));
        if (!listeners_.back().is_open()) return fmt::format("{}: {}", one, std::strerror(errno));
    }
    return {};
}

std::vector<unsigned> server::ports() const {
    std::vector<unsigned> all;
    for (auto const& one : listeners_) {
        socket_address where{};
        ::socklen_t size = sizeof where;
        ::getsockname(one.get(), &where.any, &size);
        all.push_back(where.port());
    }
    return all;
}

int server::run(int end, std::function<std::string()> const& page) {
    std::vector<::pollfd> waiting;
    for (;;) {
        waiting.assign(1, {end, POLLIN, 0});
        for (auto const& one : listeners_)
            waiting.push_back({one.get(), POLLIN, 0});
        for (auto const& one : clients_)
            waiting.push_back(
                {one.fd.get(), static_cast<short>(one.answer.empty() ? POLLIN : POLLOUT), 0});
        if (::poll(waiting.data(), waiting.size(), milliseconds_left()) < 0 && errno != EINTR)
            return errno;
        if (waiting[0].revents != 0) return 0;
        auto const* const of_clients = waiting.data() + 1 + listeners_.size();
        for (std::size_t i = 0; i < clients_.size(); ++i)
            if (of_clients[i].revents != 0)
                clients_[i].answer.empty() ? receive(clients_[i]) : send(clients_[i]);
        for (std::size_t i = 0; i < listeners_.size(); ++i)
            if (waiting[1 + i].revents != 0) accept(listeners_[i].get());
        answer_those_who_wait(page);
        drop_those_who_are_over();
    }
}

/// The time until the first client is late, for poll(2). -1: there is no client.
int server::milliseconds_left() const {
    if (clients_.empty()) return -1;
    auto const now = monotonic_ns();
    auto const first = std::ranges::min_element(clients_, {}, &client::until_ns)->until_ns;
    return first <= now ? 0 : static_cast<int>((first - now) / 1'000'000 + 1);
}

/// Takes all clients that wait. They stand in the order in which they came.
void server::accept(int listener) {
    for (;;) {
        auto came = own(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!came.is_open() && has_no_descriptor()) return make_room();
        if (!came.is_open()) return;
        if (clients_.size() >= most_clients_) clients_.erase(clients_.begin());
        auto& one = clients_.emplace_back();
        one.fd = std::move(came);
        one.until_ns = monotonic_ns() + time_limit_ns;
    }
}

/// Lets the oldest go, and takes no more from then on than leave room for a sample.
void server::make_room() {
    if (clients_.empty()) return (void)::poll(nullptr, 0, pause_ms);
    most_clients_ = std::max(clients_.size(), kept_for_a_sample + 1) - kept_for_a_sample;
    auto const over = static_cast<std::ptrdiff_t>(clients_.size() - (most_clients_ - 1));
    clients_.erase(clients_.begin(), clients_.begin() + over);
}

void server::receive(client& from) {
    std::array<char, 4096> piece;
    auto const got = ::recv(from.fd.get(), piece.data(), piece.size(), 0);
    if (got < 0 && has_to_wait()) return;
    if (got <= 0) return (void)(from.is_over = true);
    from.request.append(piece.data(), static_cast<std::size_t>(got));
    auto const what = parse_request(from.request);
    from.wants_page = what == request::page || what == request::head;
    from.headers_alone = what == request::head;
    if (what != request::incomplete && !from.wants_page) from.answer = answer_error(what);
}

/// Answers all clients that wait for a page. The time that the page takes is not counted as theirs.
void server::answer_those_who_wait(std::function<std::string()> const& page) {
    if (!std::ranges::any_of(clients_, &client::wants_page)) return;
    auto const began_ns = monotonic_ns();
    auto const text = page();
    auto const took_ns = monotonic_ns() - began_ns;
    for (auto& one : clients_) {
        one.until_ns += took_ns;
        if (!std::exchange(one.wants_page, false)) continue;
        one.answer = answer_page(text, one.headers_alone);
        send(one);
    }
}

void server::send(client& to) {
    auto const rest = std::string_view(to.answer).substr(to.sent);
    auto const sent = ::send(to.fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && has_to_wait()) return;
    to.sent += sent > 0 ? static_cast<std::size_t>(sent) : 0;
    to.is_over = sent < 0 || to.sent == to.answer.size();
    if (to.is_over) ::shutdown(to.fd.get(), SHUT_WR);
}

void server::drop_those_who_are_over() {
    auto const now = monotonic_ns();
    std::erase_if(clients_, [&](client const& one) { return one.is_over || one.until_ns <= now; });
}

} // namespace dmabuf_exporter
