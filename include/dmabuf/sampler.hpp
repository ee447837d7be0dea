// SPDX-License-Identifier: MIT
//
// Takes snapshots: walks the processes with the best source that serves here, and hands what it
// finds to the builder. The only header that joins reading and accounting.
#pragma once

#include <dmabuf/kernel/dmabuf_fds.hpp>
#include <dmabuf/kernel/fd_walk.hpp>
#include <dmabuf/kernel/maps.hpp>
#include <dmabuf/sampling/bpf_account.hpp>
#include <dmabuf/sampling/distinct_tables.hpp>
#include <dmabuf/sampling/platform.hpp>
#include <dmabuf/sampling/unheld_buffers.hpp>

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
    source force = source::none; ///< this source and no better one; `used` tells if it served
};

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
        , system_(system)
        , tables_(system) {}

    /// Makes room for samples of a system of `most`: with `now.reserve(most)` too, already the
    /// first one allocates nothing. For programs that must not ask for memory when it is short.
    /// Cost: a dozen allocations, no system call of its own.
    void reserve(capacity const& most) {
        make_space();
        build_.reserve(most);
        list_.reserve(most);
        if (options_.bpf) bpf_.reserve(most);
        tasks_.reserve(most.threads);
        earlier_tasks_.reserve(most.threads);
        tables_.reserve(most.threads);
        listed_.reserve(most.table);
    }

    /// Fills `now`, whose memory is reused.
    /// Errors, and then `now` is empty: where nothing at all can be said: /proc is not there or
    /// cannot be listed, or the kernel is older than 5.3 and its DMA-BUFs cannot be told apart
    /// (ENOTSUP). Whatever else goes wrong is in `now.coverage`.
    result<void> sample(snapshot& now) {
        auto const begin_ns = system_.clock_ns();
        cleared_unless_whole whole{&now};
        if (auto ready = prepare(); !ready) return ready;
        list_before();
        if (!sample_by_bpf(now))
            if (auto done = sample_by_walk(now); !done) return done;
        if (options_.unheld || options_.bufinfo)
            list_.read_after(system_, sysfs(), build_, table_space_);
        build_.finish();
        count_undescribed(now);
        if (options_.unheld) list_.add_unheld(now);
        now.begin_ns = begin_ns;
        now.end_ns = system_.clock_ns();
        whole.now = nullptr;
        return {};
    }

