// SPDX-License-Identifier: MIT
#include "why_not_shown.hpp"

#include <dmabuf/dmabuf.hpp>
#include <dmabuf/fmt.hpp>

namespace dmabuf_ps {

namespace {

/// /proc/N opens for threads too, which no listing shows.
bool is_listed(dmabuf::proc_directory<> const& proc, std::int32_t pid) {
    for (auto const& listed : dmabuf::read_processes(proc))
        if (listed && *listed == pid) return true;
    return false;
}

template<class Range>
std::optional<dmabuf::failure> first_denial(Range range) {
    for (auto const& item : range)
        if (!item && item.error().denied()) return item.error();
    return std::nullopt;
}

/// What keeps the caller from seeing what the process holds: a right to both of its descriptors
/// (by either way) and its mappings is needed.
std::optional<dmabuf::failure> denial(dmabuf::process<> const& process) {
    dmabuf::dmabuf_filesystem known;
    if (first_denial(dmabuf::walk_fds(process, process.pid, known)))
        if (auto const denied = first_denial(dmabuf::walk_fdinfos(process, process.pid, known)))
            return denied;
    return first_denial(dmabuf::read_maps(process, process.pid));
}

} // namespace

explanation why_not_shown(std::int32_t pid) {
    auto const proc = dmabuf::open_proc();
    if (!proc) return {true, fmt::format("{}", proc.error())};
    auto const process = dmabuf::open_process(*proc, pid);
    if (!process && process.error().gone())
        return {true, fmt::format("there is no process {}, or it is hidden", pid)};
    if (!process) return {true, fmt::format("{}", process.error())};
    auto const stat = dmabuf::read_stat(*process);
    if (!stat) return {true, fmt::format("{}", stat.error())};
    if (!is_listed(*proc, pid))
        return {true, fmt::format("{} is a thread ({}), not a process", pid, stat->comm)};
    if (!stat->kernel_thread())
        if (auto const denied = denial(*process)) return {true, fmt::format("{}", *denied)};
    return {false, fmt::format("Process {} ({}) holds no DMA-BUF.", pid, stat->comm)};
}

} // namespace dmabuf_ps
