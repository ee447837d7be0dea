// SPDX-License-Identifier: MIT
//
// The coverage of a snapshot: the sources that answered, and all that could not be seen. No system
// call.
#pragma once

#include <dmabuf/result.hpp>

namespace dmabuf {
inline namespace v0 {

/// The source of the references.
enum class source : std::uint8_t {
    none,
    fd_walk,      ///< /proc/P/task/T/fd, on every kernel
    dmabuf_fds,   ///< /proc/P/task/T/dmabuf_fds, on a patched kernel
    bpf_iterator, ///< /sys/fs/bpf/dmabuf, where an administrator pinned it (examples/dmabuf_pin)
};

/// The source of the sizes of buffers that descriptors refer to. A size is asked for once, and
/// remembered while the sampler sees the buffer, on kernels that use no inode number twice.
enum class sizing : std::uint8_t {
    none,
    descriptors, ///< each descriptor (fd_walk), or one of a holder's (dmabuf_fds with names or
                 ///< without sysfs)
    sysfs,       ///< /sys/kernel/dmabuf/buffers, and descriptors for buffers that are not in it
    bpf_iterator,
    bpf_buffers, ///< /sys/fs/bpf/dmabuf/buffers, and descriptors for buffers not in it
    android_bpf, ///< the list that Android pins, and descriptors for buffers not in it
    bufinfo,     ///< /sys/kernel/debug/dma_buf/bufinfo, and descriptors for buffers not in it
};

/// The list of all buffers, held or not, that was compared with the buffers of the processes. Every
/// source of references counts a buffer that O_PATH descriptors alone hold, but of the lists
/// sysfs's alone has it: where the holder is out of sight, so is the buffer.
enum class listing : std::uint8_t {
    none,
    sysfs,        ///< /sys/kernel/dmabuf/buffers, Linux 5.15 to 6.19
    bufinfo,      ///< /sys/kernel/debug/dma_buf/bufinfo
    bpf_iterator, ///< /sys/fs/bpf/dmabuf/buffers, pinned by examples/dmabuf_pin on Linux 6.16
    android_bpf,  ///< /sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf, pinned by Android 16
};

/// The part of the system that /proc shows to the caller.
enum class visibility : std::uint8_t {
    unknown,
    everything,    ///< the initial pid namespace, and nothing hidden
    pid_namespace, ///< only the processes of a pid namespace
    hidden,        ///< hidepid leaves out other users' processes
};

namespace detail {
inline constexpr text_for<source> source_names[] = {
    {source::none, "none"},
    {source::fd_walk, "fd_walk"},
    {source::dmabuf_fds, "dmabuf_fds"},
    {source::bpf_iterator, "bpf_iterator"},
};
static_assert(are_in_order(source_names, source::bpf_iterator));

inline constexpr text_for<sizing> sizing_names[] = {
    {sizing::none, "none"},
    {sizing::descriptors, "descriptors"},
    {sizing::sysfs, "sysfs"},
    {sizing::bpf_iterator, "bpf_iterator"},
    {sizing::bpf_buffers, "bpf_buffers"},
    {sizing::android_bpf, "android_bpf"},
    {sizing::bufinfo, "bufinfo"},
};
static_assert(are_in_order(sizing_names, sizing::bufinfo));

inline constexpr text_for<listing> listing_names[] = {
    {listing::none, "none"},
    {listing::sysfs, "sysfs"},
    {listing::bufinfo, "bufinfo"},
    {listing::bpf_iterator, "bpf_iterator"},
    {listing::android_bpf, "android_bpf"},
};
static_assert(are_in_order(listing_names, listing::android_bpf));

inline constexpr text_for<visibility> visibility_names[] = {
    {visibility::unknown, "unknown"},
    {visibility::everything, "everything"},
    {visibility::pid_namespace, "pid_namespace"},
    {visibility::hidden, "hidden"},
};
static_assert(are_in_order(visibility_names, visibility::hidden));
} // namespace detail

/// The word for the value in reports and in JSON.
constexpr std::string_view name_of(source which) {
    return detail::text_of(detail::source_names, which, "none");
}
constexpr std::string_view name_of(sizing which) {
    return detail::text_of(detail::sizing_names, which, "none");
}
constexpr std::string_view name_of(listing which) {
    return detail::text_of(detail::listing_names, which, "none");
}
constexpr std::string_view name_of(visibility how) {
    return detail::text_of(detail::visibility_names, how, "unknown");
}

/// The traces of DMA-BUFs on a kernel before 5.3, where they have no inode of their own. Which
/// buffer a reference is to, its size, and whether two processes share it cannot be told.
struct indistinct_buffers {
    std::uint32_t kernel_major = 0; ///< 0: DMA-BUFs can be told apart
    std::uint32_t kernel_minor = 0;
    std::uint32_t holders = 0;     ///< processes that hold at least one
    std::uint32_t descriptors = 0; ///< "anon_inode:dmabuf"
    std::uint32_t mappings = 0;    ///< of the same name
    std::uint64_t listed = 0;      ///< buffers that bufinfo lists, held or not
    std::uint64_t listed_bytes = 0;

    /// Descriptors and mappings together.
    [[nodiscard]] constexpr std::uint32_t references() const { return descriptors + mappings; }
};

/// The processes, tables and buffers that were seen, and those that were not. Every failure is
/// counted here.
struct coverage {
    source found_by = source::none;
    failure why_no_bpf;        ///< why the pinned BPF iterators did not serve; `error` 0: they
                               ///< served, or were not asked
    failure why_no_dmabuf_fds; ///< why `dmabuf_fds` did not serve; `error` 0: it served, was not
                               ///< asked, or a better source served
    sizing sized_by = sizing::none;
    bool paths_marked = false; ///< false: all `path_descriptors` are 0 and mean nothing
    visibility proc_shows = visibility::unknown;
    /// The process of `sampler::sample_process()`, which alone was looked at; 0: all were. All else
    /// here is then of this process.
    std::int32_t alone_pid = 0;

    /// Processes that /proc lists: the sum of the next five. By `bpf_iterator`: the processes that
    /// hold a buffer, all of them seen, since the kernel walks all tasks itself.
    std::uint32_t processes = 0;
    std::uint32_t processes_seen = 0; ///< read in full
    /// Processes of which the mappings, or at least one descriptor table, may not be read.
    std::uint32_t processes_denied = 0;
    std::uint32_t processes_gone = 0;   ///< exited meanwhile: they hold nothing any more
    std::uint32_t processes_failed = 0; ///< failed for another reason: see `first_failure`
    std::uint32_t kernel_threads = 0;   ///< refused, but kernel threads, which hold no descriptors
    /// Of `processes_seen`, those with no file mapped and no DMA-BUF: kernel threads, zombies, and
    /// programs that unmapped themselves. Counted where `mappings_read`.
    std::uint32_t processes_without_memory = 0;

    std::uint32_t tables = 0; ///< distinct descriptor tables read
    /// Tables that may have been read before all the same: there was no kcmp, or the task that was
    /// compared has exited. Descriptor counts are then upper bounds; rss, pss and uss stay exact.
    std::uint32_t tables_uncertain = 0;
    std::uint32_t descriptors_gone = 0;   ///< closed between listing and looking
    std::uint32_t mappings_gone = 0;      ///< unmapped meanwhile, and the buffer is gone from sysfs
    std::uint32_t descriptors_failed = 0; ///< could not be looked at: see `first_failure`
    std::uint32_t undecided = 0; ///< O_PATH descriptors and mappings that may be of a DMA-BUF: none
                                 ///< was seen to compare them with
    std::uint32_t buffers_unsized = 0; ///< held, and of unknown size
    /// Buffers whose exporter or name was asked for, and could not be read.
    std::uint32_t buffers_undescribed = 0;
    listing listed_by = listing::none; ///< the list that `snapshot::unheld` comes from
    /// The failure of the list that was asked last: sysfs, pinned BPF or `bufinfo`. `error` 0: a
    /// list served, or none was asked for.
    failure why_no_list;
    /// Buffers that were listed, but met only with processes that exited or closed them meanwhile:
    /// neither held nor `unheld`.
    std::uint32_t buffers_leaving = 0;
    /// Inode numbers that two or more buffers have, as can be before 5.18. Buffers of one number
    /// and different sizes are in `buffers` each; of the same size they are one there.
    std::uint32_t inodes_shared = 0;
    std::uint32_t odd_rows = 0;        ///< rows of that list that could not be read: a buffer each
    failure first_odd_row;             ///< its `line` tells where
    std::uint32_t cgroups_unknown = 0; ///< holders whose cgroup was asked for and could not be read
    bool mappings_read = false;        ///< false: buffers that are only mapped are missing
    indistinct_buffers indistinct;

    failure first_failure; ///< the first that was neither gone nor denied; `error` 0: none

    /// True where no process was out of sight, and everything that a process held during the whole
    /// sample was found. Where false, pss and uss are upper bounds of their values with everything
    /// in sight, or unknown where one process alone was looked at. Buffers that no process holds
    /// are another matter: see `buffers_compared()`.
    [[nodiscard]] constexpr bool complete() const {
        return proc_shows == visibility::everything && alone_pid == 0 && found_all_held();
    }

    /// True where everything was found that the processes looked at held during the whole sample:
    /// where one alone was looked at, of that one.
    [[nodiscard]] constexpr bool found_all_held() const {
        return mappings_read && processes_denied == 0 && processes_failed == 0 &&
               descriptors_failed == 0 && undecided == 0 && buffers_unsized == 0 &&
               indistinct.kernel_major == 0;
    }

    /// True where the kernel's own list of all buffers was compared. Where false, the number and
    /// size of the buffers that no process holds are unknown, and a buffer that a process yet to be
    /// read handed to one read already may be missing.
    [[nodiscard]] constexpr bool buffers_compared() const { return listed_by != listing::none; }
};

} // namespace v0
} // namespace dmabuf
