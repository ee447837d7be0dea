// SPDX-License-Identifier: MIT
//
// How long a snapshot takes, against the walk that tools make today: for every descriptor readlink,
// stat, and open, read and close of its fdinfo. Runs in the lab, where time counts instructions.
#include <dmabuf/dmabuf.hpp>

#include "buffers.hpp"

#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <sys/stat.h>
#include <thread>

namespace {

/// A phone as the kernel sees it.
struct load {
    unsigned processes = 150;
    unsigned ordinary = 60; ///< descriptors of other files, each process
    unsigned shared = 20;   ///< buffers that all processes hold
    unsigned own = 6;       ///< buffers of each process
    unsigned threads = 6;
};

[[noreturn]] void hold(load const& phone, std::vector<lab::descriptor> const& shared,
                       lab::ready& done) {
    for (unsigned i = 0; i < phone.ordinary; ++i)
        lab::check(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open");
    for (auto const& buffer : shared)
        lab::check(::dup(buffer.get()), "dup");
    for (unsigned i = 0; i < phone.own; ++i)
        lab::alloc_heap(4096).release();
    for (unsigned i = 1; i < phone.threads; ++i)
        std::thread([] {
            for (;;)
                ::pause();
        }).detach();
    done();
    std::abort();
}

std::vector<lab::child> populate(load const& phone) {
    std::vector<lab::descriptor> shared;
    for (unsigned i = 0; i < phone.shared; ++i)
        shared.push_back(lab::alloc_heap(8192));
    std::vector<lab::child> all;
    for (unsigned i = 0; i < phone.processes; ++i)
        all.emplace_back([&](lab::ready& done) {
            // What fork() handed down is not part of the load.
            std::vector<lab::descriptor> own;
            for (auto const& buffer : shared)
                own.emplace_back(::dup(buffer.get()));
            for (int fd = 3; fd < 256; ++fd)
                if (fd != done.fd() &&
                    !std::ranges::any_of(own, [&](auto const& o) { return o.get() == fd; }))
                    ::close(fd);
            hold({phone.processes, phone.ordinary, 0, phone.own, phone.threads}, own, done);
        });
    for (auto& one : all)
        one.wait_ready();
    return all;
}

/// The four steps, in plain C as a tool would write them; the sum of sizes of what is called a
/// buffer.
std::uint64_t four_steps() {
    std::uint64_t bytes = 0;
    DIR* const proc = ::opendir("/proc");
    while (dirent const* process = ::readdir(proc)) {
        if (process->d_name[0] < '1' || process->d_name[0] > '9') continue;
        char directory[64];
        std::snprintf(directory, sizeof directory, "/proc/%.10s/fd", process->d_name);
        DIR* const fds = ::opendir(directory);
        if (!fds) continue;
        while (dirent const* fd = ::readdir(fds)) {
            if (fd->d_name[0] == '.') continue;
            char path[96], target[256], text[1024];
            std::snprintf(path, sizeof path, "/proc/%.10s/fd/%.10s", process->d_name, fd->d_name);
            auto const length = ::readlink(path, target, sizeof target - 1);
            struct stat status{};
            ::stat(path, &status);
            std::snprintf(path, sizeof path, "/proc/%.10s/fdinfo/%.10s", process->d_name,
                          fd->d_name);
            int const info = ::open(path, O_RDONLY | O_CLOEXEC);
            auto const got = info < 0 ? -1 : ::read(info, text, sizeof text - 1);
            if (info >= 0) ::close(info);
            if (length < 8 || got <= 0 || std::string_view(target, 8) != "/dmabuf:") continue;
            text[got] = '\0';
            if (char const* const size = std::strstr(text, "size:\t"))
                bytes += std::strtoull(size + 6, nullptr, 10);
        }
        ::closedir(fds);
    }
    ::closedir(proc);
    return bytes;
}

double milliseconds(auto work) {
    dmabuf::live_system const clock;
    auto const begin = clock.clock_ns();
    work();
    return static_cast<double>(clock.clock_ns() - begin) / 1e6;
}

void row(char const* what, double first, double repeated, double baseline) {
    std::printf("%-46s %9.1f %9.1f %8.1fx\n", what, first, repeated, baseline / repeated);
}

void measure(char const* what, dmabuf::sample_options options, double baseline,
             std::uint64_t expected) {
    dmabuf::sampler sampler(options);
    dmabuf::snapshot now;
    auto const sample = [&] {
        if (auto done = sampler.sample(now); !done || now.total_bytes != expected) {
            std::fprintf(stderr, "%s: wrong: %s, %llu bytes\n", what,
                         describe(done.error()).c_str(),
                         static_cast<unsigned long long>(now.total_bytes));
            std::exit(1);
        }
    };
    double const first = milliseconds(sample);
    row(what, first, milliseconds(sample), baseline);
}

} // namespace

int main() {
    load const phone;
    auto const processes = populate(phone);
    std::uint64_t const expected =
        phone.shared * 8192 + std::uint64_t{phone.processes} * phone.own * 4096;

    four_steps(); // the kernel's caches are warm for whoever comes first
    double const baseline = milliseconds(four_steps);
    std::printf("phone: %u processes, %u + %u descriptors, %u threads each; milliseconds\n\n",
                phone.processes, phone.ordinary, phone.shared + phone.own, phone.threads);
    std::printf("%-46s %9s %9s %9s\n", "", "first", "repeated", "ratio");
    row("four steps per descriptor, leader's table only", baseline, baseline, baseline);
    dmabuf::sample_options options{.exporters = false,
                                   .names = false,
                                   .path_descriptors = false,
                                   .mappings = false,
                                   .force = dmabuf::source::fd_walk};
    measure("fd_walk: tables, identity, sizes", options, baseline, expected);
    options.mappings = true;
    measure("  and mappings", options, baseline, expected);
    options.mappings = false;
    options.exporters = options.names = true;
    measure("  and exporter and name", options, baseline, expected);
    options.mappings = options.path_descriptors = true;
    measure("  and all of it, O_PATH marked", options, baseline, expected);
}
