// SPDX-License-Identifier: MIT
//
// The descriptor tables and memory maps that processes share: clone(2) with CLONE_FILES or CLONE_VM
// and without CLONE_THREAD, and vfork(2).
#pragma once

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

    /// Whether all answers stand: every task that was asked about still lives, and has what it had.
    /// Cost: a comparison and four calls for each table and memory map; none if there is but one of
    /// each.
    [[nodiscard]] bool confirmed(proc_directory<System> const& proc) const {
        return is_confirmed(tables_, proc) && is_confirmed(maps_, proc);
    }

private:
    static answer had(tables& parts, std::int32_t tid) {
        auto const found = parts.contains(tid);
        if (found != answer::yes) parts.add(tid, found == answer::no);
        return found;
    }

    static bool is_confirmed(tables const& parts, proc_directory<System> const& proc) {
        if (!parts.may_mislead()) return true;
        if (parts.first_moved() != parts.tasks().size()) return false;
        for (auto const& task : parts.tasks())
            if (!lives(proc, task.tid)) return false;
        return true;
    }

    static bool lives(proc_directory<System> const& proc, std::int32_t tid) {
        auto const process = open_process(proc, tid); // which opens for every thread
        if (!process) return false;
        auto const stat = read_stat(*process);
        return stat && !stat->exiting();
    }

    tables tables_;
    tables maps_;
};

} // namespace v0
} // namespace dmabuf
