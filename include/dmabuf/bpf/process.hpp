// SPDX-License-Identifier: MIT
//
// The walk over the tables, or the mappings, of one process, by the programs that dmabuf_pin pins
// beside the iterators. It calls bpf(2), but loads nothing.
#pragma once

#include <dmabuf/bpf/pins.hpp>

namespace dmabuf {
inline namespace v0 {

namespace detail {

/// bpf(2) with the part of union bpf_attr (include/uapi/linux/bpf.h) that a command takes. Copied
/// here, because older headers lack the newer fields.
template<class Attributes>
int call_bpf(int command, Attributes attributes) noexcept {
    return static_cast<int>(or_errno(::syscall(SYS_bpf, command, &attributes, sizeof attributes)));
}

struct bpf_object_get {
    __u64 path;
    __u32 fd;
    __u32 flags;
};

struct bpf_link_create {
    __u32 program;
    __u32 target;
    __u32 attach_type;
    __u32 flags;
    __u64 iterator;
    __u32 iterator_bytes;
    __u32 unused;
};

struct bpf_iterator_create {
    __u32 link;
    __u32 flags;
};

/// union bpf_iter_link_info: at most one of the three.
struct bpf_iterator_task {
    __u32 tid;
    __u32 pid;
    __u32 pid_fd;
};

} // namespace detail

/// Opens the pinned program of a walk, `/sys/fs/bpf/dmabuf/descriptors_of` or `mappings_of`. It
/// serves for one process after the other.
/// Cost: one call.
/// Errors: ENOENT where nothing is pinned; EACCES; EPERM on kernels before 5.19 with
/// unprivileged_bpf_disabled, for callers without CAP_BPF.
template<class = detail::if_called>
result<unique_fd<>> open_bpf_program(bpf_content content) {
    constexpr int object_get = 7;       // BPF_OBJ_GET
    constexpr __u32 read_only = 1 << 3; // BPF_F_RDONLY
    char const* const path = content == bpf_content::mappings ? "/sys/fs/bpf/dmabuf/mappings_of"
                                                              : "/sys/fs/bpf/dmabuf/descriptors_of";
    int const fd = detail::call_bpf(
        object_get, detail::bpf_object_get{reinterpret_cast<std::uintptr_t>(path), 0, read_only});
    if (fd < 0) return failure{operation::open, -fd, place_of(content)};
    return unique_fd<>({}, fd);
}

/// The descriptors, or mappings, of DMA-BUFs of one process, in all its tables. `pid` is a number
/// of the caller's pid namespace. The numbers in the records are of the initial one: see
/// `header()`. A process that does not exist is an empty range.
/// Kernel: BPF_LINK_CREATE with a task, since 6.1; E2BIG before.
/// Cost: three calls, and two for the walk of one process. No allocation when the caller gives
/// `space`.
/// Errors: an item each.
/// Lifetime: the texts of an item are valid until the next item.
template<class = detail::if_called>
bpf_reference_reader<> read_bpf_references_of(unique_fd<> const& program, bpf_content content,
                                              std::int32_t pid, read_space space = {}) {
    constexpr int link_create = 28;          // BPF_LINK_CREATE
    constexpr int iterator_create = 33;      // BPF_ITER_CREATE
    constexpr __u32 attach_to_iterator = 28; // BPF_TRACE_ITER
    detail::bpf_iterator_task const task{0, static_cast<__u32>(pid), 0};
    int const linked = detail::call_bpf(
        link_create,
        detail::bpf_link_create{static_cast<__u32>(program.get()), 0, attach_to_iterator, 0,
                                reinterpret_cast<std::uintptr_t>(&task), sizeof task, 0});
    unique_fd<> const link({}, linked);
    int const walk =
        linked < 0 ? linked
                   : detail::call_bpf(iterator_create,
                                      detail::bpf_iterator_create{static_cast<__u32>(linked), 0});
    if (walk < 0)
        return {failure{operation::open, -walk, place_of(content)}, content, std::move(space)};
    return {unique_fd<>({}, walk), content, std::move(space)};
}

} // namespace v0
} // namespace dmabuf
