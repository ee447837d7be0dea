// SPDX-License-Identifier: MIT
//
// The descriptor tables and memory maps that processes share: clone(2) with CLONE_FILES or CLONE_VM
// and without CLONE_THREAD, and vfork(2).
#pragma once

#include <dmabuf/sampling/distinct_tables.hpp>

namespace dmabuf {
inline namespace v0 {

namespace detail {

/// A system whose kcmp compares memory maps in place of descriptor tables.
template<system System>
struct compares_memory_maps : System {
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const {
        return this->compare_memory_maps(a, b);
    }
};

} // namespace detail

/// Remembers a task for each table and each memory map with buffers, of all processes of a sample.
/// Cost: that of `distinct_tables`. No allocation once grown.
template<system System = live_system>
class shared_parts {
public:
    using answer = typename distinct_tables<System>::answer;

    explicit shared_parts(System system)
        : tables_(system)
        , maps_(detail::compares_memory_maps<System>{system}) {}

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
    static answer had(auto& parts, std::int32_t tid) {
        auto const found = parts.contains(tid);
        using other = decltype(found);
        if (found == other::yes) return answer::yes;
        parts.add(tid, found == other::no);
        return found == other::no ? answer::no : answer::unknown;
    }

    static bool is_confirmed(auto const& parts, proc_directory<System> const& proc) {
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

    distinct_tables<System> tables_;
    distinct_tables<detail::compares_memory_maps<System>> maps_;
};

} // namespace v0
} // namespace dmabuf
