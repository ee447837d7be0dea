// SPDX-License-Identifier: MIT
//
// The parts of a look at one process alone: the pinned programs that walk one process, and the
// reasons why a number is no process that can hold buffers.
#pragma once

#include <dmabuf/bpf/process.hpp>
#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/sampling/session.hpp>
#include <dmabuf/sampling/task_list.hpp>

namespace dmabuf {
inline namespace v0 {

/// The pinned programs that walk one process. They stay open, and serve for one process after the
/// other.
template<system System = live_system>
class process_programs {
public:
    /// Opens a walk over the process that /proc numbers so.
    /// Cost: three calls; one more where its program is not open yet.
    /// Errors: those of `open_bpf_program()` and `open_bpf_walk()`; EXDEV where /proc numbers
    /// processes otherwise than the caller's pid namespace; ENOSYS for a system without BPF.
    result<unique_fd<System>> open_walk(session<System> const& at, bpf_content content,
                                        std::int32_t pid) {
        if constexpr (!bpf_system<System>) {
            return failure{operation::open, ENOSYS, place_of(content)};
        } else {
            if (!at.kernel().own_pid_namespace)
                return failure{operation::identify, EXDEV, place_of(content)};
            auto& program = content == bpf_content::mappings ? mappings_ : descriptors_;
            if (!program.is_open()) {
                auto const path = path_of(place_of(content), at.roots()).append("_of");
                auto opened = open_bpf_program(content, at.system(), path.c_str());
                if (!opened) return opened.error();
                program = std::move(opened).value();
            }
            return open_bpf_walk(at.system(), program, content, pid);
        }
    }

private:
    unique_fd<System> descriptors_;
    unique_fd<System> mappings_;
};

/// ECHILD where `tasks`, read of the directory /proc/`pid`, are those of another thread group: the
/// kernel opens /proc/T for every thread T, with the tasks of its group, the leader first
/// (fs/proc/base.c, proc_pid_lookup(), first_tid()).
template<system System>
result<void> refuse_thread(task_list<System> const& tasks, std::int32_t pid) {
    if (tasks.tids().empty() || tasks.tids().front() == pid) return {};
    return failure{operation::identify, ECHILD, {object::process, pid}};
}

/// Finds out whether a process that showed no buffer can hold any.
/// Cost: six calls, and three where there are threads.
/// Errors: those of `open_process()`; ESRCH for one that has ended, be it not reaped yet; ECHILD
/// for a thread; ENOEXEC for a kernel thread.
template<system System>
result<void> check_process(session<System> const& at, task_list<System>& tasks, std::int32_t pid) {
    place const where{object::process, pid};
    auto const process = open_process(at.proc(), pid);
    if (!process) return process.error();
    if (auto const listed = tasks.read(*process, at.table_space()); !listed) return listed;
    if (auto const is_leader = refuse_thread(tasks, pid); !is_leader) return is_leader;
    auto const stat = read_stat(*process);
    if (!stat) return stat.error();
    if (stat->kernel_thread()) return failure{operation::identify, ENOEXEC, where};
    if (stat->exiting() && stat->threads <= 1) return failure{operation::read, ESRCH, where};
    return {};
}

/// Why a visit to one process alone is no answer.
/// Errors: that of the visit, where it was denied or failed and found nothing.
constexpr result<void> visit_succeeded(coverage const& seen, std::int32_t pid) {
    place const where{object::process, pid};
    if (seen.processes_denied != 0) return failure{operation::read, EACCES, where};
    if (seen.processes_failed != 0) return seen.first_failure;
    if (seen.processes_gone != 0) return failure{operation::read, ESRCH, where};
    return {};
}

} // namespace v0
} // namespace dmabuf
