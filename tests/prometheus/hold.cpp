// SPDX-License-Identifier: MIT
//
// The load of the guest that Prometheus scrapes:
//   hold leak SECONDS             one more buffer a second for so long; then it holds them
//   hold crowd PROCESSES CGROUPS  so many processes in so many cgroups, all with one buffer;
//   returns
//                                 once they are there
#include "buffers.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::uint64_t size_bytes = 65536;

[[noreturn]] void hold() {
    for (;;)
        ::pause();
}

[[noreturn]] void leak(int seconds) {
    ::prctl(PR_SET_NAME, "leak");
    std::vector<lab::descriptor> held;
    for (int i = 0; i < seconds; ++i) {
        held.push_back(lab::alloc_heap(size_bytes));
        ::sleep(1);
    }
    hold();
}

std::string cgroup(int number) {
    return "/sys/fs/cgroup/crowd-" + std::to_string(number);
}

void crowd(int processes, int cgroups) {
    auto const buffer = lab::alloc_heap(size_bytes);
    for (int i = 0; i < cgroups; ++i)
        lab::check(::mkdir(cgroup(i).c_str(), 0755), "mkdir");
    for (int i = 0; i < processes; ++i)
        if (lab::check(::fork(), "fork") == 0) {
            std::ofstream(cgroup(i % cgroups) + "/cgroup.procs") << ::getpid();
            ::prctl(PR_SET_NAME, "crowd");
            hold();
        }
}

} // namespace

int main(int count, char** words) {
    std::string_view const what = count > 2 ? words[1] : "";
    if (what == "leak") leak(std::atoi(words[2]));
    if (what != "crowd" || count != 4) return 2;
    crowd(std::atoi(words[2]), std::atoi(words[3]));
    return 0;
}
