// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a floor's calls tell, beside who holds what and how large it is; to be added up.
enum {
    by_lists = 1,       ///< by dmabuf_fds and sysfs, each buffer once; else a statx per descriptor
    with_mappings = 2,  ///< and the memory maps
    with_exporters = 4, ///< and exporters: by sysfs, each buffer once
    with_names = 8,     ///< and exporters and names: by fdinfo, each buffer once a look
};

/// Looks once. How many descriptors refer to a buffer.
uint64_t least_calls(unsigned what);

/// The baseline.
uint64_t four_steps(void);

#ifdef __cplusplus
}
#endif
