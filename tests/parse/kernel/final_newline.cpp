// SPDX-License-Identifier: MIT
//
// The files whose text must end with a newline.
#include <dmabuf/kernel/cgroup.hpp>
#include <dmabuf/kernel/dmabuf_fds.hpp>
#include <dmabuf/kernel/fdinfo.hpp>
#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/kernel/status.hpp>
#include <dmabuf/kernel/sysfs_buffers.hpp>
#include <dmabuf/sampling/platform.hpp>

#include "parse/table.hpp"

namespace {

/// The kernel ends every text with a newline. Those who keep one in a file may not: Android's own
/// test files have none.
struct ending_row {
    std::string_view text; ///< without it
    bool (*parses)(std::string_view);
    bool without; ///< parses so

    /// With the newline all do.
    constexpr bool holds(std::string_view bytes) const {
        char whole[256]{};
        for (std::size_t i = 0; i < bytes.size(); ++i)
            whole[i] = bytes[i];
        whole[bytes.size()] = '\n';
        return parses({whole, bytes.size() + 1}) && parses(bytes) == without;
    }
};

constexpr ending_row endings[] = {
    {"4096", [](std::string_view text) { return dmabuf::parse_sysfs_size(text).has_value(); },
     false},
    {"system",
     [](std::string_view text) { return dmabuf::parse_sysfs_exporter_name(text).has_value(); },
     false},
    {"1 (a) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5",
     [](std::string_view text) { return dmabuf::parse_stat(text).has_value(); }, false},
    {"Name:\ta\nUid:\t0\t0\t0\t0",
     [](std::string_view text) { return dmabuf::parse_process_status(text).has_value(); }, false},
    {"Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0",
     [](std::string_view text) { return dmabuf::parse_process_status(text).has_value(); }, true},
    {"0::/a", [](std::string_view text) { return dmabuf::parse_cgroup(text).has_value(); }, false},
    {"pos:\t0\nflags:\t02\nmnt_id:\t5\nino:\t4\nsize:\t4096\ncount:\t2\nexp_name:\tsystem",
     [](std::string_view text) { return dmabuf::parse_fdinfo(text).has_value(); }, false},
    {"pos:\t0\nflags:\t02\nmnt_id:\t5\nsize:\t1\ncount:\t2\nexp_name:\tsystem\nname:\ta",
     [](std::string_view text) { return dmabuf::parse_fdinfo(text).has_value(); }, false},
    {"12 34",
     [](std::string_view text) {
         std::uint64_t sum = 0;
         dmabuf::parse_dmabuf_fds(text, [&](auto inode) { sum += *inode; });
         return sum == 46;
     },
     true},
    {"6.12.117+deb12-amd64",
     [](std::string_view text) {
         std::uint32_t major = 0;
         std::uint32_t minor = 0;
         return dmabuf::parse_release(text, major, minor);
     },
     true},
};

TEST_CASE("the final newline: whose text must have one") {
    CHECK_TABLE(endings);
}

} // namespace
