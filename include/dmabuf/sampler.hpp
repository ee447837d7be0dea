// SPDX-License-Identifier: MIT
//
// Takes snapshots: by the kernel's own iterators, or else by a visit to each process.
#pragma once

#include <dmabuf/sampling/bpf_account.hpp>
#include <dmabuf/sampling/process_visit.hpp>
#include <dmabuf/sampling/unheld_buffers.hpp>

namespace dmabuf {
inline namespace v0 {

// How the sources differ. Who holds what, all sizes and all sums are the same by both.
//  * fd_walk asks one statx per descriptor; dmabuf_fds is one read per descriptor table.
//  * O_PATH descriptors: counted by both, marked by fd_walk alone (`coverage::paths_marked`).
//  * Threads that share a table: fd_walk needs kcmp, or counts twice (`tables_uncertain`). The
//    kernel lists a table once; kcmp only spares reading what another thread lists.
//  * Sizes and exporters: fd_walk has them of the descriptor. dmabuf_fds asks sysfs, or else the
//    descriptors of one holder; both once per buffer (`coverage::sized_by`).
//  * Names are in no list: with dmabuf_fds they cost a walk over one holder's descriptors in every
//    sample, since names change. It tells the rest too, and sysfs only what is O_PATH alone. Leave
//    them out where they are not wanted.
//  * Rights: the same, PTRACE_MODE_READ_FSCREDS. With CAP_SYS_PTRACE alone `fd` is refused; then
//    neither the walk over `fdinfo` nor a list without sysfs has the size of what is only O_PATH.

/// Takes snapshots of all processes that /proc shows. One sampler per thread.
/// Cost of a sample by fd_walk: 7 system calls per process and 3 more per holder, one per
/// descriptor, one more per DMA-BUF descriptor for `path_descriptors`, 3 per buffer for exporter
/// and name, 3 where there are threads and one kcmp for each, where they have n tables log2(n) + 2
/// and at the end 4 per table, and for the mappings 2 per process
/// and one per mapping of a file (before Linux 6.11, per 32 KiB of maps). By `dmabuf_fds` 6 per
/// process and 3 per holder, none per descriptor, and by sysfs 3 per buffer for its size and 3 for
/// its exporter, once; or a walk, as far as the last buffer, over one table for each set of buffers
/// that is new; and 3 more for a table of which a buffer went away before it could be sized. By the
/// pinned BPF iterators: eight, and one per 32 KiB of records, of which a reference takes about 190
/// bytes; where these do not serve, one to find out. No allocation once
/// everything has grown to the size of the system. At most 6 descriptors are open at a time.
template<system System = live_system>
class basic_sampler {
public:
    explicit basic_sampler(sample_options options = {}, System system = {})
        : options_(options)
        , open_(system)
        , memory_(system) {}

    /// Makes room for samples of a system of `most`: with `now.reserve(most)` too, already the
    /// first one allocates nothing. For programs that must not ask for memory when it is short.
    /// Cost: a dozen allocations, no system call of its own.
    void reserve(capacity const& most) {
        open_.make_space();
        build_.reserve(most);
        list_.reserve(most);
        if (options_.bpf) bpf_.reserve(most);
        memory_.reserve(most);
    }

    /// Fills `now`, whose memory is reused.
    /// Errors, and then `now` is empty: where nothing at all can be said: /proc is not there or
    /// cannot be listed, or the kernel is older than 5.3 and its DMA-BUFs cannot be told apart
    /// (ENOTSUP). Whatever else goes wrong is in `now.coverage`.
    result<void> sample(snapshot& now) {
        auto const begin_ns = open_.system().clock_ns();
        cleared_unless_whole whole{&now};
        if (auto ready = open(); !ready) return ready;
        list_before();
        if (auto done = sample_holders(now); !done) return done;
        list_after();
        build_.finish();
        count_undescribed(now);
        if (options_.unheld) list_.add_unheld(now);
        now.begin_ns = begin_ns;
        now.end_ns = open_.system().clock_ns();
        whole.now = nullptr;
        return {};
    }

private:
    /// Empties the snapshot on every way out but the last, also where an allocation throws.
    struct cleared_unless_whole {
        snapshot* now;
        ~cleared_unless_whole() {
            if (now) now->clear();
        }
    };

    result<void> open() {
        if (auto const opened = open_.open(); !opened) return opened;
        build_.remember(open_.kernel().inodes_are_unique());
        // Never on again: that kcmp does not serve is learned once.
        if (!open_.kernel().own_pid_namespace) memory_.tables.compare(false);
        return {};
    }

    void list_before() {
        if (options_.unheld || options_.bufinfo)
            list_.read_before(open_.system(), open_.sysfs(), options_.bpf, options_.bufinfo,
                              open_.table_space());
    }

    void list_after() {
        if (options_.unheld || options_.bufinfo)
            list_.read_after(open_.system(), open_.sysfs(), build_, open_.table_space());
    }

    void count_undescribed(snapshot& now) const {
        for (auto const& buffer : now.buffers)
            now.coverage.buffers_undescribed +=
                (options_.exporters && buffer.exporter == exporter_id::unknown) ||
                (options_.names && !buffer.name_known);
    }

    result<void> sample_holders(snapshot& now) {
        failure why_no_bpf; // `error` 0: it was not asked
        if (may_ask(source::bpf_iterator, options_)) {
            auto const done = sample_by_bpf(now);
            if (done) return done;
            why_no_bpf = done.error();
        }
        return sample_by_process(now, why_no_bpf);
    }

    // --- all processes, by the kernel itself ---

    /// Errors: why it did not serve. Then nothing of it counts.
    result<void> sample_by_bpf(snapshot& now) {
        build_.begin(now);
        auto const done = bpf_.read(open_.system(), options_, build_, open_.table_space());
        if (!done) return build_.abandon(), done;
        state_source(now.coverage, source::bpf_iterator, options_, open_.sysfs());
        now.coverage.proc_shows = visibility::everything; // the kernel walks all tasks itself
        if (options_.cgroups) add_cgroups(now);
        return {};
    }

    /// A process that is not the one seen, or is out of the caller's sight, has no cgroup here.
    void add_cgroups(snapshot& now) {
        for (auto& who : now.holders) {
            auto const process = open_process(open_.proc(), who.pid);
            if (!process) continue;
            auto const path = read_cgroup(*process, open_.table_space());
            auto const stat = path ? read_stat(*process) : result<task_stat>(path.error());
            if (stat && stat->start_ticks == who.start_ticks)
                who.cgroup = build_.cgroup_at(*path);
            else if (!stat)
                (void)tally(now.coverage).note(stat.error());
        }
    }

    // --- all processes, one after the other ---

    result<void> sample_by_process(snapshot& now, failure const& why_no_bpf) {
        auto const& known = open_.known;
        bool const knew_all = known.mount_id && known.device();
        if (auto done = visit_processes(now, why_no_bpf); !done) return done;
        // What had to stay undecided, because no DMA-BUF had been met yet, can be decided now.
        if (now.coverage.undecided != 0 && !knew_all && (known.mount_id || known.device()))
            return build_.keep(), visit_processes(now, why_no_bpf);
        return {};
    }

    result<void> visit_processes(snapshot& now, failure const& why_no_bpf) {
        bool const listed =
            may_ask(source::dmabuf_fds, options_) && open_.why_no_dmabuf_fds().error == 0;
        auto const by = listed ? source::dmabuf_fds : source::fd_walk;
        build_.begin(now);
        state_source(now.coverage, by, options_, open_.sysfs());
        now.coverage.why_no_bpf = why_no_bpf;
        now.coverage.why_no_dmabuf_fds = open_.why_no_dmabuf_fds();
        now.coverage.proc_shows = open_.kernel().proc_shows;
        sample_in_progress<System> const sample{open_, options_, build_, tally(now.coverage)};
        std::int32_t last = 0;
        for (auto const& pid : read_processes(open_.proc(), read_space(open_.process_space()))) {
            if (!pid) return pid.error();
            // The kernel lists them in ascending order, each once (fs/proc/base.c, next_tgid()).
            if (*pid > std::exchange(last, *pid))
                visit(sample, by, *pid);
            else
                sample.counts.process(
                    sample.counts.note({operation::list, EBADMSG, {object::process, *pid}}));
            if (open_.unsupported) return *open_.unsupported;
        }
        return {};
    }

    void visit(sample_in_progress<System> const& sample, source by, std::int32_t pid) {
        constexpr int attempts = 8;
        auto const& counts = sample.counts;
        auto const before = counts.counted();
        for (int i = 0; i < attempts; ++i) {
            auto const process = open_process(open_.proc(), pid);
            if (!process) return counts.process(counts.note(process.error()));
            process_visit<System> visit(sample, by, memory_, *process, i != 0);
            auto const how = visit.read();
            if (how != outcome::again) return counts.process(how, visit.is_kernel_thread());
            build_.drop_process();
            counts.restore(before);
        }
        counts.process(counts.note({operation::list, EAGAIN, {object::task_directory, pid}}));
    }

    sample_options options_;
    session<System> open_;
    snapshot_builder build_;
    unheld_buffers<System> list_;
    bpf_account<System> bpf_;
    visit_memory<System> memory_;
};

/// The sampler of the running kernel.
using sampler = basic_sampler<>;

} // namespace v0
} // namespace dmabuf
