// SPDX-License-Identifier: MIT
//
// The sampler. It asks the pinned BPF iterators first. Where these do not serve, it visits one
// process after the other. The builder takes every finding.
#pragma once

#include <dmabuf/kernel/cgroup.hpp>
#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/sampling/bpf_account.hpp>
#include <dmabuf/sampling/buffer_origins.hpp>
#include <dmabuf/sampling/one_process.hpp>
#include <dmabuf/sampling/process_visit.hpp>
#include <dmabuf/sampling/unheld_buffers.hpp>

namespace dmabuf {
inline namespace v0 {

// How the sources differ. Holders, sizes and sums are the same by every source.
//  * Calls: fd_walk asks one statx per descriptor. dmabuf_fds is one read per descriptor table.
//  * O_PATH descriptors: every source counts them. dmabuf_fds does not mark them
//    (`coverage::paths_marked`). A buffer that they alone hold is in no list of all buffers but
//    sysfs's, so that no other list tells its exporter, or that it exists.
//  * Threads that share a table: fd_walk needs kcmp, or counts the table twice
//    (`tables_uncertain`). With dmabuf_fds the kernel lists a table once; kcmp only spares reading
//    an empty list.
//  * Sizes and exporters: fd_walk takes them from the descriptor. dmabuf_fds asks sysfs, or without
//    it the kernel's list of all buffers, or else the descriptors of one holder; each once per
//    buffer (`coverage::sized_by`).
//  * Names: a pinned list has them, a list of /proc or sysfs has not, bufinfo those of one
//    line, but no buffer without one. Else, with dmabuf_fds, they cost a walk over the descriptors
//    of one holder in every sample, since names change. The walk tells size and exporter too; sysfs
//    is then asked only for buffers that O_PATH descriptors alone refer to. Leave out names that
//    are not wanted.
//  * Rights: fd_walk and dmabuf_fds need PTRACE_MODE_READ_FSCREDS. With CAP_SYS_PTRACE alone, `fd`
//    is refused. The size of a buffer that O_PATH descriptors alone refer to is then unknown,
//    unless there is a sysfs tree.

/// Takes snapshots of all processes that /proc shows, or of one alone. See `sample()` for its cost
/// and its errors.
/// Threads: one thread at a time uses a sampler. Samplers share nothing. Any number of threads may
/// read a snapshot that none changes.
/// Fork: parent and child may both go on with their copies of a sampler that was not in use.
/// Signals: calls that a signal interrupts are repeated. Do not sample in a signal's handler.
template<system System = live_system>
class basic_sampler {
public:
    /// A sampler with these options, which makes its calls by `system`. It opens nothing yet: the
    /// first sample does, and tells its failures.
    /// Cost: no system call, no allocation.
    explicit basic_sampler(sample_options options = {}, System system = {});

    /// Makes room for systems up to the size of `most`. With `now.reserve(most)` too, the first
    /// sample allocates nothing, unless it counts references. Use it in programs that must not ask
    /// for memory when memory is short.
    /// Cost: 26 allocations, 18 with `sample_options::bpf` off, 5 more with room for origins; no
    /// system call. On 64-bit systems both hold at most 80,000 bytes, and for one of `most` each:
    /// buffers 760, holders 400, references 80, per_process 200, threads 20, exporters 240,
    /// unread 4. With `sample_options::bpf` off, holders 200, references 32, per_process 80.
    /// Without `reserve()` memory grows to the largest sample, and stays.
    void reserve(capacity const& most);

    /// Takes one snapshot into `now` and reuses its memory.
    /// Cost: system calls, by source. Those of a holder come on top of those of a process.
    /// | source | process | holder | descriptor | buffer |
    /// |---|---|---|---|---|
    /// | fd_walk | 7 | 3 | 1; with `path_descriptors` 2 for a DMA-BUF | 3 for exporter and name |
    /// | dmabuf_fds with sysfs | 6 | 3 | 0 | once 3 for its size, once 3 for its exporter |
    /// | dmabuf_fds without sysfs | 6 | 3 | 1 in one table per set of new buffers | as fd_walk |
    /// | the same with a list of all buffers | 6 | 3 | 0 | one list a sample, if any is unknown |
    /// | bpf_iterator | 8 in all, and 1 per 32 KiB of records; a reference has about 190 bytes |
    /// By fd_walk and dmabuf_fds also:
    ///  * Threads: 3, and one kcmp for each. With n tables a kcmp becomes log2(n) + 2, and 4 per
    ///    table follow at the end.
    ///  * Mappings: 3 per process, and 1 per mapping of a file; before Linux 6.11 1 per 32 KiB of
    ///    maps.
    ///  * A process that holds nothing, without mappings: 1.
    ///  * dmabuf_fds: 3 for a table that lost a buffer before it could be sized. A walk over a
    ///    table ends at its last new buffer.
    ///  * BPF iterators that do not serve: 1 to find out.
    /// No allocation once everything has grown to the size of the system. At most 6 descriptors are
    /// open at a time.
    /// Errors: `now` is then empty. ENOENT or ENODEV: there is no /proc. ENAMETOOLONG: one of
    /// the roots is too long. The failure of a /proc that cannot be listed. Every other failure is
    /// counted in `now.coverage`.
    result<void> sample(snapshot& now);

    /// Takes a snapshot of one process alone into `now`, and reuses its memory: the references,
    /// sizes, rss and mapped bytes of `pid`, a number of the procfs that the sampler reads. It may
    /// be the caller's own. No other process is looked at, so that pss, uss, the holders of a
    /// buffer and its references that no process explains are unknown, and `unheld` is not asked
    /// for. A process that holds nothing leaves `now.holders` empty.
    /// Kernel: the pinned programs of one process, since 6.1; else `dmabuf_fds`, or a walk.
    /// Cost: that of a process, its descriptors and its buffers in the table above; by
    /// bpf_iterator 5 system calls for the descriptors and 5 for the mappings, and 1 for each
    /// further 32 KiB of records, in the first look one more each. A process that holds nothing: 6
    /// more, and 3 where there are threads. No allocation in a repeated look. At most 6 descriptors
    /// are open at a time, and the two programs.
    /// Errors: `now` is then empty, and the failure names the process. ENOENT: there is none of
    /// this number, or hidepid hides it. ESRCH: it has ended. ECHILD: the number is that of a
    /// thread. ENOEXEC: it is a kernel thread. EACCES, EPERM: the caller may not read it; where it
    /// may read a part, that part is told, and `now.coverage.found_all_held()` is false. Also those
    /// of `sample()`, and the first failure where nothing else was found.
    result<void> sample_process(snapshot& now, std::int32_t pid);

private:
    /// Empties the snapshot of a sample that failed, also where an allocation threw. The sampler
    /// lets that exception through.
    struct cleared_unless_whole {
        snapshot* now;
        ~cleared_unless_whole() {
            if (now) now->clear();
        }
    };

    /// Takes a snapshot of the findings of `look`.
    template<class Look>
    result<void> take(snapshot& now, Look look) {
        auto const begin_ns = session_.system().clock_ns();
        if (asks_origins()) origins_.begin(session_.system());
        cleared_unless_whole whole{&now};
        if (auto ready = open(); !ready) return ready;
        if (auto done = look(); !done) return done;
        build_.finish();
        count_undescribed(now);
        state_age(now.coverage);
        if (options_.unheld && now.coverage.alone_pid == 0) unheld_.add_unheld(now);
        if (options_.counts) count_references(now);
        if (asks_origins()) origins_.read(session_, options_, now);
        now.begin_ns = begin_ns;
        now.end_ns = session_.system().clock_ns();
        whole.now = nullptr;
        return {};
    }

    [[nodiscard]] bool asks_origins() const {
        return options_.origins || options_.origins_of_unheld;
    }

    result<void> open() {
        if (auto const opened = session_.open(); !opened) return opened;
        build_.remember(session_.kernel().inodes_are_unique());
        // kcmp stays off once it has failed: its failure is learned once.
        if (!session_.kernel().own_pid_namespace) memory_.tables.compare(false);
        return {};
    }

    void list_before() {
        list_.forget();
        if (options_.unheld)
            unheld_.read_before(session_.system(), session_.sysfs(), list_, options_,
                                session_.table_space());
    }

    void list_after() {
        if (options_.unheld)
            unheld_.read_after(session_.system(), session_.sysfs(), list_, build_, options_,
                               session_.table_space());
        else if (options_.bufinfo)
            describe_by_list();
    }

    void describe_by_list() {
        unheld_.describe_by(list_, session_.system(), build_, options_, session_.table_space());
    }

    void count_undescribed(snapshot& now) const {
        for (auto const& buffer : now.buffers)
            now.coverage.buffers_undescribed +=
                (options_.exporters && buffer.exporter == exporter_id::unknown) ||
                (options_.names && !buffer.name_known);
    }

    /// Notes the version of a kernel before 5.3, unless a DMA-BUF was met that a vendor's kernel
    /// gave an inode.
    void state_age(coverage& seen) const {
        if (!session_.known.is_indistinct()) return;
        seen.indistinct.kernel_major = session_.kernel().kernel_major;
        seen.indistinct.kernel_minor = session_.kernel().kernel_minor;
    }

    /// Takes the counts that debugfs tells, or else the pinned list. Descriptors and mappings have
    /// told the others. A list that the sample has read already is not read again.
    void count_references(snapshot& now) {
        if (options_.bufinfo) read_bufinfo_counts(tally(now.coverage));
        if (options_.bpf && list_.listed_by() != listing::bufinfo)
            list_.read_only(listing::bpf_iterator, session_.system(), session_.table_space());
        for (auto const& row : list_.rows())
            if (row.count_known) references_.told_by_list(row.inode, row.count, row.devices_known);
        for (auto const& one : list_.devices())
            references_.attached(one);
        references_.finish(now);
    }

    void read_bufinfo_counts(tally counts) {
        list_.read_only(listing::bufinfo, session_.system(), session_.table_space());
        bool const failed = list_.listed_by() == listing::none && list_.indistinct() == 0;
        if (failed) (void)counts.note(list_.why_not());
        if (list_.odd().count != 0) (void)counts.note(list_.odd().first);
    }

    result<void> sample_holders(snapshot& now) {
        failure why_no_bpf; // `error` 0: BPF was not asked
        if (may_ask(source::bpf_iterator, options_)) {
            auto const done = sample_by_bpf(now, [](auto) { return unique_fd<System>(); });
            if (done) return done;
            why_no_bpf = done.error();
        }
        return sample_by_process(
            now, why_no_bpf, [&](auto const& sample, source by) { return visit_all(sample, by); });
    }

    // --- one process alone ---

    result<void> sample_holder(snapshot& now, std::int32_t pid) {
        failure why_no_bpf; // `error` 0: BPF was not asked
        if (may_ask(source::bpf_iterator, options_)) {
            auto const done = sample_by_bpf(now, [&](bpf_content content) {
                return programs_.open_walk(session_, content, pid);
            });
            if (done) return check_walked(now, pid);
            why_no_bpf = done.error();
        }
        return sample_by_process(now, why_no_bpf, [&](auto const& sample, source by) {
            now.coverage.alone_pid = pid;
            visit(sample, by, pid, true);
            return check_visited(now, pid);
        });
    }

    /// A walk of a number that is no process is empty.
    result<void> check_walked(snapshot& now, std::int32_t pid) {
        now.coverage.alone_pid = pid;
        now.coverage.proc_shows = session_.kernel().proc_shows;
        if (!now.holders.empty()) return {};
        tally(now.coverage).process(outcome::seen);
        return check_process(session_, memory_.tasks, pid);
    }

    result<void> check_visited(snapshot const& now, std::int32_t pid) {
        if (!now.holders.empty()) return refuse_thread(memory_.tasks, pid);
        auto const can_hold = check_process(session_, memory_.tasks, pid);
        return can_hold ? visit_succeeded(now.coverage, pid) : can_hold;
    }

    // --- by the kernel itself ---

    /// Errors: the reason why BPF did not serve. Nothing that it told counts then.
    template<class OpenWalk>
    result<void> sample_by_bpf(snapshot& now, OpenWalk open_walk) {
        build_.begin(now);
        references_.begin();
        auto const done = bpf_.read(session_.system(), options_, session_.kernel().proc_shows,
                                    build_, references_, session_.table_space(), open_walk);
        if (!done) return build_.abandon(), done;
        state_source(now.coverage, source::bpf_iterator, options_, sized_elsewhere());
        now.coverage.proc_shows = visibility::everything; // the kernel walks all tasks itself
        if (options_.cgroups) add_cgroups(now);
        return {};
    }

    /// Asks /proc for the cgroup of each holder. A process that ended or is hidden from the caller
    /// gets none.
    void add_cgroups(snapshot& now) {
        for (auto& who : now.holders) {
            who.cgroup = find_cgroup(now.coverage, who);
            if (who.cgroup == no_cgroup) tally(now.coverage).cgroup_unknown();
        }
    }

    std::uint32_t find_cgroup(coverage& seen, holder const& who) {
        auto const process = open_process(session_.proc(), who.pid);
        if (!process) return no_cgroup;
        auto const path = read_cgroup(*process, session_.table_space());
        auto const stat = path ? read_stat(*process) : result<task_stat>(path.error());
        if (!stat) return (void)tally(seen).note(stat.error()), no_cgroup;
        return stat->start_ticks == who.start_ticks ? build_.cgroup_at(*path) : no_cgroup;
    }

    // --- by /proc, one process after the other ---

    /// `look(sample, by)` visits the processes. A list that the counts need is read first: it
    /// describes buffers, too.
    template<class Look>
    result<void> sample_by_process(snapshot& now, failure const& why_no_bpf, Look look) {
        if (options_.counts && options_.bufinfo)
            list_.read(session_.system(), options_.bpf, true, session_.table_space());
        auto const& known = session_.known;
        bool const knew_all = known.mount_id && known.device();
        if (auto done = visit_processes(now, why_no_bpf, look); !done) return done;
        // Files that were met before the first DMA-BUF could not be told from one. Now they can.
        if (now.coverage.undecided != 0 && !knew_all && (known.mount_id || known.device()))
            return build_.keep(), visit_processes(now, why_no_bpf, look);
        return {};
    }

    template<class Look>
    result<void> visit_processes(snapshot& now, failure const& why_no_bpf, Look look) {
        bool const listed =
            may_ask(source::dmabuf_fds, options_) && session_.why_no_dmabuf_fds().error == 0;
        auto const by = listed ? source::dmabuf_fds : source::fd_walk;
        build_.begin(now);
        references_.begin();
        memory_.shared.begin(session_.kernel().own_pid_namespace);
        state_source(now.coverage, by, options_, sized_elsewhere());
        now.coverage.why_no_bpf = why_no_bpf;
        now.coverage.why_no_dmabuf_fds = session_.why_no_dmabuf_fds();
        now.coverage.proc_shows = session_.kernel().proc_shows;
        sample_in_progress<System> const sample{session_, options_,    build_,
                                                list_,    references_, tally(now.coverage)};
        if (auto done = look(sample, by); !done) return done;
        if (options_.counts && !memory_.shared.confirmed(session_.proc()))
            references_.sharing_is_unknown();
        return {};
    }

    /// The kernel lists processes in ascending order, each once (fs/proc/base.c, next_tgid()).
    /// `ascends`: this one comes after all others.
    void visit(sample_in_progress<System> const& sample, source by, std::int32_t pid,
               bool ascends) {
        auto const& counts = sample.counts;
        auto const before = counts.unread();
        if (ascends)
            visit_process(sample, by, memory_, pid);
        else
            counts.process(counts.note({operation::list, EBADMSG, {object::process, pid}}));
        if (counts.unread() != before) build_.now().unread.push_back(pid);
    }

    result<void> visit_all(sample_in_progress<System> const& sample, source by) {
        std::int32_t last = 0;
        for (auto const& pid :
             read_processes(session_.proc(), read_space(session_.process_space()))) {
            if (!pid) return pid.error();
            visit(sample, by, *pid, *pid > std::exchange(last, *pid));
        }
        return {};
    }

    /// Names the teller of the sizes for a source that does not tell them.
    [[nodiscard]] sizing sized_elsewhere() const {
        return session_.sysfs() && !options_.names ? sizing::sysfs : session_.sized_by;
    }

    sample_options options_;
    session<System> session_;
    snapshot_builder build_;
    reference_counts references_;
    buffer_list<System> list_;
    unheld_buffers<System> unheld_;
    bpf_account<System> bpf_;
    buffer_origins<System> origins_;
    process_programs<System> programs_;
    visit_memory<System> memory_;
};

// The functions that programs call stand outside of the class, and so are not inline: a file that
// knows that another one has them compiles none of the parts of the sampler.

template<system System>
basic_sampler<System>::basic_sampler(sample_options options, System system)
    : options_(options)
    , session_(system, options.roots())
    , list_(options.roots(), options.counts)
    , memory_(system) {}

template<system System>
void basic_sampler<System>::reserve(capacity const& most) {
    session_.make_space();
    build_.reserve(most);
    list_.reserve(most);
    unheld_.reserve(most);
    if (options_.bpf) bpf_.reserve(most);
    origins_.reserve(most);
    memory_.reserve(most);
}

template<system System>
result<void> basic_sampler<System>::sample(snapshot& now) {
    return take(now, [&]() -> result<void> {
        list_before();
        if (auto done = sample_holders(now); !done) return done;
        list_after();
        return {};
    });
}

template<system System>
result<void> basic_sampler<System>::sample_process(snapshot& now, std::int32_t pid) {
    return take(now, [&]() -> result<void> {
        list_.forget();
        if (auto done = sample_holder(now, pid); !done) return done;
        if (options_.bufinfo) describe_by_list();
        return {};
    });
}

/// The sampler of the running kernel.
using sampler = basic_sampler<>;

#ifdef DMABUF_COMPILED // by linking dmabuf::compiled, which has the sampler
extern template class basic_sampler<>;
#endif

} // namespace v0
} // namespace dmabuf
