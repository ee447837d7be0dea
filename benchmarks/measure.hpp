// SPDX-License-Identifier: MIT
#pragma once

#include "rows.hpp"

#include <optional>

/// The cost of a look.
struct figures {
    double ms = 0;
    std::uint64_t calls = 0;
    std::uint64_t allocations = 0;
};

struct measured {
    figures first;    ///< by a sampler that has not looked before; the kernel's caches are warm
    figures repeated; ///< by the same one again
    std::uint64_t peak_kib = 0; ///< by which all looks let the process grow
};

/// In two processes of its own: one has its calls counted, where that is wanted, and so warms the
/// kernel's caches for the one that is timed. Throws where a look finds another number of
/// references than is expected.
measured measure(row const& what, std::int32_t holder,
                 std::optional<std::uint64_t> expected_references, bool count_calls);
