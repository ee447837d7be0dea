// SPDX-License-Identifier: MIT
//
// All that was found out, wherever it comes from: this machine, or a recording.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "identity/command_lines.hpp"
#include "identity/users.hpp"
#include "report/rights.hpp"
#include "why_not_shown.hpp"

#include <string>
#include <vector>

namespace dmabuf_ps {

struct observation {
    dmabuf::snapshot before; ///< with --diff
    dmabuf::snapshot now;
    std::vector<explanation> absences; ///< of the processes asked for that hold nothing
    report::rights mine;
    std::string kernel; ///< release, raw
    identity::user_names users;
    identity::command_lines command_lines; ///< of the processes shown, with --args
    std::vector<std::string> hints;        ///< sentences, with --hints
    std::string note;    ///< what is to be known of it beside what is shown; empty: nothing
    std::string trouble; ///< what went wrong beside looking; empty: nothing
};

} // namespace dmabuf_ps
