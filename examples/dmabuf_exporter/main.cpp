// SPDX-License-Identifier: MIT
//
// dmabuf_exporter tells Prometheus who holds DMA-BUF memory, over HTTP or in a file.
#include "files/standard_output.hpp"
#include "files/whole_file.hpp"
#include "listen_address.hpp"
#include "observation.hpp"
#include "options.hpp"
#include "options/exit_status.hpp"
#include "say.hpp"
#include "server.hpp"
#include "shared_looks.hpp"

#include <fmt/ranges.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>
#include <prometheus/text_serializer.h>
#include <string>
#include <variant>

namespace dmabuf_exporter {

namespace {

using command_line::done;
using command_line::failed;

/// SIGTERM and SIGINT, which no thread gets but by waiting for them.
class ending {
public:
    ending() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGTERM);
        sigaddset(&set_, SIGINT);
        ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }

    /// Waits for one of them; no longer than this. Whether it came.
    [[nodiscard]] bool wait(std::uint64_t most_ns) const {
        constexpr std::uint64_t second_ns = 1'000'000'000;
        ::timespec const most{static_cast<std::time_t>(most_ns / second_ns),
                              static_cast<long>(most_ns % second_ns)};
        int got = -1;
        do
            got = ::sigtimedwait(&set_, nullptr, &most);
        while (got < 0 && errno == EINTR);
        return got > 0;
    }
    void wait() const {
        int which = 0;
        (void)::sigwait(&set_, &which);
    }

private:
    sigset_t set_{};
};

int serve(options const& chosen, std::shared_ptr<shared_looks> const& looks, ending const& end) {
    auto const addresses =
        chosen.listen.empty() ? loopback_addresses(server::has_ipv6()) : chosen.listen;
    server http;
    if (auto const why = http.open(addresses, looks); !why.empty()) {
        say("cannot serve at {}: {}", fmt::join(addresses, ", "), why);
        return failed;
    }
    std::string lines;
    auto const ports = http.ports();
    for (std::size_t i = 0; i < addresses.size() && i < ports.size(); ++i)
        lines += fmt::format("serving http://{}:{}/metrics\n",
                             addresses[i].substr(0, addresses[i].rfind(':')), ports[i]);
    (void)files::print("dmabuf_exporter", lines); // it serves, whoever reads this
    end.wait();
    return done;
}

/// Whether the file was written. node_exporter, another user, is to read it.
bool write(options const& chosen, page const& all) {
    auto const text = prometheus::TextSerializer().Serialize(all);
    auto const wrong = files::write_whole(chosen.textfile, text, 0644);
    if (!wrong.words.empty()) say("cannot write {}: {}", chosen.textfile, wrong.words);
    return wrong.words.empty();
}

/// A file that cannot be written grows old, which its time tells.
int write_again_and_again(options const& chosen, shared_looks const& looks, ending const& end) {
    do
        (void)write(chosen, looks.Collect());
    while (!end.wait(chosen.every_ns));
    return done;
}

/// Of recordings all are looked at before.
int write_once(options const& chosen, observation& watched) {
    do
        watched.look(true);
    while (watched.left() != 0);
    return write(chosen, watched.metrics()) && watched.why_failed().empty() ? done : failed;
}

int run(options const& chosen) {
    ending const end; // before the first thread
    observation watched(chosen);
    if (auto const why = watched.open(); !why.empty()) {
        say("{}", why);
        return failed;
    }
    if (chosen.once) return write_once(chosen, watched);
    auto const looks = std::make_shared<shared_looks>(chosen, [&watched](bool for_growth) {
        watched.look(for_growth);
        return watched.metrics();
    });
    return chosen.textfile.empty() ? serve(chosen, looks, end)
                                   : write_again_and_again(chosen, *looks, end);
}

int main(int count, char const* const* arguments) {
    std::signal(SIGPIPE, SIG_IGN); // a closed connection is an error like any other,
    std::signal(SIGXFSZ, SIG_IGN); // and so is a file that may not grow
    auto const parsed = parse_options(count, arguments);
    if (auto const* const words = std::get_if<command_line::last_words>(&parsed))
        return print("dmabuf_exporter", *words);
    return run(std::get<options>(parsed));
}

} // namespace

} // namespace dmabuf_exporter

int main(int count, char** arguments) {
    return dmabuf_exporter::main(count, arguments);
}
