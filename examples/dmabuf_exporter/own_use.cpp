// SPDX-License-Identifier: MIT
#include "own_use.hpp"

#include <dmabuf/text.hpp>

#include "files/whole_file.hpp"

#include <ctime>
#include <string>
#include <unistd.h>
#include <variant>

namespace dmabuf_exporter {

namespace {

std::uint64_t ns_of(::clockid_t clock) {
    ::timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace

double own_cpu_seconds() {
    return static_cast<double>(ns_of(CLOCK_PROCESS_CPUTIME_ID)) / 1e9;
}

std::optional<std::uint64_t> own_resident_bytes() {
    auto const read = files::read_whole("/proc/self/statm", 4096);
    auto const* const text = std::get_if<std::string>(&read);
    if (!text) return std::nullopt;
    std::string_view rest = *text;
    std::uint64_t pages = 0;
    dmabuf::detail::take_until(rest, ' ');
    if (!dmabuf::detail::take_number(rest, pages)) return std::nullopt;
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t monotonic_ns() {
    return ns_of(CLOCK_MONOTONIC);
}

double wall_seconds() {
    return static_cast<double>(ns_of(CLOCK_REALTIME)) / 1e9;
}

} // namespace dmabuf_exporter
