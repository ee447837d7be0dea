// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The facts that a floor's calls tell beside holders and sizes; to be added up.
enum {
    by_lists = 1,       ///< by dmabuf_fds, else a statx per descriptor
    with_mappings = 2,  ///< and the memory maps
    with_exporters = 4, ///< and exporters, each buffer once
    with_names = 8,     ///< and exporters and names: by fdinfo, each buffer once a look
    with_paths = 16,    ///< and which descriptors are O_PATH
    remembered = 64,    ///< of one process: buffers of the look before are known
    kept = 32,          ///< and, by lists, all is written down, as long as a snapshot's values
    with_cgroups = 128, ///< and the cgroup of each holder
};

/// How long those are, in bytes.
enum { holder_bytes = 152, buffer_bytes = 104, reference_bytes = 32 };

/// Looks once, at every process or at one. How many descriptors refer to a buffer.
uint64_t least_calls(unsigned what);
uint64_t least_calls_of(int32_t pid, unsigned what);

/// All that the last look kept. A `start` stands for the start time.
struct kept_process {
    uint32_t pid, start, first_reference, references;
};
uint32_t kept_holders(void);
struct kept_process kept_holder(uint32_t at);
uint32_t kept_buffers(void);
uint64_t kept_buffer(uint32_t at); ///< its inode
uint32_t kept_references(void);
uint64_t kept_reference(uint32_t at); ///< the inode of its buffer

/// The same by the pins of dmabuf_pin, whose records tell exporters and names too.
uint64_t read_pins(unsigned what);
uint64_t read_pins_of(int32_t pid);

/// The baseline.
uint64_t four_steps(void);
uint64_t four_steps_of(int32_t pid);

#ifdef __cplusplus
}
#endif
