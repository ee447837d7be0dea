// SPDX-License-Identifier: MIT
//
// The distinct descriptor tables of a process: threads usually share one, but need not.
#pragma once

#include <dmabuf/process.hpp>

namespace dmabuf {
inline namespace v0 {

/// Remembers one task for each distinct descriptor table of a process, and tells of a further task
/// whether its table is among them. Every table is compared, not only the leader's: two other
/// threads may share one (a thread that called unshare(CLONE_FILES) and then made threads of its
/// own). Cost: one kcmp(2) per table found so far; no allocation once grown.
template<system System = live_system>
class distinct_tables {
public:
    explicit distinct_tables(System system)
        : system_(system) {}

    void reserve(std::size_t tables) { tasks_.reserve(tables); }
    void clear() { tasks_.clear(); }
    void add(std::int32_t tid) { tasks_.push_back(tid); }
    [[nodiscard]] std::span<std::int32_t const> tasks() const { return std::span(tasks_); }
    [[nodiscard]] bool empty() const { return tasks_.empty(); }

    enum class answer : std::uint8_t { no, yes, unknown };

    /// Whether the table of `tid` is that of a task added before. `unknown` where the kernel would
    /// not compare: no kcmp, filtered, without PTRACE_MODE_READ_REALCREDS, or the earlier task has
    /// exited.
    [[nodiscard]] answer contains(std::int32_t tid) const {
        auto found = answer::no;
        for (auto const other : tasks_) {
            int const order = system_.compare_descriptor_tables(tid, other);
            if (order == 0) return answer::yes;
            if (order < 0) found = answer::unknown;
        }
        return found;
    }

private:
    [[no_unique_address]] System system_;
    std::vector<std::int32_t> tasks_;
};

} // namespace v0
} // namespace dmabuf
