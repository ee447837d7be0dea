// SPDX-License-Identifier: MIT
#include "why_not_shown.hpp"

#include <dmabuf/dmabuf.hpp>
#include <dmabuf/fmt.hpp>

#include "replay/recording_system.hpp"
#include "report/coverage_words.hpp"
#include "report/failure_words.hpp"

namespace dmabuf_ps {

namespace {

/// /proc/N opens for threads too, which no listing shows.
template<dmabuf::system System>
bool is_listed(dmabuf::proc_directory<System> const& proc, std::int32_t pid) {
    for (auto const& listed : dmabuf::read_processes(proc))
        if (listed && *listed == pid) return true;
    return false;
}

template<class Range>
bool is_denied(Range range) {
    for (auto const& item : range)
        if (!item && item.error().denied()) return true;
    return false;
}

/// The buffers of a process are seen by a caller who may read its descriptors, by either way, and
/// its mappings.
template<dmabuf::system System>
bool may_not_be_read(dmabuf::process<System> const& process) {
    auto const pid = process.pid;
    dmabuf::dmabuf_filesystem known;
    return (is_denied(dmabuf::walk_fds(process, pid, known)) &&
            is_denied(dmabuf::walk_fdinfos(process, pid, known))) ||
           is_denied(dmabuf::read_maps(process, pid));
}

template<dmabuf::system System>
explanation look_for(System system, std::int32_t pid, report::rights const& mine,
                     dmabuf::roots const& roots) {
    auto const proc = dmabuf::open_proc(system, roots.proc.c_str());
    if (!proc) return {true, report::words_of(proc.error(), roots)};
    auto const process = dmabuf::open_process(*proc, pid);
    if (!process && process.error().gone())
        return {true, fmt::format("there is no process {}, or it is hidden", pid)};
    if (!process) return {true, report::words_of(process.error(), roots)};
    auto const stat = dmabuf::read_stat(*process);
    if (!stat) return {true, report::words_of(stat.error(), roots)};
    if (!is_listed(*proc, pid))
        return {true, fmt::format("{} is a thread ({}), not a process", pid, stat->comm)};
    if (!stat->kernel_thread() && may_not_be_read(*process))
        return {true, fmt::format("process {} ({}) may not be read: {}", pid, stat->comm,
                                  report::what_would_help(mine))};
    return {false, fmt::format("Process {} ({}) holds no DMA-BUF.", pid, stat->comm)};
}

} // namespace

template<dmabuf::system System>
explanation why_not_shown(System system, std::int32_t pid, report::rights const& mine,
                          dmabuf::roots const& roots) {
    return look_for(system, pid, mine, roots);
}

explanation why_not_shown(replay::replayed_system const& system, std::int32_t pid,
                          report::rights const& mine, dmabuf::roots const& roots) {
    auto why = look_for(system, pid, mine, roots);
    if (system.take_missing().empty()) return why;
    auto const proc = dmabuf::open_proc(system, roots.proc.c_str());
    if (!proc || !is_listed(*proc, pid))
        return {true, fmt::format("there was no process {} when this was recorded, or it was "
                                  "hidden",
                                  pid)};
    return {true, fmt::format("process {} was not seen to hold a DMA-BUF, and it was not recorded "
                              "why: record it with --pid {}",
                              pid, pid)};
}

template explanation why_not_shown(dmabuf::live_system, std::int32_t, report::rights const&,
                                   dmabuf::roots const&);
template explanation why_not_shown(replay::recording_system<>, std::int32_t, report::rights const&,
                                   dmabuf::roots const&);

} // namespace dmabuf_ps
