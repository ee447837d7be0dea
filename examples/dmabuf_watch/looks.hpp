// SPDX-License-Identifier: MIT
//
// The source of the snapshots: looks at this system, or recordings.
#pragma once

#include <dmabuf/sampling/options.hpp>

#include "identity/users.hpp"
#include "options.hpp"
#include "report/rights.hpp"

#include <functional>
#include <string>

namespace dmabuf_watch {

/// All that can grow is asked for: counts and cgroups, too.
dmabuf::sample_options sampling(options const& chosen, report::rights const& mine);

/// One look of a recording.
struct recorded_look {
    dmabuf::snapshot const& now;
    report::rights const& mine;
    identity::user_names const& users;
};

/// Replays the samples of a file, which `-` may be: standard input. `take` returns whether it wants
/// another one. The result is empty, or the words for what is wrong with the file.
std::string replay_file(std::string const& path,
                        std::function<bool(recorded_look const&)> const& take);

/// Writes what the kernel tells now, as dmabuf_ps --record does. Empty, or why that was not done.
/// A file that is there must be a regular one.
std::string record_now(options const& chosen, report::rights const& mine);

} // namespace dmabuf_watch
