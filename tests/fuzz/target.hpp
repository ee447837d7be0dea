// SPDX-License-Identifier: MIT
//
// One body per target serves both: libFuzzer, which makes up inputs, and the replay of the
// committed corpus as an ordinary test. A broken invariant aborts.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

/// Takes one input; defined once in every target.
void run_target(std::string_view input);

inline void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}
