// SPDX-License-Identifier: MIT
//
// The walk over the tables, or the mappings, of one process, by the programs that dmabuf_pin pins
// beside the iterators. It calls bpf(2), but loads nothing.
#pragma once

#include <dmabuf/bpf/pins.hpp>

namespace dmabuf {
inline namespace v0 {

/// The pinned program of a walk over one process.
constexpr char const* program_of(bpf_content content) {
    return content == bpf_content::mappings ? "/sys/fs/bpf/dmabuf/mappings_of"
                                            : "/sys/fs/bpf/dmabuf/descriptors_of";
}

/// Opens the pinned program of a walk, `/sys/fs/bpf/dmabuf/descriptors_of` or `mappings_of`, or
/// the one at `path`. It serves for one process after the other.
/// Cost: one call.
/// Errors: ENOENT where nothing is pinned; EACCES; EPERM on kernels before 5.19 with
/// unprivileged_bpf_disabled, for callers without CAP_BPF.
template<bpf_system System = live_system>
result<unique_fd<System>> open_bpf_program(bpf_content content, System system = {},
                                           char const* path = nullptr) {
    int const fd = system.open_program(path ? path : program_of(content));
    if (fd < 0) return failure{operation::open, -fd, place_of(content)};
    return unique_fd<System>(system, fd);
}

/// Opens a walk over one process, which `bpf_walk` reads. `pid` is a number of the caller's pid
/// namespace.
/// Kernel: BPF_LINK_CREATE with a task, since 6.1.
/// Cost: three calls.
/// Errors: E2BIG before 6.1.
template<bpf_system System>
result<unique_fd<System>> open_bpf_walk(System system, unique_fd<System> const& program,
                                        bpf_content content, std::int32_t pid) {
    int const fd = system.open_walk(program.get(), pid);
    if (fd < 0) return failure{operation::open, -fd, place_of(content)};
    return unique_fd<System>(system, fd);
}

/// The descriptors, or mappings, of DMA-BUFs of one process, in all its tables. `pid` is a number
/// of the caller's pid namespace. The numbers in the records are of the initial one: see
/// `header()`. A process that does not exist is an empty range.
/// Kernel: BPF_LINK_CREATE with a task, since 6.1; E2BIG before.
/// Cost: three calls, and two for the walk of one process. No allocation when the caller gives
/// `space`.
/// Errors: an item each.
/// Lifetime: the texts of an item are valid until the next item.
template<bpf_system System = live_system>
bpf_reference_reader<System> read_bpf_references_of(unique_fd<System> const& program,
                                                    bpf_content content, std::int32_t pid,
                                                    read_space space = {}, System system = {}) {
    auto walk = open_bpf_walk(system, program, content, pid);
    if (!walk) return {system, walk.error(), content, std::move(space)};
    return {system, std::move(walk).value(), content, std::move(space)};
}

} // namespace v0
} // namespace dmabuf
