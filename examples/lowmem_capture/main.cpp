// SPDX-License-Identifier: MIT
//
// lowmem_capture waits until memory is short, and writes down who holds how much DMA-BUF memory.
#include "capture.hpp"
#include "files/signals.hpp"
#include "options.hpp"
#include "options/exit_status.hpp"
#include "say.hpp"

#include <csignal>
#include <poll.h>

namespace lowmem_capture {

namespace {

using command_line::done;
using command_line::failed;

template<class... Values>
int complain(fmt::format_string<Values...> text, Values&&... values) {
    say(text, std::forward<Values>(values)...);
    return failed;
}

/// The signals that end the program, for poll(2): a capture that has begun is finished first.
dmabuf::unique_fd<> end_signals() {
    return files::open_signals({SIGTERM, SIGINT});
}

std::uint64_t now_ns() {
    return dmabuf::live_system{}.clock_ns();
}

/// Goes on without a right that is missing, and says so.
void be_prepared(options const& chosen) {
    if (int const error = set_oom_score_adj(chosen.oom_score_adj); error != 0)
        say("cannot set oom_score_adj to {}: {}: the kernel may end this program when memory is "
            "short",
            chosen.oom_score_adj, words(error));
    if (int const error = lock_memory(); error != 0)
        say("cannot lock memory: {}: reading it back may take long when memory is short (needs "
            "CAP_IPC_LOCK)",
            words(error));
    if (chosen.no_realtime) return;
    if (int const error = be_realtime(); error != 0)
        say("cannot be realtime: {}: others come first when memory is short (needs CAP_SYS_NICE)",
            words(error));
}

/// How the program ends after its only capture.
int status_of(outcome how, options const& chosen, capturer const& capturer) {
    if (how != outcome::captured) return failed;
    return chosen.require_complete && capturer.has_gaps() ? command_line::not_all : done;
}

/// Waits for events and captures, but not within the cooldown after a capture. Ends as soon as
/// `ends` can be read.
int watch(options const& chosen, trigger const& armed, int ends, capturer& capturer, ring& files) {
    auto const cooldown_ns = static_cast<std::uint64_t>(chosen.cooldown_seconds * 1e9);
    std::uint64_t quiet_until_ns = 0;
    occasion next;
    for (;;) {
        std::array<pollfd, 2> waiting{{{armed.fd(), POLLPRI, 0}, {ends, POLLIN, 0}}};
        if (::poll(waiting.data(), waiting.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return complain("cannot wait: {}", words(errno));
        }
        next.event_ns = now_ns();
        if (waiting[1].revents != 0) return done;
        if ((waiting[0].revents & POLLERR) != 0)
            return complain("{} is gone: was its cgroup removed?", armed.path());
        if ((waiting[0].revents & POLLPRI) == 0) continue;
        if (next.event_ns < quiet_until_ns) {
            ++next.events_skipped;
            continue;
        }
        auto const how = capturer.capture(files, next);
        if (chosen.once && how != outcome::not_written) return status_of(how, chosen, capturer);
        if (how == outcome::captured) {
            next = {};
            quiet_until_ns = now_ns() + cooldown_ns;
        } else {
            ++next.captures_failed;
        }
    }
}

int run(options const& chosen) {
    trigger armed;
    if (!chosen.test) {
        auto found = trigger::arm(chosen);
        if (auto const* const none = std::get_if<no_trigger>(&found)) {
            say("{}", none->why);
            return none->unsupported ? command_line::not_all : failed;
        }
        armed = std::get<trigger>(std::move(found));
    }
    ring files(chosen.directory, chosen.keep);
    if (auto const trouble = files.open(); trouble.error != 0)
        return complain("{}: cannot {}: {}", chosen.directory, trouble.doing, words(trouble.error));
    auto const ends = chosen.test ? dmabuf::unique_fd<>() : end_signals();
    capturer capturer(chosen, chosen.test ? nullptr : &armed, ends.get());
    if (auto const wrong = capturer.prepare(); !wrong.empty()) return complain("{}", wrong);
    be_prepared(chosen);
    if (chosen.test) return status_of(capturer.capture(files, {now_ns(), 0, 0}), chosen, capturer);
    say("armed \"{}\" on {}; captures go to {}", armed.text(), armed.path(), files.path());
    return watch(chosen, armed, ends.get(), capturer, files);
}

int main(int count, char const* const* arguments) {
    std::signal(SIGPIPE, SIG_IGN); // stderr may be closed
    auto const parsed = parse_options(count, arguments);
    if (auto const* const words = std::get_if<command_line::last_words>(&parsed))
        return print("lowmem_capture", *words);
    return run(std::get<options>(parsed));
}

} // namespace

} // namespace lowmem_capture

int main(int count, char** arguments) {
    return lowmem_capture::main(count, arguments);
}
