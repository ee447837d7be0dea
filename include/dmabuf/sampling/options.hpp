// SPDX-License-Identifier: MIT
//
// What a caller of the sampler can ask for.
#pragma once

#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

/// What a snapshot shall tell beside who holds which buffer and how large it is.
struct sample_options {
    bool exporters = true;        ///< once per buffer; remembered while the sampler sees the buffer
    bool names = true;            ///< once per buffer and sample, since names change
    bool path_descriptors = true; ///< `reference::path_descriptors`, which fd_walk alone can tell
    bool mappings = true;         ///< references by mmap, without which coverage is never complete
    bool cgroups = false;         ///< of every holder, four calls each
    bool unheld = false;  ///< `snapshot::unheld`, by sysfs, or by bufinfo where that is allowed
    bool bufinfo = false; ///< allows to ask debugfs, which takes each buffer's lock in the kernel
    bool bpf = true; ///< asks the pinned BPF iterators first; false: only /proc, /sys and debugfs
    source force =
        source::none; ///< this source and no better one; `coverage::found_by` tells if it served
};

} // namespace v0
} // namespace dmabuf
