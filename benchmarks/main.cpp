// SPDX-License-Identifier: MIT
//
// Runs in the lab's guest, whose clock counts instructions: makes a load, measures every row on it,
// and prints two lines for each, the first look and a repeated one, with tabs between these
// columns:
//   load row look ms calls allocations peak_kib processes tasks descriptors
#include "loads.hpp"
#include "measure.hpp"

#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <regex.h>
#include <string>
#include <unistd.h>

namespace {

void print(load const& on, row const& what, char const* look, figures const& took,
           std::uint64_t peak_kib) {
    std::printf("%s\t%s\t%s\t%.3f\t%ju\t%ju\t%ju\t%u\t%ju\t%ju\n", on.name.c_str(), what.name, look,
                took.ms, std::uintmax_t{took.calls}, std::uintmax_t{took.allocations},
                std::uintmax_t{peak_kib}, on.processes, std::uintmax_t{on.tasks()},
                std::uintmax_t{on.descriptors()});
    std::fflush(stdout);
}

bool is_there(row const& what) {
    return (!what.lists || ::access("/proc/thread-self/dmabuf_fds", F_OK) == 0) &&
           (!what.sysfs || ::access("/sys/kernel/dmabuf/buffers", F_OK) == 0) &&
           (!what.pins || ::access("/sys/fs/bpf/dmabuf/descriptors", R_OK) == 0);
}

bool is_wanted(row const& what, regex_t const& pattern) {
    return ::regexec(&pattern, what.name, 0, nullptr, 0) == 0;
}

struct selection {
    regex_t pattern{};
    bool count_calls = true;
};

void measure_rows(load const& all, selection const& selected, pid_t holder, bool known) {
    for (auto const& rows :
         {baseline_rows(), floor_rows(), library_rows(), program_rows(), watch_rows()}) {
        for (auto const& one : rows) {
            if (!is_there(one) || !is_wanted(one, selected.pattern)) continue;
            auto const on = one.of_one ? all.of_one() : all;
            auto const took =
                measure(one, holder, known ? std::optional(on.references()) : std::nullopt,
                        selected.count_calls);
            print(on, one, "first", took.first, took.peak_kib);
            print(on, one, "repeated", took.repeated, took.peak_kib);
        }
    }
}

void measure_load(load const& what, selection const& selected) {
    population const processes(what);
    measure_rows(what, selected, processes.holder(), true);
}

/// The processes that are there, and as one of them, this.
void measure_here(selection const& selected) {
    measure_rows(count_processes("here"), selected, ::getpid(), false);
}

} // namespace

int main(int argc, char** argv) {
    selection selected;
    if (argc > 1 && std::strcmp(argv[1], "--uncounted") == 0)
        selected.count_calls = false, ++argv, --argc;
    if (argc < 3 || ::regcomp(&selected.pattern, argv[1], REG_EXTENDED | REG_NOSUB) != 0) {
        std::fprintf(stderr, "usage: measure [--uncounted] ROWS LOAD...|here\n"
                             "ROWS is an extended regular expression; --uncounted saves the time "
                             "that it takes to count system calls.\n");
        return 2;
    }
    try {
        for (int i = 2; i < argc; ++i)
            std::strcmp(argv[i], "here") == 0 ? measure_here(selected)
                                              : measure_load(load_of(argv[i]), selected);
    } catch (std::exception const& error) {
        std::fprintf(stderr, "measure: %s\n", error.what());
        return 1;
    }
}
