// SPDX-License-Identifier: MIT
//
// The tasks of a process, and the tasks that came since they were listed.
#pragma once

#include <dmabuf/kernel/process.hpp>

#include <vector>

namespace dmabuf {
inline namespace v0 {

/// Lists the tasks of one process after the other. No allocation once grown.
template<system System = live_system>
class task_list {
public:
    void reserve(std::size_t threads) {
        tids_.reserve(threads);
        earlier_.reserve(threads);
    }

    /// Lists the tasks; none where the process has ended. `space` is read into.
    ///
    /// The link count of /proc/P/task is two more than the number of threads (fs/proc/base.c,
    /// proc_task_getattr()). It spares a process with one thread the listing. It ends the listing
    /// of the others, since later threads are listed later. The directory belongs to the effective
    /// user, be the process dumpable or not (task_dump_owner()).
    /// Cost: one call, and three where there are threads.
    result<void> read(process<System> const& process, std::span<char> space) {
        tids_.clear();
        file_status status;
        int const error = detail::uninterrupted_status(process.system, process.directory.get(),
                                                       "task", 0, status);
        if (error < 0)
            return failure{operation::status, -error, process.at(object::task_directory)};
        uid_ = status.uid;
        if (status.links == 3) return tids_.push_back(process.pid), result<void>();
        return read_tasks(process, read_space(space)).for_each([&](std::int32_t tid) {
            tids_.push_back(tid);
            return tids_.size() + 2 != status.links;
        });
    }

    /// The tasks in the kernel's order, the leader first.
    [[nodiscard]] std::span<std::int32_t const> tids() const { return std::span(tids_); }
    /// The effective user of the process.
    [[nodiscard]] std::uint32_t uid() const { return uid_; }

    /// Lists the tasks anew, and tells whether `read()` missed any.
    result<bool> list_again(process<System> const& process, std::span<char> space) {
        earlier_.assign(tids_.begin(), tids_.end());
        if (auto const listed = read(process, space); !listed) return listed.error();
        return !tids_.empty() && tids_ != earlier_;
    }

private:
    std::vector<std::int32_t> tids_;
    std::vector<std::int32_t> earlier_;
    std::uint32_t uid_ = 0;
};

} // namespace v0
} // namespace dmabuf
