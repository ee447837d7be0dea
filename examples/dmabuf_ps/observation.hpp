// SPDX-License-Identifier: MIT
//
// The findings of one run, of this machine or of a file.
#pragma once

#include <dmabuf/changes.hpp>
#include <dmabuf/snapshot.hpp>

#include "identity/command_lines.hpp"
#include "identity/users.hpp"
#include "report/rights.hpp"
#include "why_not_shown.hpp"

#include <optional>
#include <string>
#include <vector>

namespace dmabuf_ps {

/// With --diff-with: the files that are compared, and the ground of the comparison.
struct comparison {
    struct file {
        std::string name;    ///< empty: this system
        std::string kernel;  ///< release, raw
        std::string boot_id; ///< raw; empty: not told
    };
    file older;
    file newer;
    dmabuf::boots of = dmabuf::boots::same;
    bool cgroups = true;            ///< have the same names in both
    std::vector<std::string> words; ///< sentences
};

struct observation {
    dmabuf::snapshot before; ///< with --diff and --diff-with
    dmabuf::snapshot now;
    std::vector<explanation> absences; ///< of the processes asked for that hold nothing
    report::rights mine;
    std::string kernel;  ///< release, raw
    std::string boot_id; ///< raw; empty: not told, or not asked
    bool anonymised = false;
    bool whole = true; ///< no option left out processes when it was made
    std::optional<comparison> compared;
    /// Of a JSON file, in place of words on its coverage; raw.
    std::optional<std::vector<std::string>> notes;
    identity::user_names users;
    identity::command_lines command_lines; ///< of the processes shown, with --args
    std::vector<std::string> hints;        ///< sentences, with --hints
    std::string note;                      ///< a sentence beside the report; empty: none
    std::string trouble;                   ///< a failure beside the sample; empty: none
};

} // namespace dmabuf_ps
