// SPDX-License-Identifier: MIT
//
// The resources that this program itself uses.
#pragma once

#include <cstdint>
#include <optional>

namespace dmabuf_exporter {

/// The processor time of all threads, user and system.
double own_cpu_seconds();

/// The resident memory. Nothing where it cannot be read.
std::optional<std::uint64_t> own_resident_bytes();

/// CLOCK_MONOTONIC.
std::uint64_t monotonic_ns();

/// The time since 1970.
double wall_seconds();

} // namespace dmabuf_exporter
