// SPDX-License-Identifier: MIT
//
// The options of a sampler.
#pragma once

#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

/// The options of a sampler. Every sample tells holders, buffers and sizes; the options add to that
/// or leave out a part.
struct sample_options {
    bool exporters = true;        ///< asked once per buffer; remembered while a sample has it
    bool names = true;            ///< asked once per buffer and sample, since names change
    bool path_descriptors = true; ///< `reference::path_descriptors`; dmabuf_fds has no marks
    bool mappings = true;         ///< references by mmap; without them coverage is never complete
    bool cgroups = false;         ///< the cgroup of every holder, 4 calls each
    bool unheld = false;  ///< `snapshot::unheld`: asks sysfs, else pinned BPF, else `bufinfo`
    bool bufinfo = false; ///< debugfs may be asked; it takes each buffer's lock in the kernel
    /// `snapshot::counts` and `snapshot::attachments`.
    /// Cost: 3 calls for each buffer and sample, which `names` share; at most log2(n) + 6 for each
    /// of n tables with buffers and of n memory maps; by `bpf_iterator` none. With `bufinfo` that
    /// list, unless it was read.
    bool counts = false;
    /// `snapshot::origins` and `snapshot::watched_attachments` of all buffers, where
    /// `dmabuf_pin --origins` watches.
    /// Cost: 8 calls, one more per 32 KiB of records, whichever buffers they are of (112 bytes a
    /// buffer, 176 an attachment), and 3 for each maker and importer that holds no buffer; where
    /// nothing is pinned 1.
    bool origins = false;
    /// The same of `snapshot::unheld` alone; no call where a list tells that there is none. Without
    /// a list, the watch tells the part of `unheld` that was made since it began.
    bool origins_of_unheld = false;
    /// The order of a walk over descriptors that ends at the last buffer of a process's list: from
    /// the highest one, or from the lowest. Programs open buffers behind other files: of three
    /// recorded ones 53 descriptors were asked, and from the lowest 139. A process whose buffers
    /// have the lowest numbers is asked for all its descriptors.
    bool highest_first = true;
    bool bpf = true; ///< asks the pinned BPF iterators first; false: only /proc, /sys and debugfs
    /// This source and no better one; `coverage::found_by` tells whether it served.
    source force = source::none;
    /// The procfs, sysfs and bpffs to look at, where a container has those of its host elsewhere:
    /// `sampler({.proc = "/host/proc"})`. All numbers are those of that procfs. See `roots`.
    root_path proc = dmabuf::roots{}.proc;
    root_path sys = dmabuf::roots{}.sys;
    root_path bpffs = dmabuf::roots{}.bpffs;

    [[nodiscard]] constexpr dmabuf::roots roots() const { return {proc, sys, bpffs}; }
};

} // namespace v0
} // namespace dmabuf
