// SPDX-License-Identifier: MIT
//
// The samples of a recording, played again.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "identity/users.hpp"
#include "report/rights.hpp"

#include <functional>
#include <string>

namespace replaying {

/// One look of a recording.
struct recorded_look {
    dmabuf::snapshot const& now;
    report::rights const& mine;
    identity::user_names const& users;
    std::string const& kernel; ///< release, raw
};

/// Replays the samples of a file, which `-` may be: standard input. `take` returns whether it wants
/// another one. The result is empty, or names the fault of the file.
std::string replay_file(std::string const& path,
                        std::function<bool(recorded_look const&)> const& take);

} // namespace replaying
