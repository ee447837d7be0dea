// SPDX-License-Identifier: MIT
//
// A row of the table: one way to learn which process holds which buffer.
#pragma once

#include "floors.h"

#include <cstdint>
#include <functional>
#include <vector>

/// Looks once, and returns how many descriptors refer to a buffer: a row that finds another number
/// than the load holds is wrong, and ends the run.
using look = std::function<std::uint64_t()>;

struct row {
    char const* name;
    /// Called once with a holder's number, and then the look that it returns, again and again; the
    /// first time includes this call.
    std::function<look(std::int32_t)> begin;
    bool of_one = false;    ///< looks at that holder alone
    bool lists = false;     ///< needs /proc/P/task/T/dmabuf_fds
    bool sysfs = false;     ///< needs /sys/kernel/dmabuf/buffers
    bool pins = false;      ///< needs the pins of dmabuf_pin
    bool program = false;   ///< runs one, whose calls and allocations are not counted
    bool remembers = false; ///< from one look to the next; else one look is as good as two
};

/// A row X is measured against "floor of X" beside it, and a row of one process against the
/// baseline of one process, too.
std::vector<row> baseline_rows(); // baseline.c, streams.cpp
std::vector<row> floor_rows();    // floors.c, floor_bpf.c
std::vector<row> library_rows();  // library.cpp
std::vector<row> program_rows();  // program.cpp
std::vector<row> watch_rows();    // watch.cpp
