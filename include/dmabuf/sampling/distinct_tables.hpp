// SPDX-License-Identifier: MIT
//
// The distinct descriptor tables of a process. Threads usually share one table, but need not.
#pragma once

#include <dmabuf/kernel/process.hpp>

#include <vector>

namespace dmabuf {
inline namespace v0 {

/// Remembers one task for each distinct descriptor table of a process, and tells whether the table
/// of another task is among them. Every table is compared, not only the leader's: two other threads
/// may share one. (A thread called unshare(CLONE_FILES) and then made threads of its own.)
///
/// kcmp(2) orders the tables: less and greater are those of the table's address, permuted by
/// numbers that are fixed until the next boot (kernel/kcmp.c, kptr_obfuscate()). So the tasks are
/// kept in that order and searched by halves. A place in the order can move. A task that exits has
/// no table any more and compares as the address 0, which stands anywhere. unshare(2) and execve(2)
/// give a task another table. Neither is an error, and either leads later searches astray. So
/// `first_moved()`, and a look at whether the tasks live, have to confirm the searches.
///
/// Cost: for the n-th table log2(n) + 2 calls at most; one where the table is the one found last;
/// two where the task itself cannot be compared; none where no task can. Adding a table moves four
/// bytes for each table behind it. No allocation once grown.
template<system System = live_system>
class distinct_tables {
public:
    /// A task whose table was added.
    struct task {
        std::int32_t tid = 0;
        bool certain = true; ///< its table was not among those before, as far as was told
        bool found = false;  ///< `contains()` said that another task has its table too
    };

    enum class part : std::uint8_t { descriptor_table, memory_map };

    /// `compared`: the part of a task that is meant by its table.
    explicit distinct_tables(System system, part compared = part::descriptor_table)
        : system_(system)
        , compared_(compared) {}

    /// Allows kcmp, which takes numbers of the caller's own pid namespace.
    void compare(bool on) { compares_ = on; }

    void reserve(std::size_t tables) {
        tasks_.reserve(tables);
        order_.reserve(tables);
    }

    void clear() {
        tasks_.clear();
        order_.clear();
        last_found_ = 0;
        first_gone_ = nowhere;
        all_ordered_ = true;
        may_mislead_ = false;
    }

    [[nodiscard]] bool empty() const { return tasks_.empty(); }
    /// The tasks in the order in which they were added.
    [[nodiscard]] std::span<task const> tasks() const { return std::span(tasks_); }

    enum class answer : std::uint8_t { no, yes, unknown };

    /// Whether the table of `tid` is that of a task added before. `unknown`: the kernel did not
    /// compare, since there is no kcmp, a filter refuses it, or the caller lacks
    /// PTRACE_MODE_READ_REALCREDS.
    [[nodiscard]] answer contains(std::int32_t tid) {
        if (tasks_.empty()) return place_ = 0, answer::no;
        auto const found = compares_ ? search(tid) : answer::unknown;
        if (found == answer::unknown) place_ = nowhere;
        may_mislead_ = may_mislead_ || found != answer::unknown;
        return found == answer::no && !all_ordered_ ? answer::unknown : found;
    }

    /// Adds the task of the last `contains()`. `certain`: its table is known not to be among those
    /// before, by the answer or by another source.
    void add(std::int32_t tid, bool certain = true) {
        auto const index = static_cast<std::uint32_t>(tasks_.size());
        may_mislead_ = may_mislead_ || (certain && place_ == nowhere);
        task const added{tid, certain};
        tasks_.push_back(added);
        if (place_ == nowhere) return void(all_ordered_ = false);
        if (!order_.empty() && place_ <= last_found_) ++last_found_;
        order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place_), index);
    }

    /// Whether the answers rest on tasks that may have exited or changed their table meanwhile.
    [[nodiscard]] bool may_mislead() const { return may_mislead_ || first_gone_ != nowhere; }
    /// The caller saw that the tasks asked about so far still live.
    void trust() { may_mislead_ = false; }

    /// The first task, in the order of adding, that is no longer in its place; the number of tasks
    /// where there is none. Of two tasks nobody can tell which one moved: the earlier counts.
    /// Cost: a call per table.
    [[nodiscard]] std::size_t first_moved() const {
        std::size_t first = first_gone_ < tasks_.size() ? first_gone_ : tasks_.size();
        for (std::size_t at = 1; at < order_.size(); ++at) {
            auto const before = order_[at - 1];
            auto const after = order_[at];
            if (compare(tasks_[before].tid, tasks_[after].tid) == less) continue;
            auto const earlier = before < after ? before : after;
            if (earlier < first) first = earlier;
        }
        return first;
    }

private:
    static constexpr int equal = 0, less = 1, greater = 2; // 3: not equal, "reserved for future"
    static constexpr std::size_t nowhere = ~std::size_t{0};

    [[nodiscard]] int compare(std::int32_t a, std::int32_t b) const {
        return compared_ == part::memory_map ? system_.compare_memory_maps(a, b)
                                             : system_.compare_descriptor_tables(a, b);
    }

    /// Searches, beginning with the table found last, since most threads have the same one. Leaves
    /// the place for the table in `place_`.
    [[nodiscard]] answer search(std::int32_t tid) {
        std::size_t first = 0;
        std::size_t last = order_.size();
        auto at = last_found_ < last ? last_found_ : last / 2;
        for (; first < last; at = first + (last - first) / 2) {
            int const order = compare(tid, tasks_[order_[at]].tid);
            if (order == equal) {
                tasks_[order_[at]].found = true;
                last_found_ = at;
                return answer::yes;
            }
            if (order == less)
                last = at;
            else if (order == greater)
                first = at + 1;
            else if (is_comparable(tid, order))
                leave_out(at, order), --last;
            else
                return answer::unknown;
        }
        place_ = first;
        return answer::no;
    }

    /// Whether the other task alone cannot be compared.
    [[nodiscard]] bool is_comparable(std::int32_t tid, int error) {
        if (error == -ENOSYS || (error == -EPERM && is_filtered())) compares_ = false;
        return compares_ && compare(tid, tid) == equal;
    }

    /// Whether a seccomp filter refuses kcmp: the kernel lets every task compare itself.
    [[nodiscard]] bool is_filtered() {
        if (unfiltered_) return false;
        auto const self = system_.process_id();
        unfiltered_ = compare(self, self) == equal;
        return !unfiltered_;
    }

    /// Leaves a task out of the order. Where it has exited (ESRCH), only the tasks added since are
    /// in doubt.
    void leave_out(std::size_t at, int error) {
        if (error == -ESRCH && order_[at] < first_gone_) first_gone_ = order_[at];
        order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(at));
        if (error != -ESRCH) all_ordered_ = false;
    }

    [[no_unique_address]] System system_;
    part compared_;
    std::vector<task> tasks_;
    std::vector<std::uint32_t> order_; ///< indices into `tasks_`, of those that can be compared, in
                                       ///< the order of kcmp
    std::size_t place_ = 0;            ///< in `order_`, of the task asked about last
    std::size_t last_found_ = 0;       ///< in `order_`
    std::size_t first_gone_ = nowhere; ///< of `tasks_`, when it was to be compared
    bool compares_ = true;
    bool unfiltered_ = false;
    bool all_ordered_ = true;
    bool may_mislead_ = false;
};

} // namespace v0
} // namespace dmabuf
