// SPDX-License-Identifier: MIT
//
// dmabuf_exporter tells Prometheus who holds DMA-BUF memory, over HTTP or in a file.
#include <dmabuf/kernel/files.hpp>

#include "files/standard_output.hpp"
#include "files/whole_file.hpp"
#include "listen_address.hpp"
#include "observation.hpp"
#include "options.hpp"
#include "options/exit_status.hpp"
#include "own_use.hpp"
#include "say.hpp"
#include "server.hpp"
#include "shared_looks.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <prometheus/text_serializer.h>
#include <string>
#include <sys/signalfd.h>
#include <variant>
#include <vector>

namespace dmabuf_exporter {

namespace {

using command_line::done;
using command_line::failed;

/// SIGTERM and SIGINT, which no thread gets but by this descriptor.
class ending {
public:
    ending() {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
        fd_ = {dmabuf::live_system{}, ::signalfd(-1, &set, SFD_CLOEXEC)};
    }
    [[nodiscard]] int fd() const { return fd_.get(); }

    /// Waits for one of the two signals, for `most_ns` at most. True where one came.
    [[nodiscard]] bool wait(std::uint64_t most_ns) const {
        ::pollfd waiting{fd_.get(), POLLIN, 0};
        auto const until_ns = monotonic_ns() + most_ns;
        for (auto now = monotonic_ns(); now < until_ns; now = monotonic_ns()) {
            auto const left_ms = std::min<std::uint64_t>((until_ns - now) / 1'000'000 + 1, INT_MAX);
            if (::poll(&waiting, 1, static_cast<int>(left_ms)) > 0) return true;
        }
        return false;
    }

private:
    dmabuf::unique_fd<> fd_;
};

std::string text_of(page const& all) {
    return prometheus::TextSerializer().Serialize(all);
}

void tell_where(std::vector<std::string> const& addresses, std::vector<unsigned> const& ports) {
    std::string lines;
    for (std::size_t i = 0; i < addresses.size(); ++i)
        lines += fmt::format("serving http://{}:{}/metrics\n",
                             addresses[i].substr(0, addresses[i].rfind(':')), ports[i]);
    (void)files::print("dmabuf_exporter", lines); // no output is needed to serve
}

int serve(options const& chosen, shared_looks const& looks, ending const& end) {
    auto const addresses = chosen.listen.empty() ? loopback_addresses() : chosen.listen;
    server http;
    if (auto const why = http.open(addresses); !why.empty()) {
        say("cannot serve at {}", why);
        return failed;
    }
    tell_where(addresses, http.ports());
    auto const error = http.run(end.fd(), [&] { return text_of(looks.Collect()); });
    if (error != 0) say("cannot wait: {}", std::strerror(error));
    return error == 0 ? done : failed;
}

/// Writes the file, which node_exporter, another user, is to read. True where that was done.
bool write(options const& chosen, page const& all) {
    auto const wrong = files::write_whole(chosen.textfile, text_of(all), 0644);
    if (!wrong.words.empty()) say("cannot write {}: {}", chosen.textfile, wrong.words);
    return wrong.words.empty();
}

/// Writes the file every `--every` until the end. A failed write is not repeated: the time in the
/// file tells that it grows old.
int write_again_and_again(options const& chosen, shared_looks const& looks, ending const& end) {
    do
        (void)write(chosen, looks.Collect());
    while (!end.wait(chosen.every_ns));
    return done;
}

/// Writes the file once, after a look at this system, or at all recordings.
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
    shared_looks const looks(chosen, [&watched](bool for_growth) {
        watched.look(for_growth);
        return watched.metrics();
    });
    return chosen.textfile.empty() ? serve(chosen, looks, end)
                                   : write_again_and_again(chosen, looks, end);
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
