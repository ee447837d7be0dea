// SPDX-License-Identifier: MIT
//
// Follows the system calls of a process, behind a seccomp filter that lets it make those of
// cmake/system_calls.txt and no other.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace calls {

using names = std::set<std::string>;

/// Calls of cmake/system_calls.txt.
struct listed {
    names always;
    names sometimes; ///< those with a "?"

    [[nodiscard]] names all() const;
};

/// The lines of these components, together. Those of `others` may be made.
listed of(std::vector<std::string> const& components, std::vector<std::string> const& others = {});

struct trace {
    names made;
    std::string refused; ///< the call that is not listed, and ended the process; or empty
    int status = 0;      ///< as waitpid() tells it
};

/// Prepares something, calls its argument, and does the rest behind the filter.
using filtered = std::function<void(std::function<void()> const& filter)>;

/// Runs `body` in a process of its own.
trace follow(names const& allowed, filtered const& body);

/// As follow(), where it matters alone which call was refused: `made` stays empty. Much faster, as
/// the process stops at no call that it may make.
trace follow_to_refusal(names const& allowed, filtered const& body);

/// Runs a program behind the filter, for at most so many seconds: SIGALRM ends it. Its words go to
/// nobody.
trace follow_program(names const& allowed, std::vector<std::string> const& words,
                     unsigned seconds = 0);

/// The differences: a call that is not listed, or one that is listed and was never made.
std::string difference(listed const& expected, std::vector<trace> const& runs);

} // namespace calls
