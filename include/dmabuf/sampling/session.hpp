// SPDX-License-Identifier: MIT
//
// The open files of a sampler, and its knowledge of the system. They live as long as the sampler.
#pragma once

#include <dmabuf/kernel/fd_walk.hpp>
#include <dmabuf/kernel/sysfs_buffers.hpp>
#include <dmabuf/sampling/platform.hpp>
#include <dmabuf/sampling/sources.hpp>

namespace dmabuf {
inline namespace v0 {

/// Keeps open and in mind all that outlives one sample.
template<system System = live_system>
class session {
public:
    explicit session(System system, dmabuf::roots const& roots = {})
        : system_(system)
        , roots_(roots) {}

    /// Opens /proc and asks the kernel for its abilities and for the caller's rights. Later calls
    /// do nothing.
    /// Cost: about 17 system calls.
    /// Errors: those of `open_proc()`; ENAMETOOLONG for roots that are too long.
    result<void> open() {
        if (proc_) return {};
        if (roots_.truncated()) return failure{operation::open, ENAMETOOLONG, {}};
        auto proc = open_proc(system_, roots_.proc.c_str());
        if (!proc) return proc.error();
        platform_ = probe(*proc);
        if (auto const found = find_dmabuf_fds(*proc, platform_.shows_caller); !found)
            why_no_dmabuf_fds_ = found.error();
        if (platform_.before(5, 3)) known.expect_before_5_3();
        make_space();
        auto const path = path_of({object::sysfs_buffers}, roots_);
        if (auto tree = open_sysfs_buffers(system_, path.c_str())) sysfs_ = std::move(tree).value();
        proc_ = std::move(proc).value();
        return {};
    }

    /// Makes the two buffers that everything is read into, once.
    /// Cost: two allocations.
    void make_space() {
        if (table_space_.size() != 0) return; // made last: both are there
        process_space_ = raw_bytes(space_bytes);
        table_space_ = raw_bytes(space_bytes);
    }

    [[nodiscard]] System system() const { return system_; }
    [[nodiscard]] dmabuf::roots const& roots() const { return roots_; }
    [[nodiscard]] proc_directory<System> const& proc() const { return *proc_; }
    /// The sysfs tree of buffers. Null where there is none.
    [[nodiscard]] sysfs_buffers_directory<System> const* sysfs() const {
        return sysfs_ ? &*sysfs_ : nullptr;
    }
    [[nodiscard]] platform const& kernel() const { return platform_; }
    /// Why there is no `dmabuf_fds`; `error` 0: there is.
    [[nodiscard]] failure const& why_no_dmabuf_fds() const { return why_no_dmabuf_fds_; }

    /// Memory for the listing of all processes alone.
    [[nodiscard]] std::span<char> process_space() const { return process_space_; }
    /// Memory for every other read. One reader uses it at a time.
    [[nodiscard]] std::span<char> table_space() const { return table_space_; }

    dmabuf_filesystem known; ///< the device and mount of DMA-BUFs, learned on the way
    /// The teller of the sizes that neither source nor sysfs tells, when one was asked for last.
    sizing sized_by = sizing::descriptors;
    bool query_mappings = true; ///< false once this kernel has refused PROCMAP_QUERY

private:
    static constexpr std::size_t space_bytes = 32768;

    [[no_unique_address]] System system_;
    dmabuf::roots roots_;
    std::optional<proc_directory<System>> proc_;
    std::optional<sysfs_buffers_directory<System>> sysfs_;
    platform platform_;
    failure why_no_dmabuf_fds_;
    raw_bytes process_space_;
    raw_bytes table_space_;
};

} // namespace v0
} // namespace dmabuf
