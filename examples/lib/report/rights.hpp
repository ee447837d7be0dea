// SPDX-License-Identifier: MIT
//
// What this program may do: only to tell what would help where something could not be seen.
#pragma once

#include <string>
#include <vector>

namespace report {

struct rights {
    bool root = false;
    bool trace = false;              ///< CAP_SYS_PTRACE
    bool checkpoint_restore = false; ///< CAP_CHECKPOINT_RESTORE, or CAP_SYS_ADMIN
    bool search = false;             ///< CAP_DAC_READ_SEARCH, or CAP_DAC_OVERRIDE
    bool filtered = false;           ///< a seccomp filter looks at each system call
};

rights own_rights();

/// As a recording keeps them.
std::vector<std::string> words_of(rights const& mine);
rights rights_of(std::vector<std::string> const& words);

} // namespace report
