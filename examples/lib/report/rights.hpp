// SPDX-License-Identifier: MIT
//
// The rights of this program, and the sources that could be switched on here. They serve to name
// the remedy where something could not be seen.
#pragma once

#include <dmabuf/result.hpp>

#include <string>
#include <vector>

namespace report {

struct rights {
    bool root = false;
    bool trace = false;              ///< CAP_SYS_PTRACE
    bool checkpoint_restore = false; ///< CAP_CHECKPOINT_RESTORE, or CAP_SYS_ADMIN
    bool search = false;             ///< CAP_DAC_READ_SEARCH, or CAP_DAC_OVERRIDE
    bool filtered = false;           ///< a seccomp filter looks at each system call
    bool debugfs = false;            ///< this kernel has debugfs, be it mounted or not
    bool can_pin = false;            ///< dmabuf_pin can pin its iterators: `look_for_pins()`
    bool can_pin_list = false;       ///< and with them the one over all buffers
};

/// Without the pins, which cost more to find out.
rights own_rights(dmabuf::roots const& where = {});

/// Finds out which iterators dmabuf_pin could pin on this kernel. As dmabuf_pin does, it asks the
/// types that the kernel describes, which everybody may read: a release says nothing of backports,
/// nor of kernels built without BTF.
/// Cost: reads 5 MB.
void look_for_pins(rights& mine, dmabuf::roots const& where = {});

/// As a recording keeps them.
std::vector<std::string> words_of(rights const& mine);
rights rights_of(std::vector<std::string> const& words);

} // namespace report
