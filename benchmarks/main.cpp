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

/// The baseline always, since everything is compared with it.
bool is_wanted(row const& what, std::string const& pattern) {
    return std::strcmp(what.name, "four steps, plain C") == 0 ||
           std::string(what.name).find(pattern) != std::string::npos;
}

void measure_rows(load const& what, std::string const& pattern, bool known) {
    // The kernel's caches are warm for whoever comes first.
    four_steps();
    least_calls(0);
    for (auto const& rows : {baseline_rows(), floor_rows(), library_rows()}) {
        for (auto const& one : rows) {
            if (!is_there(one) || !is_wanted(one, pattern)) continue;
            auto const took = measure(one, known ? std::optional(what.references()) : std::nullopt);
            print(what, one, "first", took.first, took.peak_kib);
            print(what, one, "repeated", took.repeated, took.peak_kib);
        }
    }
}

void measure_load(load const& what, std::string const& pattern) {
    population const processes(what);
    measure_rows(what, pattern, true);
}

/// The processes that are there.
void measure_here(std::string const& pattern) {
    measure_rows(count_processes("here"), pattern, false);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: measure PART-OF-A-ROW'S-NAME LOAD...|here\n");
        return 2;
    }
    try {
        for (int i = 2; i < argc; ++i)
            std::strcmp(argv[i], "here") == 0 ? measure_here(argv[1])
                                              : measure_load(load_of(argv[i]), argv[1]);
    } catch (std::exception const& error) {
        std::fprintf(stderr, "measure: %s\n", error.what());
        return 1;
    }
}
