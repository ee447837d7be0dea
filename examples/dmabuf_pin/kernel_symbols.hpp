// SPDX-License-Identifier: MIT
//
// Addresses of the kernel's variables that the watch reads.
#pragma once

#include <cstdint>

namespace dmabuf_pin {

/// 0 for a symbol that is not listed, as without CAP_SYSLOG, or without CONFIG_KALLSYMS_ALL.
struct kernel_symbols {
    std::uint64_t per_cpu_offset = 0;
    std::uint64_t inode_counter = 0; ///< of DMA-BUFs, which their own kernels number since 5.18
};

kernel_symbols read_kernel_symbols();

} // namespace dmabuf_pin
