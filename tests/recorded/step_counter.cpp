// SPDX-License-Identifier: MIT
//
// The functions that the compilers call at each step. Compiled without the flag that makes the
// calls.
#include "recorded/steps.hpp"

namespace {
std::uint64_t steps = 0;
}

extern "C" void __sanitizer_cov_trace_pc();

extern "C" void __sanitizer_cov_trace_pc() {
    ++steps;
}

std::uint64_t counted_steps() {
    return steps;
}
