// SPDX-License-Identifier: MIT
//
// Alarms, when something grows: a recording, and a program.
#pragma once

#include "event.hpp"
#include "options.hpp"
#include "report/rights.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace dmabuf_watch {

/// One program at a time, and no alarm before `options::alarm_every_ns` have gone by since the last
/// one. Those that are passed over are counted.
class alarms {
public:
    /// Both must outlive this.
    alarms(options const& chosen, report::rights const& mine)
        : chosen_(chosen)
        , mine_(mine) {}

    /// Acts on each leak.
    void raise(std::vector<event> const& events);

    /// Says how the program ended, if it did, and not well.
    void reap() { reap(false); }

private:
    void raise(event const& what);
    bool is_due(std::uint64_t time_ns) const;
    bool record();
    void start(event const& what, bool recorded);
    void reap(bool wait);
    void say_end(int status) const;

    options const& chosen_;
    report::rights const& mine_;
    std::optional<std::uint64_t> last_ns_; ///< CLOCK_MONOTONIC of the looks
    std::uint64_t skipped_ = 0;
    pid_t running_ = 0; ///< 0: none
};

} // namespace dmabuf_watch
