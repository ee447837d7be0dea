// SPDX-License-Identifier: MIT
//
// One attempt to read one process: its tables, its mappings, and its identity. The state of the
// attempt ends with it.
#pragma once

#include <dmabuf/kernel/cgroup.hpp>
#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/sampling/distinct_tables.hpp>
#include <dmabuf/sampling/listed_table.hpp>
#include <dmabuf/sampling/mapped_buffers.hpp>
#include <dmabuf/sampling/shared_parts.hpp>
#include <dmabuf/sampling/task_list.hpp>
#include <dmabuf/sampling/walked_table.hpp>

namespace dmabuf {
inline namespace v0 {

/// Memory that one visit leaves to the next.
template<system System = live_system>
struct visit_memory {
    task_list<System> tasks;
    distinct_tables<System> tables;
    std::vector<std::uint64_t> inodes; ///< of a list that is read again
    shared_parts<System> shared;       ///< of all processes of the sample

    /// A table of the process, and the end of its references among those of the process.
    struct table_part {
        std::int32_t tid;
        std::size_t end;
    };
    std::vector<table_part> parts;

    explicit visit_memory(System system)
        : tables(system)
        , shared(system) {}

    void reserve(capacity const& most) {
        tasks.reserve(most.threads);
        tables.reserve(most.threads);
        inodes.reserve(most.per_process);
    }
};

/// Reads one process into the snapshot being built, by one source.
template<system System = live_system>
class process_visit {
public:
    /// `doubting`: an earlier visit found a leader that exited while its table was read, or tables
    /// that may have been read twice. Then the task of each table is checked at once.
    process_visit(sample_in_progress<System> const& sample, source by, visit_memory<System>& memory,
                  process<System> const& process, bool doubting)
        : sample_(&sample)
        , build_(&sample.build)
        , process_(&process)
        , tasks_(&memory.tasks)
        , tables_(&memory.tables)
        , memory_(&memory)
        , walked_(sample)
        , listed_(sample, memory.inodes)
        , mapped_(sample)
        , lists_(abilities_of(by).sizes == sizing::none)
        , doubting_(doubting) {}

    /// Reads the process. `again` has four causes:
    ///  * Tasks were gone before they could be read, and others exist. A process can go on for ever
    ///    in tasks made by earlier ones.
    ///  * The leader may have exited while its table was read. That is asked afterwards, since it
    ///    is rare.
    ///  * The process executed another program while its mappings were read.
    ///  * Unless `doubting`: a table may have been read twice.
    outcome read() {
        build_->begin_process();
        auto how = list_tasks();
        if (how == outcome::seen) how = read_tables();
        if (how == outcome::again) return how;
        bool const shut_out = how == outcome::denied && !build_->holds_something();
        if (how != outcome::gone && !shut_out && sample_->wanted.mappings)
            how = worse(how, mapped_.read(*process_, tasks_->tids()));
        if (how == outcome::again) return how;
        if (!shut_out && is_doubtful() && has_other_tasks()) return outcome::again;
        if (how != outcome::gone && build_->holds_something()) return worse(how, identify(how));
        build_->drop_process();
        if (how == outcome::seen && sample_->wanted.mappings && !mapped_.found_memory())
            counts().process_without_memory();
        return how == outcome::denied ? look_for_kernel_thread() : how;
    }

    /// Whether a denied process is a kernel thread.
    [[nodiscard]] bool is_kernel_thread() const { return kernel_thread_; }

private:
    using compared = typename distinct_tables<System>::answer;

    [[nodiscard]] tally const& counts() const { return sample_->counts; }

    outcome list_tasks() {
        auto const listed = tasks_->read(*process_, sample_->session.table_space());
        if (!listed) return counts().note(listed.error());
        return tasks_->tids().empty() ? outcome::gone : outcome::seen;
    }

    // --- descriptor tables ---

    outcome read_tables() {
        tables_->clear();
        memory_->parts.clear();
        auto worst = outcome::gone;
        bool first = true;
        for (auto const tid : tasks_->tids()) {
            auto const known = tables_->contains(tid);
            if (known == compared::yes) continue;
            if (std::exchange(unchecked_, false)) {
                if (check_alive(process_->pid) != outcome::seen) return outcome::again;
                tables_->trust();
            }
            auto const how = read_table(tid);
            if (how == outcome::gone) lost_a_task_ = true;
            if (how == outcome::gone) continue;
            // A caller that may not read the first thread may hardly ever read the others.
            if (how == outcome::denied && first) return how;
            worst = std::exchange(first, false) ? how : worse(worst, how);
            if (how == outcome::seen) add_table(tid, known);
        }
        auto const doubtful = count_doubtful();
        if (doubtful != 0 && !doubting_) return outcome::again;
        counts().tables_in_doubt(doubtful);
        return worst;
    }

    void add_table(std::int32_t tid, compared known) {
        bool const listed = lists_ && known == compared::unknown;
        if (listed && build_->table_is_empty()) return; // another task lists it, or it is empty
        bool const certain = known == compared::no || listed;
        tables_->add(tid, certain);
        build_->add_table();
        counts().table(certain);
        if (sample_->wanted.counts) memory_->parts.push_back({tid, build_->counted().size()});
    }

    /// The number of tables that may have been read before, by a task that has exited or changed
    /// its table since. Tasks that still live had their tables all the time: PF_EXITING is set
    /// before exit_files() (kernel/exit.c, do_exit()). While they live, kcmp is right. The kernel
    /// lists a table with the first live task that has it, so that the list of a later task is that
    /// of another table.
    std::uint32_t count_doubtful() {
        if (unchecked_ || !tables_->may_mislead()) return 0; // identify() looks at the leader
        auto const all = tables_->tasks();
        auto first = tables_->first_moved();
        for (std::size_t at = 0; at < all.size(); ++at) {
            auto const stat = read_stat(*process_, all[at].tid);
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

    /// Reads one table. A task on its way out shows a part of its table, or nothing. Another task
    /// that shares the table will show it whole.
    outcome read_table(std::int32_t tid) {
        auto const how = lists_ ? listed_.read(*process_, tid) : walk_table(tid);
        if (how != outcome::seen) return how;
        // A leader whose table all its threads share was alive, or all of them are on their way
        // out: of a holder, identify() finds out.
        bool const vanished =
            build_->table_is_empty() && (lists_ ? listed_.saw_gone() : walked_.saw_gone());
        unchecked_ = tid == process_->pid && !vanished && !doubting_;
        return unchecked_ ? how : check_alive(tid);
    }

    /// Walks a table. A task without a memory map belongs to root, even the caller's own
    /// (fs/proc/base.c, task_dump_owner()). Before 5.14 only the owner may list its descriptors, of
    /// which it has none.
    outcome walk_table(std::int32_t tid) {
        auto const how = walked_.read(*process_, tid);
        bool const may_be_dead = how == outcome::denied &&
                                 sample_->session.kernel().before(5, 14) &&
                                 tasks_->tids().size() > 1;
        return may_be_dead && check_alive(tid) == outcome::gone ? outcome::gone : how;
    }

    outcome check_alive(std::int32_t tid) const {
        auto const stat = read_stat(*process_, tid);
        if (!stat) return counts().note(stat.error());
        return stat->exiting() ? outcome::gone : outcome::seen;
    }

    // --- tasks that came later ---

    /// Whether tasks that came after the listing may hold buffers that were not found.
    [[nodiscard]] bool is_doubtful() const {
        if (lost_a_task_) return true;
        if (sample_->wanted.mappings) return !mapped_.found_memory();
        return !build_->holds_something() && !(unchecked_ && leader_has_files());
    }

    /// Where the leader has descriptors, its table was whole when it was read. Every other task was
    /// then compared with that table, and not with the empty one of a task that exits. One call
    /// here replaces another listing. The size of /proc/P/fd is the number of descriptors
    /// (fs/proc/fd.c, proc_fd_getattr(), 6.2); before 6.2 it is 0. For a single task the listing is
    /// one call too, and serves all kernels.
    [[nodiscard]] bool leader_has_files() const {
        if (tasks_->tids().size() <= 1) return false;
        file_status status;
        int const error = detail::uninterrupted_status(process_->system, process_->directory.get(),
                                                       "fd", 0, status);
        return error == 0 && status.size_bytes != 0;
    }

    [[nodiscard]] bool has_other_tasks() const {
        auto const others = tasks_->list_again(*process_, sample_->session.table_space());
        if (!others) (void)counts().note(others.error());
        return others && *others;
    }

    // --- identity ---

    /// Reads the identity after the holdings. A process that exited meanwhile closed its
    /// descriptors one by one, and must not count with half of them. `holdings` is the outcome of
    /// reading those.
    outcome identify(outcome holdings) {
        auto const stat = read_stat(*process_);
        if (!stat) return build_->drop_process(), counts().note(stat.error());
        if (stat->exiting() && stat->threads <= 1) return build_->drop_process(), outcome::gone;
        // The leader may have shown a part of its table. Its other tasks hold the whole.
        if (stat->exiting() && unchecked_) return outcome::again;
        holder who;
        who.pid = process_->pid;
        who.uid = tasks_->uid();
        who.start_ticks = stat->start_ticks;
        who.comm = stat->comm;
        who.partly_seen = holdings != outcome::seen;
        if (sample_->wanted.cgroups) who.cgroup = find_cgroup();
        if (sample_->wanted.counts) look_for_shared();
        build_->add_holder(who);
        return outcome::seen;
    }

    /// Finds out which tables, and whether the memory map, are those of another process too.
    void look_for_shared() const {
        auto& shared = memory_->shared;
        auto const all = build_->counted();
        std::size_t begin = 0;
        for (auto const& part : memory_->parts) {
            auto const its = all.subspan(begin, part.end - begin);
            begin = part.end;
            if (!its.empty()) note_shared(shared.had_table(part.tid), its);
        }
        auto const mappings = all.subspan(begin);
        if (!mappings.empty()) note_shared(shared.had_memory_map(mapped_.task()), mappings);
    }

    void note_shared(typename shared_parts<System>::answer had,
                     std::span<reference const> all) const {
        if (had == compared::unknown) sample_->references.sharing_is_unknown();
        if (had != compared::yes) return;
        for (auto const& one : all)
            if (one.path_descriptors == 0)
                sample_->references.seen_before((*build_)[one.buffer].inode);
    }

    [[nodiscard]] std::uint32_t find_cgroup() const {
        auto const path = read_cgroup(*process_, sample_->session.table_space());
        if (path) return build_->cgroup_at(*path);
        counts().cgroup_unknown();
        (void)counts().note(path.error());
        return no_cgroup;
    }

    /// A denied kernel thread hides nothing, nor does a zombie: before 5.14 the files of the
    /// caller's own zombies are root's. Everybody may read stat.
    outcome look_for_kernel_thread() {
        auto const stat = read_stat(*process_);
        if (stat && stat->exiting() && stat->threads <= 1) return outcome::gone;
        kernel_thread_ = stat && stat->kernel_thread();
        return stat || stat.error().denied() ? outcome::denied : counts().note(stat.error());
    }

    sample_in_progress<System> const* sample_;
    snapshot_builder* build_;
    process<System> const* process_;
    task_list<System>* tasks_;
    distinct_tables<System>* tables_;
    visit_memory<System>* memory_;
    walked_table<System> walked_;
    listed_table<System> listed_;
    mapped_buffers<System> mapped_;
    bool lists_;               ///< the source tells inodes alone
    bool doubting_;            ///< the task of each table is checked at once
    bool lost_a_task_ = false; ///< a task went away after the listing
    bool unchecked_ = false;   ///< only the leader's table was read, and it may not have been whole
    bool kernel_thread_ = false;
};

/// Visits one process until nothing changes meanwhile, and counts the outcome.
template<system System>
void visit_process(sample_in_progress<System> const& sample, source by,
                   visit_memory<System>& memory, std::int32_t pid) {
    constexpr int attempts = 8;
    auto const& counts = sample.counts;
    auto const before = counts.counted();
    for (int i = 0; i < attempts; ++i) {
        auto const process = open_process(sample.session.proc(), pid);
        if (!process) return counts.process(counts.note(process.error()));
        process_visit<System> attempt(sample, by, memory, *process, i != 0);
        auto const how = attempt.read();
        if (counts.counted().indistinct.references() != before.indistinct.references() &&
            how != outcome::again)
            counts.indistinct_holder();
        if (how != outcome::again) return counts.process(how, attempt.is_kernel_thread());
        sample.build.drop_process();
        counts.restore(before);
    }
    counts.process(counts.note({operation::list, EAGAIN, {object::task_directory, pid}}));
}

} // namespace v0
} // namespace dmabuf
