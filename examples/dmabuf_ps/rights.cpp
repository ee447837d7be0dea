// SPDX-License-Identifier: MIT
#include "rights.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dmabuf_ps {

rights own_rights() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
    ::syscall(SYS_capget, &header, sets); // where it fails there are none
    auto const has = [&](unsigned capability) {
        return (sets[capability / 32].effective >> capability % 32 & 1U) != 0;
    };
    return {::geteuid() == 0, has(CAP_SYS_PTRACE),
            has(CAP_CHECKPOINT_RESTORE) || has(CAP_SYS_ADMIN)};
}

} // namespace dmabuf_ps
