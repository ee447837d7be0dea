// SPDX-License-Identifier: MIT
//
// How the programs end.
#pragma once

namespace command_line {

enum exit_status : int { done = 0, failed = 1, wrong_usage = 2, not_all = 3 };

/// Stands at the end of every program's --help.
inline constexpr auto exit_statuses = R"(Exit status:
  0  done
  1  could not read or write what was asked for; dmabuf_pin --status: nothing is pinned
  2  wrong usage
  3  this system does not tell all: with --require-complete, the report has gaps;
     lowmem_capture: the kernel does not measure pressure;
     dmabuf_watch --until-growth: something grows)";

} // namespace command_line
