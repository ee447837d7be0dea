// SPDX-License-Identifier: MIT
//
// The descriptor tables and memory maps that processes share: clone(2) with CLONE_FILES or CLONE_VM
// and without CLONE_THREAD, and vfork(2).
#pragma once

#include <dmabuf/detail/sort.hpp>
#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/sampling/distinct_tables.hpp>

namespace dmabuf {
inline namespace v0 {

/// Remembers a task for each table and each memory map with buffers, of all processes of a sample.
/// Cost: that of `distinct_tables`. No allocation once grown.
template<system System = live_system>
class shared_parts {
public:
    using tables = distinct_tables<System>;
    using answer = typename tables::answer;

    explicit shared_parts(System system)
        : tables_(system)
        , maps_(system, tables::part::memory_map) {}

    /// `compare` allows kcmp: see `distinct_tables::compare()`.
    void begin(bool compare) {
        tables_.clear();
        maps_.clear();
        if (compare) return;
        tables_.compare(false);
        maps_.compare(false);
    }

    /// Whether the descriptor table of `tid` is that of a task that was asked about before, in
    /// another process. `unknown`: see `distinct_tables::contains()`.
    [[nodiscard]] answer had_table(std::int32_t tid) { return had(tables_, tid); }
    /// The same of its memory map.
    [[nodiscard]] answer had_memory_map(std::int32_t tid) { return had(maps_, tid); }

    /// Whether all answers stand: every task that was asked about still lives, with the same table
    /// and memory map.
    /// Cost: a comparison for each table and memory map, and three calls for each of their tasks;
    /// none if there is but one of each.
    [[nodiscard]] bool confirmed(proc_directory<System> const& proc) {
        asked_.clear();
        return add_asked(tables_) && add_asked(maps_) && all_live(proc);
    }

private:
    static answer had(tables& parts, std::int32_t tid) {
        auto const found = parts.contains(tid);
        if (found != answer::yes) parts.add(tid, found == answer::no);
        return found;
    }

    /// Collects the tasks that were asked about. False where one is no longer in its place.
    bool add_asked(tables const& parts) {
        if (!parts.may_mislead()) return true;
        for (auto const& task : parts.tasks())
            asked_.push_back(task.tid);
        return parts.first_moved() == parts.tasks().size();
    }

    bool all_live(proc_directory<System> const& proc) {
        detail::sort(asked_);
        for (std::size_t at = 0; at < asked_.size(); ++at)
            if ((at == 0 || asked_[at] != asked_[at - 1]) && !lives(proc, asked_[at])) return false;
        return true;
    }

    static bool lives(proc_directory<System> const& proc, std::int32_t tid) {
        auto const stat = read_task_stat(proc, tid);
        return stat && !stat->exiting();
    }

    tables tables_;
    tables maps_;
    std::vector<std::int32_t> asked_; ///< tasks
};

} // namespace v0
} // namespace dmabuf
