// SPDX-License-Identifier: MIT
//
// A made-up system whose snapshots are built as values: processes, the buffers that they hold, and
// buffers that no process holds. Much faster than the fake kernel, for half hours of looks.
#pragma once

#include <dmabuf/growth.hpp>

#include <map>
#include <string>

namespace growth_tests {

inline constexpr std::uint64_t second = 1'000'000'000;

struct held {
    std::uint32_t descriptors = 0;
    std::uint32_t mappings = 0;
};

struct process {
    std::uint64_t start_ticks = 0;
    std::string comm;
    std::string cgroup = "/one";
    std::map<std::uint64_t, held> holds; ///< by inode
};

struct maker {
    std::int32_t pid = 0; ///< 0: the records do not tell
    std::string comm;
    bool ended = false;
    bool uncertain = false; ///< the buffer was released before the records were read
};

struct made {
    std::uint64_t size = 4096;
    std::string exporter = "system";
    std::uint64_t other_references = 0;
    std::uint32_t attachments = 0;
    maker by{};
};

/// The buffers that exist are those that somebody made and nobody freed.
struct world {
    std::map<int, process> processes;
    std::map<std::uint64_t, made> buffers; ///< by inode
    std::uint64_t next_inode = 1;
    std::uint64_t next_start = 100;
    bool complete = true;      ///< false: one process could not be read, and is left out
    bool origins = false;      ///< dmabuf_pin --origins watches
    bool lists_devices = true; ///< bufinfo tells the attached devices; else the watch does
    int partly_seen = 0;       ///< the pid of a process of which a table may not be read
    unsigned leaving = 0;      ///< buffers that a process closed during the look

    process& start(int pid, std::string const& comm, std::string const& cgroup = "/one") {
        return processes[pid] = {next_start++, comm, cgroup, {}};
    }

    std::uint64_t make(std::uint64_t size = 4096, std::string const& exporter = "system") {
        buffers[next_inode].size = size;
        buffers[next_inode].exporter = exporter;
        return next_inode++;
    }
    /// Makes a buffer, and gives the process a descriptor of it.
    std::uint64_t make_for(int pid, std::uint64_t size = 4096,
                           std::string const& exporter = "system") {
        auto const inode = make(size, exporter);
        processes.at(pid).holds[inode].descriptors = 1;
        buffers.at(inode).by = {pid, processes.at(pid).comm, false, false};
        return inode;
    }
    void free(std::uint64_t inode) {
        buffers.erase(inode);
        for (auto& [pid, one] : processes)
            one.holds.erase(inode);
    }
    /// The process ends, and what it alone held is freed.
    void exit(int pid) {
        auto const held = processes.at(pid).holds;
        for (auto& [inode, one] : buffers)
            one.by.ended = one.by.ended || one.by.pid == pid;
        processes.erase(pid);
        for (auto const& [inode, how] : held) {
            bool others = false;
            for (auto const& [other, one] : processes)
                others = others || one.holds.count(inode) != 0;
            if (!others) buffers.erase(inode);
        }
    }

    /// Fills in a snapshot, as the sampler would.
    void show(dmabuf::snapshot& now) const {
        now.clear();
        now.coverage.proc_shows = dmabuf::visibility::everything;
        now.coverage.mappings_read = true;
        now.coverage.listed_by = dmabuf::listing::bufinfo;
        std::map<std::string, dmabuf::exporter_id> exporters;
        std::map<std::uint64_t, std::uint32_t> places;
        std::map<std::uint64_t, bool> held;
        for (auto const& [pid, one] : processes)
            for (auto const& [inode, how] : one.holds)
                held[inode] = true;
        for (auto const& [inode, one] : buffers) {
            dmabuf::buffer row;
            row.inode = inode;
            row.size_bytes = one.size;
            row.size_known = true;
            auto& id = exporters[one.exporter];
            if (id == dmabuf::exporter_id::unknown) {
                now.exporter_names.push_back(dmabuf::exporter_name(one.exporter));
                id = static_cast<dmabuf::exporter_id>(now.exporter_names.size());
            }
            row.exporter = id;
            dmabuf::reference_count count;
            count.inode = inode;
            count.other_references = one.other_references;
            count.others_known = true;
            count.devices_known = lists_devices;
            now.counts.push_back(count);
            show_origin(inode, one, now);
            if (one.attachments != 0 && lists_devices)
                now.attachments.push_back({inode, dmabuf::device_name("gpu"), one.attachments});
            if (held.count(inode) == 0) {
                now.unheld.push_back(row);
                now.unheld_bytes += one.size;
                continue;
            }
            places[inode] = static_cast<std::uint32_t>(now.buffers.size());
            now.buffers.push_back(row);
        }
        std::map<std::string, std::uint32_t> cgroups;
        bool first = true;
        for (auto const& [pid, one] : processes) {
            if (std::exchange(first, false) && !complete) continue;
            if (!one.holds.empty()) show_holder(pid, one, places, cgroups, now);
        }
        if (!complete) now.coverage.processes_failed = 1;
        if (partly_seen != 0) now.coverage.processes_denied = 1;
        now.coverage.buffers_leaving = leaving;
        for (auto& who : now.holders)
            who.partly_seen = who.pid == partly_seen;
        dmabuf::account(now);
    }

private:
    void show_origin(std::uint64_t inode, made const& one, dmabuf::snapshot& now) const {
        now.watch.origins_read = now.watch.attachments_read = origins;
        if (!origins) return;
        dmabuf::origin row;
        row.inode = inode;
        row.size_bytes = one.size;
        row.state = one.by.pid != 0 ? dmabuf::origin_state::made_by : dmabuf::origin_state::missed;
        if (one.by.uncertain) row.state = dmabuf::origin_state::uncertain;
        row.maker.pid = one.by.pid;
        row.maker.comm = dmabuf::task_name(one.by.comm);
        row.maker.now = one.by.ended ? dmabuf::process_state::ended : dmabuf::process_state::runs;
        now.origins.push_back(row);
        for (std::uint32_t times = one.attachments; times != 0; --times) {
            now.watched_attachments.emplace_back();
            now.watched_attachments.back().inode = inode;
            now.watched_attachments.back().size_bytes = one.size;
        }
    }

    static void show_holder(int pid, process const& one,
                            std::map<std::uint64_t, std::uint32_t> const& places,
                            std::map<std::string, std::uint32_t>& cgroups, dmabuf::snapshot& now) {
        dmabuf::holder row;
        row.pid = pid;
        row.start_ticks = one.start_ticks;
        row.comm = dmabuf::process_name(one.comm);
        row.first_reference = now.references.size();
        row.reference_count = one.holds.size();
        if (cgroups.count(one.cgroup) == 0) {
            cgroups[one.cgroup] = static_cast<std::uint32_t>(now.cgroups.size());
            now.cgroups.push_back({now.cgroup_text.size(), one.cgroup.size()});
            now.cgroup_text.insert(now.cgroup_text.end(), one.cgroup.begin(), one.cgroup.end());
        }
        row.cgroup = cgroups.at(one.cgroup);
        auto const index = static_cast<std::uint32_t>(now.holders.size());
        for (auto const& [inode, how] : one.holds)
            now.references.push_back({index, places.at(inode), how.descriptors, 0, how.mappings,
                                      std::uint64_t{4096} * how.mappings});
        now.holders.push_back(row);
    }
};

} // namespace growth_tests