private:
    /// Also where an allocation throws, whose exception the sampler lets through.
    struct cleared_unless_whole {
        snapshot* now;
        ~cleared_unless_whole() {
            if (now) now->clear();
        }
    };

    enum class outcome : std::uint8_t { seen, denied, failed, gone }; // from best to worst

    static outcome worse(outcome a, outcome b) { return a < b ? b : a; }

    result<void> prepare() {
        if (proc_) return {};
        auto proc = open_proc(system_);
        if (!proc) return proc.error();
        platform_ = probe(*proc);
        used_ = options_.force == source::fd_walk ? source::fd_walk : platform_.best;
        if (platform_.before(5, 3)) known_.expect_before_5_3();
        build_.remember(platform_.inodes_are_unique());
        tables_.compare(platform_.own_pid_namespace);
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

    [[nodiscard]] sysfs_buffers_directory<System> const* sysfs() const {
        return sysfs_ ? &*sysfs_ : nullptr;
    }

    void list_before() {
        if (options_.unheld || options_.bufinfo)
            list_.read_before(system_, sysfs(), options_.bpf, options_.bufinfo, table_space_);
    }

    // --- all processes, by the kernel itself ---

    [[nodiscard]] bool may_use_bpf() const {
        return options_.bpf &&
               (options_.force == source::none || options_.force == source::bpf_iterator);
    }

    /// False where it did not serve: then `no_bpf_iterator_` says why.
    bool sample_by_bpf(snapshot& now) {
        no_bpf_iterator_ = {};
        if (!may_use_bpf()) return false;
        build_.begin(now);
        auto const done = bpf_.read(
            system_, {options_.exporters, options_.names, options_.mappings}, build_, table_space_);
        if (!done) return build_.abandon(), no_bpf_iterator_ = done.error(), false;
        now.coverage.used = source::bpf_iterator;
        now.coverage.sized_by = sizing::bpf_iterator;
        now.coverage.paths_marked = true;
        now.coverage.sight = visibility::everything;
        now.coverage.mappings_read = options_.mappings;
        if (options_.cgroups) add_cgroups(now);
        return true;
    }

    /// A process that is not the one seen, or is out of the caller's sight, has no cgroup here.
    void add_cgroups(snapshot& now) {
        for (auto& who : now.holders) {
            auto const process = open_process(*proc_, who.pid);
            if (!process) continue;
            auto const path = read_cgroup(*process, table_space_);
            auto const stat = path ? read_stat(*process) : result<task_stat>(path.error());
            if (stat && stat->start_ticks == who.start_ticks)
                who.cgroup = build_.cgroup_at(*path);
            else if (!stat)
                (void)note(stat.error());
        }
    }

    // --- all processes, one after the other ---

    result<void> sample_by_walk(snapshot& now) {
        bool const knew_all = known_.mount_id && known_.device();
        if (auto done = sample_processes(now); !done) return done;
        // What had to stay undecided, because no DMA-BUF had been met yet, can be decided now.
        if (now.coverage.undecided != 0 && !knew_all && (known_.mount_id || known_.device()))
            return build_.keep(), sample_processes(now);
        return {};
    }

    result<void> sample_processes(snapshot& now) {
        build_.begin(now);
        now.coverage.used = used_;
        now.coverage.no_bpf_iterator = no_bpf_iterator_;
        now.coverage.not_better = platform_.not_better;
        now.coverage.sight = platform_.sight;
        bool const by_sysfs = used_ == source::dmabuf_fds && sysfs_ && !options_.names;
        now.coverage.sized_by = by_sysfs ? sizing::sysfs : sizing::descriptors;
        now.coverage.paths_marked = used_ == source::fd_walk && options_.path_descriptors;
        now.coverage.mappings_read = options_.mappings;
        std::int32_t last = 0;
        for (auto const& pid : read_processes(*proc_, read_space(process_space_))) {
            if (!pid) return pid.error();
            // The kernel lists them in ascending order, each once (fs/proc/base.c, next_tgid()).
            bool const in_order = *pid > std::exchange(last, *pid);
            count(in_order ? sample_process(*pid)
                           : note({operation::list, EBADMSG, {object::process, *pid}}));
            if (unsupported_) return *unsupported_;
        }
        return {};
    }

    void count(outcome how) {
        auto& coverage = build_.now().coverage;
        ++coverage.processes;
        if (how == outcome::seen) ++coverage.processes_seen;
        if (how == outcome::gone) ++coverage.processes_gone;
        if (how == outcome::failed) ++coverage.processes_failed;
        if (how == outcome::denied)
            ++(denied_kernel_thread_ ? coverage.kernel_threads : coverage.processes_denied);
    }

    /// Sorts a failure, and remembers the first that is not an everyday event.
    outcome note(failure const& why) {
        if (why.gone()) return outcome::gone;
        if (why.denied()) return outcome::denied;
        auto& first = build_.now().coverage.first_failure;
        if (first.error == 0) first = why;
        return outcome::failed;
    }

    // --- one process ---

    /// Again where its tasks were gone before they could be read, and others are there: a process
    /// can go on for ever in tasks made by the one before. And again where the leader may have
    /// exited while its table was read, which is asked after the fact: rarely does one.
    outcome sample_process(std::int32_t pid) {
        constexpr int attempts = 8;
        auto const before = build_.now().coverage;
        for (int i = 0; i < attempts; ++i) {
            doubting_ = i != 0;
            if (auto const how = try_process(pid)) return *how;
            build_.drop_process();
            build_.now().coverage = before;
        }
        return note({operation::list, EAGAIN, {object::task_directory, pid}});
    }

    /// Nothing: the process is to be looked at again.
    std::optional<outcome> try_process(std::int32_t pid) {
        denied_kernel_thread_ = false;
        auto const process = open_process(*proc_, pid);
        if (!process) return note(process.error());
        build_.begin_process();
        has_memory_ = lost_a_task_ = false;
        auto how = list_tasks(*process);
        if (how == outcome::seen) {
            auto const tables = sample_tables(*process);
            if (!tables) return std::nullopt;
            how = *tables;
        }
        bool const shut_out = how == outcome::denied && !build_.holds_something();
        if (how != outcome::gone && !shut_out && options_.mappings) {
            auto const mapped = sample_mappings(*process);
            if (!mapped) return std::nullopt;
            how = worse(how, *mapped);
        }
        if (!shut_out && is_doubtful(*process) && has_other_tasks(*process)) return std::nullopt;
        if (how != outcome::gone && build_.holds_something()) {
            auto const identified = identify(*process);
            return identified ? std::optional(worse(how, *identified)) : std::nullopt;
        }
        build_.drop_process();
        return how == outcome::denied ? look_for_kernel_thread(*process) : how;
    }

    /// A process is told who it is after what it holds: one that exited meanwhile, whose
    /// descriptors went away one by one, must not count with half of them.
    std::optional<outcome> identify(process<System> const& process) {
        auto const stat = read_stat(process);
        if (!stat) return build_.drop_process(), note(stat.error());
        if (stat->exiting() && stat->threads <= 1) return build_.drop_process(), outcome::gone;
        // Its other tasks hold what the leader may have shown only a part of.
        if (stat->exiting() && unchecked_) return std::nullopt;
        holder who;
        who.pid = process.pid;
        who.uid = uid_;
        who.start_ticks = stat->start_ticks;
        who.comm = stat->comm;
        if (options_.cgroups) {
            auto const path = read_cgroup(process, table_space_);
            if (path)
                who.cgroup = build_.cgroup_at(*path);
            else
                (void)note(path.error());
        }
        build_.add_holder(who);
        return outcome::seen;
    }

    /// A kernel thread that may not be looked at hides nothing, nor does a zombie: before 5.14 the
    /// files of one's own are root's. Its stat is readable for everybody.
    outcome look_for_kernel_thread(process<System> const& process) {
        auto const stat = read_stat(process);
        if (stat && stat->exiting() && stat->threads <= 1) return outcome::gone;
        denied_kernel_thread_ = stat && stat->kernel_thread();
        return stat || stat.error().denied() ? outcome::denied : note(stat.error());
    }

    /// The link count of /proc/P/task is two more than the number of threads (fs/proc/base.c,
    /// proc_task_getattr()): one call spares a process with one thread the listing, and the others
    /// its end, since later threads are listed later. The directory is the effective user's, be the
    /// process dumpable or not (task_dump_owner()).
    outcome list_tasks(process<System> const& process) {
        tasks_.clear();
        auto const where = process.at(object::task_directory);
        file_status status;
        int const error = detail::uninterrupted(
            [&] { return system_.status(process.directory.get(), "task", 0, status); });
        if (error < 0) return note({operation::status, -error, where});
        uid_ = status.uid;
        if (status.links == 3) return tasks_.push_back(process.pid), outcome::seen;
        auto const read = read_tasks(process, read_space(table_space_)).for_each([&](auto tid) {
            tasks_.push_back(tid);
            return tasks_.size() + 2 != status.links;
        });
        if (!read) return note(read.error());
        return tasks_.empty() ? outcome::gone : outcome::seen;
    }

    /// Whether tasks that were made after they were listed may hold what was not found.
    bool is_doubtful(process<System> const& process) {
        if (lost_a_task_) return true;
        if (options_.mappings) return !has_memory_;
        return !build_.holds_something() && !(unchecked_ && leader_has_files(process));
    }

    /// Where the leader has descriptors, its table was whole when it was read, and every other task
    /// was compared with it and not with what a task that exits leaves, nothing: one call instead
    /// of another list. The size of /proc/P/fd is their number (fs/proc/fd.c, proc_fd_getattr(),
    /// 6.2); before that it is 0. To count a single task is as cheap, and serves all kernels.
    bool leader_has_files(process<System> const& process) {
        file_status status;
        auto const ask = [&] { return system_.status(process.directory.get(), "fd", 0, status); };
        return tasks_.size() > 1 && detail::uninterrupted(ask) == 0 && status.size_bytes != 0;
    }

    /// Whether tasks are there that `list_tasks` did not find before.
    bool has_other_tasks(process<System> const& process) {
        earlier_tasks_.assign(tasks_.begin(), tasks_.end());
        bool const listed = list_tasks(process) == outcome::seen;
        return listed && tasks_ != earlier_tasks_;
    }

    // --- descriptor tables ---

    using compared = typename distinct_tables<System>::answer;

    /// Nothing where the leader has exited, and what was read of its table may be a part; or, once,
    /// where a table may have been read twice.
    std::optional<outcome> sample_tables(process<System> const& process) {
        tables_.clear();
        unchecked_ = false;
        auto worst = outcome::gone;
        bool first = true;
        for (auto const tid : tasks_) {
            auto const known = tables_.contains(tid);
            if (known == compared::yes) continue;
            if (std::exchange(unchecked_, false)) {
                if (check_alive(process, process.pid) != outcome::seen) return std::nullopt;
                tables_.trust();
            }
            auto const how = sample_table(process, tid);
            if (how == outcome::gone) lost_a_task_ = true;
            if (how == outcome::gone) continue;
            // Who may not look at the first thread may hardly ever look at the others.
            if (how == outcome::denied && first) return how;
            worst = std::exchange(first, false) ? how : worse(worst, how);
            if (how != outcome::seen) continue;
            bool const listed = used_ == source::dmabuf_fds && known == compared::unknown;
            if (listed && build_.table_is_empty()) continue; // another task lists it, or nobody
            bool const certain = known == compared::no || listed;
            tables_.add(tid, certain);
            build_.add_table();
            ++build_.now().coverage.tables;
            if (!certain) ++build_.now().coverage.tables_uncertain;
        }
        auto const doubtful = count_doubtful(process);
        if (doubtful != 0 && !doubting_) return std::nullopt;
        build_.now().coverage.tables_uncertain += doubtful;
        return worst;
    }

    /// How many of the tables may have been read before, with a task that has exited or changed its
    /// table since. All tasks that still live had their tables all the time: PF_EXITING is set
    /// before exit_files() (kernel/exit.c, do_exit()). While they did, kcmp was right; and the
    /// kernel lists a table with the first live task that has it, so that a later task's list is
    /// that of another one.
    std::uint32_t count_doubtful(process<System> const& process) {
        if (unchecked_ || !tables_.may_mislead()) return 0; // identify() looks at the leader
        auto const all = tables_.tasks();
        auto first = tables_.first_moved();
        for (std::size_t at = 0; at < all.size(); ++at) {
            auto const stat = read_stat(process, all[at].tid);
            if (stat && !stat->exiting()) continue;
            // Two tasks that exit compare as equal: one of them may not have been read.
            lost_a_task_ = lost_a_task_ || all[at].found;
            if (at < first) first = at;
        }
        std::uint32_t doubtful = 0;
        for (auto at = first + 1; at < all.size(); ++at)
            doubtful += all[at].certain;
        return doubtful;
    }

    /// Reads one table. A task on its way out shows only a part of its table, or nothing: then
    /// another task that shares it will show it whole.
    outcome sample_table(process<System> const& process, std::int32_t tid) {
        auto const how = used_ == source::dmabuf_fds ? read_list(process, tid) : walk(process, tid);
        if (how != outcome::seen) return how;
        // A leader whose table all its threads share was alive, or all of them are on their way
        // out; of a holder identify() will know.
        bool const vanished = build_.table_is_empty() && saw_gone_;
        unchecked_ = tid == process.pid && !vanished && !doubting_;
        return unchecked_ ? how : check_alive(process, tid);
    }

    outcome check_alive(process<System> const& process, std::int32_t tid) {
        auto const stat = read_stat(process, tid);
        if (!stat) return note(stat.error());
        return stat->exiting() ? outcome::gone : outcome::seen;
    }

    outcome walk(process<System> const& process, std::int32_t tid) {
        auto how = walk_fd(process, tid);
        if (how == outcome::denied) how = walk_fdinfo(process, tid);
        return how == outcome::denied && is_dead_among_others(process, tid) ? outcome::gone : how;
    }

    /// A task without a memory map is root's, be it one's own (fs/proc/base.c, task_dump_owner()),
    /// and before 5.14 only the owner may list its descriptors, of which it has none.
    bool is_dead_among_others(process<System> const& process, std::int32_t tid) {
        return platform_.before(5, 14) && tasks_.size() > 1 &&
               check_alive(process, tid) == outcome::gone;
    }

    void begin_table() {
        build_.begin_table();
        saw_gone_ = false;
    }

    outcome walk_fd(process<System> const& process, std::int32_t tid) {
        begin_table();
        fd_walk_options const options{options_.path_descriptors};
        for (auto const& found :
             walk_fds(process, tid, known_, options, read_space(table_space_))) {
            if (found) {
                auto const at = build_.buffer_at(found->inode);
                build_.set_size(at, found->size_bytes);
                build_.found(at, found->path);
                if (found->path)
                    name_by_link(process, tid, found->fd, at), (void)describe_by_sysfs(at);
                else
                    describe(process, tid, found->fd, at);
            } else if (auto const how = table_failure(found.error()); how != outcome::seen) {
                return how;
            }
        }
        return outcome::seen;
    }

    outcome walk_fdinfo(process<System> const& process, std::int32_t tid) {
        begin_table();
        for (auto const& found : walk_fdinfos(process, tid, known_, read_space(table_space_))) {
            if (found) {
                auto const at = build_.buffer_at(*found->info.inode);
                build_.found(at, found->info.is_path());
                if (found->info.is_path())
                    (void)describe_by_sysfs(at);
                else
                    take(found->info, at);
            } else if (auto const how = table_failure(found.error()); how != outcome::seen) {
                return how;
            }
        }
        return outcome::seen;
    }

    /// `seen` where the walk can go on: the failure was that of one descriptor.
    outcome table_failure(failure const& why) {
        if (why.doing == operation::identify && why.error == ENOTSUP) unsupported_ = why;
        if (why.denied()) return outcome::denied;
        if (why.where.fd < 0) return note(why);
        auto& coverage = build_.now().coverage;
        if (why.gone())
            saw_gone_ = true, ++coverage.descriptors_gone;
        else if (why.error == ENODATA)
            ++coverage.undecided;
        else
            ++coverage.descriptors_failed, (void)note(why);
        return outcome::seen;
    }

    /// Reads the list of a task, and describes what is new in it, by sysfs and by the table's own
    /// descriptors. Mappings are told by their device alone, which a descriptor tells.
    outcome read_list(process<System> const& process, std::int32_t tid) {
        begin_table();
        bool described = known_.device() || !options_.mappings;
        auto how = list_inodes(process, tid, [&](std::uint64_t inode) {
            auto const at = build_.buffer_at(inode);
            build_.found(at, false);
            described = described && is_described(at, options_.exporters);
        });
        if (how != outcome::seen || described || build_.table_is_empty()) return how;
        // Descriptors alone tell names, and all the rest with them, but for what is O_PATH.
        if (sysfs_ && options_.names) describe_by_walk(process, tid, false);
        if (sysfs_ && describe_table_by_sysfs()) return how;
        if (sysfs_) how = drop_closed(process, tid);
        if (how == outcome::seen && describe_by_walk(process, tid, options_.exporters))
            how = drop_closed(process, tid);
        return how;
    }

    /// Whether that told all that is wanted.
    bool describe_table_by_sysfs() {
        bool all = known_.device() || !options_.mappings;
        for (auto const& found : build_.table()) {
            if (is_described(found.buffer, options_.exporters)) continue;
            (void)describe_by_sysfs(found.buffer);
            all = all && is_described(found.buffer, options_.exporters);
        }
        return all;
    }

    template<class Take>
    outcome list_inodes(process<System> const& process, std::int32_t tid, Take take) {
        auto how = outcome::seen;
        auto list = read_dmabuf_fds(process, tid, read_space(table_space_));
        list.for_each([&](result<std::uint64_t> const& inode) {
            if (inode) return take(*inode);
            auto const failed = note(inode.error());
            if (inode.error().doing == operation::parse)
                ++build_.now().coverage.descriptors_failed;
            else
                how = failed;
        });
        return how;
    }

    /// What has no size yet may have been closed since it was listed: then it is listed no more.
    /// What still is listed stays, of unknown size.
    outcome drop_closed(process<System> const& process, std::int32_t tid) {
        auto const unsized = [&](auto const& found) { return !build_[found.buffer].size_known; };
        bool any = false;
        for (auto const& found : build_.table())
            any = any || unsized(found);
        if (!any) return outcome::seen;
        listed_.clear();
        auto const how =
            list_inodes(process, tid, [&](std::uint64_t inode) { listed_.push_back(inode); });
        if (how != outcome::seen) return how;
        detail::sort(listed_, [](std::uint64_t a, std::uint64_t b) { return a < b; });
        auto const closed = build_.drop_from_table([&](auto const& found) {
            auto const inode = build_[found.buffer].inode;
            return unsized(found) && !detail::contains_sorted(listed_, inode);
        });
        build_.now().coverage.descriptors_gone += closed;
        saw_gone_ = saw_gone_ || closed != 0;
        return outcome::seen;
    }

    // --- size, exporter and name ---

    [[nodiscard]] bool is_described(std::uint32_t at, bool with_exporter) {
        auto const& buffer = build_[at];
        return buffer.size_known && !(with_exporter && !build_.exporter_known(at)) &&
               !(options_.names && !buffer.name_known);
    }

    void take(fdinfo const& info, std::uint32_t at) {
        build_.set_size(at, *info.size_bytes);
        if (options_.exporters) build_.set_exporter(at, info.exporter);
        if (options_.names) build_.set_name(at, info.name);
    }

    /// Reads exporter and name by one descriptor. Where that was closed meanwhile, or its number is
    /// another file's by now, the next reference to the buffer serves.
    void describe(process<System> const& process, std::int32_t tid, std::int32_t fd,
                  std::uint32_t at) {
        if (known_.mount_id && is_described(at, options_.exporters)) return;
        auto const info = read_fdinfo(process, tid, fd);
        if (!info) return (void)note(info.error());
        if (info->is_path()) return name_by_link(process, tid, fd, at);
        if (!info->is_dmabuf()) return;
        bool const same = info->inode ? *info->inode == build_[at].inode
                                      : *info->size_bytes == build_[at].size_bytes;
        if (!same) return;
        known_.mount_id = info->mount_id;
        take(*info, at);
    }

    /// The fdinfo of an O_PATH descriptor tells no name, but its link does.
    void name_by_link(process<System> const& process, std::int32_t tid, std::int32_t fd,
                      std::uint32_t at) {
        if (!options_.names || build_[at].name_known) return;
        file_space target;
        detail::path const link("task/", tid, "/fd/", fd);
        long const length = detail::uninterrupted(
            [&] { return system_.readlink(process.directory.get(), link.c_str(), target); });
        if (length < 0)
            return (void)note(
                {operation::readlink, static_cast<int>(-length), process.at(object::fd, tid, fd)});
        file_status now; // of another file, where the number was used again meanwhile
        int const error = detail::uninterrupted(
            [&] { return system_.status(process.directory.get(), link.c_str(), 0, now); });
        if (error < 0 || known_.of(now) != dmabuf_filesystem::kind::dmabuf ||
            now.inode != build_[at].inode)
            return;
        auto const name =
            parse_linked_name(detail::text_at(target.data(), static_cast<std::size_t>(length)));
        if (name) build_.set_name(at, name->empty() ? std::nullopt : name);
    }

    /// `gone` where the tree does not have the buffer, or not any more.
    outcome describe_by_sysfs(std::uint32_t at) {
        if (!sysfs_) return outcome::seen;
        if (!build_[at].size_known) {
            auto const size = read_sysfs_size(*sysfs_, build_[at].inode);
            if (!size) return note(size.error());
            build_.set_size(at, *size);
        }
        if (options_.exporters && !build_.exporter_known(at)) {
            if (auto const exporter = read_sysfs_exporter_name(*sysfs_, build_[at].inode))
                build_.set_exporter(at, *exporter);
            else
                return note(exporter.error());
        }
        return outcome::seen;
    }

    /// What is still to be told of the buffers that the table lists, its descriptors tell. Stops at
    /// the last of these; false where there was nothing to tell.
    bool describe_by_walk(process<System> const& process, std::int32_t tid, bool with_exporters) {
        std::size_t next = 0;
        auto const all_described = [&] {
            auto const table = build_.table();
            while (next < table.size() && is_described(table[next].buffer, with_exporters))
                ++next;
            return next == table.size();
        };
        // Mappings are told by their device alone.
        auto const done = [&] {
            return all_described() && (known_.device() || !options_.mappings);
        };
        if (done()) return false;
        bool denied = false;
        for (auto const& found :
             walk_fds(process, tid, known_, {false}, read_space(table_space_))) {
            if (found) {
                auto const at = build_.buffer_at(found->inode);
                build_.set_size(at, found->size_bytes);
                describe(process, tid, found->fd, at);
            } else if (found.error().denied()) {
                denied = true;
                break;
            } else {
                (void)note(found.error());
            }
            if (done()) return true;
        }
        if (!denied || all_described()) return true;
        for (auto const& found : walk_fdinfos(process, tid, known_, read_space(table_space_))) {
            if (found && !found->info.is_path())
                take(found->info, build_.buffer_at(*found->info.inode));
            else if (!found && !found.error().denied() && found.error().error != ENODATA)
                (void)note(found.error());
            if (all_described()) break;
        }
        return true;
    }

    void count_undescribed(snapshot& now) const {
        for (auto const& buffer : now.buffers)
            now.coverage.buffers_undescribed +=
                (options_.exporters && buffer.exporter == exporter_id::unknown) ||
                (options_.names && !buffer.name_known);
    }

    // --- mappings ---

    /// All threads share the memory map, but that of a leader that has exited is empty: the next
    /// one's is read then. Nothing where the process executed another program meanwhile: its old
    /// map ended while it was read. As text, before 6.11, it just seems to be shorter.
    std::optional<outcome> sample_mappings(process<System> const& process) {
        auto how = outcome::seen;
        for (auto const tid : tasks_) {
            bool any = false;
            auto files = read_mapped_files(process, tid, queries_, read_space(table_space_));
            for (auto const& found : files) {
                if (found) {
                    any = has_memory_ = true;
                    if (may_be_dmabuf(*found, files)) take_mapping(process, *found, files);
                } else if (!found.error().gone()) {
                    how = worse(how, note(found.error()));
                } else if (any) {
                    return std::nullopt;
                }
            }
            if (any || how != outcome::seen) break;
        }
        return how;
    }

    using mapped_files = mapped_files_reader<System>;

    /// Until a DMA-BUF is met, one file of each anonymous device is asked for its name.
    [[nodiscard]] bool may_be_dmabuf(mapping const& found, mapped_files& files) {
        if (known_.device()) return found.device == *known_.device();
        if (found.device.major != 0 || known_.rejects(found.device)) return false;
        auto const name = files.name_of(found);
        if (!name && note(name.error()) != outcome::gone) ++build_.now().coverage.undecided;
        if (name && !*name) known_.reject(found.device);
        return name && *name;
    }

    void take_mapping(process<System> const& process, mapping const& found, mapped_files& files) {
        if (!known_.device() && !learn_device(process, found)) return;
        auto const at = build_.buffer_at(found.inode);
        bool const ended = describe_by_sysfs(at) == outcome::gone;
        // The file of a mapping goes with its area, which may have been split: that alone does not
        // say that nothing is mapped any more.
        if (!build_[at].size_known && size_by_map_files(process, found, at) == outcome::gone &&
            ended)
            return void(++build_.now().coverage.mappings_gone);
        build_.found_mapping(at, found.size_bytes());
        if (!options_.names || build_[at].name_known) return;
        // Without a name the path is just "/dmabuf:"; so it is with an empty one.
        auto const name = files.name_of(found);
        if (!name) return (void)note(name.error());
        if (*name) build_.set_name(at, (*name)->empty() ? std::nullopt : *name);
    }

    static detail::path map_files(mapping const& found) {
        return {"map_files/", detail::hex{found.begin}, "-", detail::hex{found.end}};
    }

    /// False where the mapping is not of a DMA-BUF, or that cannot be told.
    bool learn_device(process<System> const& process, mapping const& found) {
        file_status status;
        long const error =
            known_.look_up(system_, process.directory.get(), map_files(found).c_str(), status);
        if (error == 0 ? known_.of(status) == dmabuf_filesystem::kind::unknown : error != -ENOENT)
            ++build_.now().coverage.undecided;
        return known_.device() && found.device == *known_.device();
    }

    /// The file behind the mapping knows its size. Needs CAP_CHECKPOINT_RESTORE.
    outcome size_by_map_files(process<System> const& process, mapping const& found,
                              std::uint32_t at) {
        file_status status;
        int const error = detail::uninterrupted([&] {
            return system_.status(process.directory.get(), map_files(found).c_str(), 0, status);
        });
        if (error == -ENOENT) return outcome::gone;
        if (error < 0) return outcome::denied;
        if (status.inode != found.inode || status.device != found.device) return outcome::gone;
        build_.set_size(at, status.size_bytes);
        return outcome::seen;
    }

    static constexpr std::size_t space_bytes = 32768;

    sample_options options_;
    [[no_unique_address]] System system_;
    std::optional<proc_directory<System>> proc_;
    std::optional<sysfs_buffers_directory<System>> sysfs_;
    platform platform_;
    source used_ = source::none;
    dmabuf_filesystem known_;
    distinct_tables<System> tables_;
    snapshot_builder build_;
    kernel_list<System> list_;
    bpf_account<System> bpf_;
    failure no_bpf_iterator_;
    std::vector<std::int32_t> tasks_; ///< of the process being read
    std::vector<std::int32_t> earlier_tasks_;
    std::vector<std::uint64_t> listed_; ///< inodes of the table being read, a second time
    raw_bytes process_space_;
    raw_bytes table_space_;
    std::uint32_t uid_ = 0;    ///< of the process being read
    bool queries_ = true;      ///< PROCMAP_QUERY may serve
    bool has_memory_ = false;  ///< the process being read, where that was asked
    bool lost_a_task_ = false; ///< of it, after they were listed
    bool saw_gone_ = false;    ///< in the table being read
    bool unchecked_ = false;   ///< only the leader's table was read, and may not have been whole
    bool doubting_ = false;    ///< each table is checked at once
    bool denied_kernel_thread_ = false;
    std::optional<failure> unsupported_;
};

/// The sampler of the running kernel.
using sampler = basic_sampler<>;

} // namespace v0
} // namespace dmabuf
