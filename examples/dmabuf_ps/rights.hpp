// SPDX-License-Identifier: MIT
//
// What this program may do: only to tell what would help where something could not be seen.
#pragma once

namespace dmabuf_ps {

struct rights {
    bool root = false;
    bool trace = false;              ///< CAP_SYS_PTRACE
    bool checkpoint_restore = false; ///< CAP_CHECKPOINT_RESTORE, or CAP_SYS_ADMIN
};

rights own_rights();

} // namespace dmabuf_ps
