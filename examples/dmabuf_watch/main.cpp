// SPDX-License-Identifier: MIT
//
// dmabuf_watch waits, looks again and again, and tells which DMA-BUF memory grows.
#include <dmabuf/sampler.hpp>

#include "alarms.hpp"
#include "lines.hpp"
#include "looks.hpp"
#include "options.hpp"
#include "options/exit_status.hpp"
#include "options/program.hpp"
#include "output.hpp"
#include "replaying/samples.hpp"
#include "report/failure_words.hpp"
#include "report/source_words.hpp"
#include "say.hpp"
#include "sight.hpp"
#include "ticks.hpp"
#include "watcher.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace dmabuf_watch {

namespace {

using command_line::done;
using command_line::failed;
using command_line::not_all;

/// One watch, from its first look to its last line.
class watch {
public:
    explicit watch(options const& chosen)
        : chosen_(chosen)
        , mine_(report::own_rights(chosen.roots))
        , watcher_(chosen)
        , output_(chosen)
        , alarms_(chosen, mine_) {}

    int run() {
        if (auto const why = output_.open(); !why.empty()) {
            say("cannot open {}: {}", chosen_.log, why);
            return failed;
        }
        return chosen_.replay.empty() ? run_here() : run_replay();
    }

private:
    // --- this system ---

    int run_here() {
        dmabuf::sampler sampler(sampling(chosen_, mine_));
        if (auto const error = ticks_.start(chosen_.every_ns, chosen_.for_ns); error != 0) {
            say("cannot wait: {}", std::strerror(error));
            return failed;
        }
        if (auto const why = look(sampler); !why.empty()) {
            say("{}", why);
            return failed;
        }
        while (!is_over_)
            go_on(sampler);
        finish();
        return status_;
    }

    void go_on(dmabuf::sampler& sampler) {
        switch (ticks_.wait()) {
        case wake::tick:
            tell_of_time();
            if (auto const why = look(sampler); !why.empty()) sight_.fail(why);
            break;
        case wake::reopen:
            output_.reopen();
            break;
        case wake::child:
            alarms_.reap();
            break;
        case wake::failed:
            say("cannot wait: {}", std::strerror(errno));
            end(failed);
            break;
        case wake::over:
            end(done);
            break;
        }
    }

    /// Empty, or why the look was none.
    std::string look(dmabuf::sampler& sampler) {
        auto const looked =
            chosen_.alone ? sampler.sample_process(now_, chosen_.pids[0]) : sampler.sample(now_);
        if (!looked) return report::words_of(looked.error(), chosen_.roots);
        auto const& coverage = now_.coverage;
        if (chosen_.source != dmabuf::source::none && coverage.found_by != chosen_.source)
            return report::why_not_served(chosen_.source, coverage, mine_);
        base_.to_wall_ns = wall_less_monotonic(now_.end_ns);
        take(now_);
        return {};
    }

    void tell_of_time() {
        if (auto const ns = ticks_.take_suspended_ns(); ns >= 1'000'000'000)
            say("the machine was suspended for {}, which counts for no rate", duration_words(ns));
        auto const missed_ns = ticks_.take_missed() * chosen_.every_ns;
        bool const was_slow = now_.end_ns - now_.begin_ns > chosen_.every_ns;
        slow_looks_ = was_slow ? slow_looks_ + 1 : 0;
        if (slow_looks_ > 1) // one alone may be the look that was stopped
            tell_of_slow_looks();
        else if (missed_ns >= 1'000'000'000)
            say("no look for {}: the program was stopped, or kept waiting",
                duration_words(missed_ns + chosen_.every_ns));
    }

    void tell_of_slow_looks() {
        if (std::exchange(said_slow_, true)) return;
        say("looks take longer than {}: they follow one another as fast as they can",
            duration_words(chosen_.every_ns));
    }

    static std::int64_t wall_less_monotonic(std::uint64_t monotonic_ns) {
        ::timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec -
               static_cast<std::int64_t>(monotonic_ns);
    }

    // --- recordings ---

    int run_replay() {
        for (auto const& path : chosen_.replay) {
            auto const wrong =
                replaying::replay_file(path, [&](replaying::recorded_look const& look) {
                    mine_ = look.mine;
                    watcher_.know(look.users);
                    take(look.now);
                    return !is_over_;
                });
            if (!wrong.empty()) {
                say("{}", wrong);
                return failed;
            }
            if (is_over_) break;
        }
        finish();
        return status_;
    }

    // --- all looks ---

    void take(dmabuf::snapshot const& now) {
        auto const& events = watcher_.look(now);
        last_ns_ = now.end_ns;
        if (base_.first_ns == 0) base_.first_ns = now.begin_ns;
        sight_.look(now, mine_);
        for (auto const& one : events)
            output_.write(lines_of(chosen_.format, one, base_));
        alarms_.raise(events);
        if (output_.has_no_reader()) end(done);
        if (chosen_.until_growth && watcher_.leaks() != 0) end(not_all);
    }

    void end(int status) {
        is_over_ = true;
        status_ = status;
    }

    void finish() {
        auto const& counts = watcher_.counts();
        auto const span = last_ns_ > base_.first_ns ? last_ns_ - base_.first_ns : 0;
        auto last = watcher_.finish();
        auto& line = last.note;
        line = fmt::format("{} looks in {}", counts.looks, duration_words(span));
        if (counts.incomplete != 0) line += fmt::format(", {} incomplete", counts.incomplete);
        if (sight_.failures() != 0) line += fmt::format(", {} more failed", sight_.failures());
        line += fmt::format("; {} told to grow", watcher_.leaks());
        output_.write(lines_of(chosen_.format, last, base_));
    }

    options const& chosen_;
    report::rights mine_;
    watcher watcher_;
    output output_;
    alarms alarms_;
    sight sight_;
    ticks ticks_;
    time_base base_;
    dmabuf::snapshot now_;
    std::uint64_t last_ns_ = 0;
    std::uint64_t slow_looks_ = 0; ///< in a row
    bool said_slow_ = false;
    bool is_over_ = false;
    int status_ = done;
};

int main(int count, char const* const* arguments) {
    return command_line::run_program("dmabuf_watch", parse_options(count, arguments),
                                     [](options const& chosen) { return watch(chosen).run(); });
}

} // namespace

} // namespace dmabuf_watch

int main(int count, char** arguments) {
    return dmabuf_watch::main(count, arguments);
}
