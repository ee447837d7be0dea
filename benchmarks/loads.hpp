// SPDX-License-Identifier: MIT
//
// The processes that are looked at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

struct load {
    std::string name;
    unsigned processes = 0;
    unsigned ordinary = 0; ///< descriptors of other files, each process
    unsigned shared = 0;   ///< buffers that every holder has
    unsigned own = 0;      ///< buffers of its own that each holder has
    unsigned threads = 1;  ///< of each process, on one descriptor table
    unsigned one_in = 1;   ///< process of so many is a holder

    // The worst that a process can make of it.
    bool oldest_last = false; ///< its first buffer has the last of its descriptors
    bool own_tables = false;  ///< each thread has a descriptor table of its own
    bool own_users = false;   ///< each process is another user's, in another cgroup
    unsigned watches = 0;     ///< of an inotify descriptor, each a line of its fdinfo

    bool named = false; ///< each buffer has a name, as those of Android's allocator have

    [[nodiscard]] unsigned holders() const { return processes / one_in; }
    [[nodiscard]] std::uint64_t references() const {
        return std::uint64_t{holders()} * tables() * (shared + own);
    }
    [[nodiscard]] unsigned tables() const { return own_tables ? threads : 1; }
    [[nodiscard]] std::uint64_t tasks() const { return std::uint64_t{processes} * threads; }
    [[nodiscard]] std::uint64_t descriptors() const {
        return std::uint64_t{processes} * tables() * ordinary + references();
    }
    [[nodiscard]] load of_one() const {
        auto one = *this;
        one.processes = one.one_in = 1;
        return one;
    }
};

/// One of the usual loads by name, or any as "processes,ordinary,shared,own,threads,one_in", and
/// behind these, each with a comma before it: oldest-last, own-tables, own-users, watches=NUMBER,
/// named.
load load_of(std::string const& text);

/// The holdings of this machine at the moment, as one average load.
load count_processes(std::string const& name);

/// Its processes, which live until this object goes.
class population {
public:
    explicit population(load const& what);
    population(population const&) = delete;
    population& operator=(population const&) = delete;
    ~population();

    /// One that holds as much as any.
    [[nodiscard]] pid_t holder() const { return pids_.front(); }

private:
    std::vector<pid_t> pids_;
    std::vector<std::string> directories_; ///< cgroups, and watched directories
};
