// SPDX-License-Identifier: MIT
//
// What a sampler has open, and what it has learned of the system: for as long as it lives.
#pragma once

#include <dmabuf/kernel/fd_walk.hpp>
#include <dmabuf/kernel/sysfs_buffers.hpp>
#include <dmabuf/sampling/platform.hpp>
#include <dmabuf/sampling/sources.hpp>

namespace dmabuf {
inline namespace v0 {

template<system System = live_system>
class session {
public:
    explicit session(System system)
        : system_(system) {}

    /// Opens /proc, and finds out what this kernel and this caller's rights allow; the second time
    /// it does nothing. Cost: about 20 system calls. Errors: those of `open_proc()`.
    result<void> open() {
        if (proc_) return {};
        auto proc = open_proc(system_);
        if (!proc) return proc.error();
        platform_ = probe(*proc);
        if (auto const found = find_dmabuf_fds(*proc); !found) why_no_dmabuf_fds_ = found.error();
        if (platform_.before(5, 3)) known.expect_before_5_3();
        make_space();
        if (auto tree = open_sysfs_buffers(system_)) sysfs_ = std::move(tree).value();
        proc_ = std::move(proc).value();
        return {};
    }

    void make_space() {
        if (table_space_.size() != 0) return; // the last that is made
        process_space_ = raw_bytes(space_bytes);
        table_space_ = raw_bytes(space_bytes);
    }

    [[nodiscard]] System system() const { return system_; }
    [[nodiscard]] proc_directory<System> const& proc() const { return *proc_; }
    /// Null where there is no such tree.
    [[nodiscard]] sysfs_buffers_directory<System> const* sysfs() const {
        return sysfs_ ? &*sysfs_ : nullptr;
    }
    [[nodiscard]] platform const& kernel() const { return platform_; }
    /// `error` 0: it is there.
    [[nodiscard]] failure const& why_no_dmabuf_fds() const { return why_no_dmabuf_fds_; }

    /// For the listing of all processes alone.
    [[nodiscard]] std::span<char> process_space() const { return process_space_; }
    /// For whatever is read in one go of one process.
    [[nodiscard]] std::span<char> table_space() const { return table_space_; }

    dmabuf_filesystem known;    ///< learned on the way
    bool query_mappings = true; ///< false since this kernel has refused PROCMAP_QUERY
    /// Met on the way: a DMA-BUF that cannot be told from others, before Linux 5.3.
    std::optional<failure> unsupported;

private:
    static constexpr std::size_t space_bytes = 32768;

    [[no_unique_address]] System system_;
    std::optional<proc_directory<System>> proc_;
    std::optional<sysfs_buffers_directory<System>> sysfs_;
    platform platform_;
    failure why_no_dmabuf_fds_;
    raw_bytes process_space_;
    raw_bytes table_space_;
};

} // namespace v0
} // namespace dmabuf
