// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/cgroup.hpp>

#include "parse/table.hpp"

namespace {

struct group {
    std::string_view text;
    std::string_view path; ///< "" is refused
    int error = EBADMSG;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = dmabuf::parse_cgroup(bytes);
        return path.empty() ? !found && found.error().error == error : found && *found == path;
    }
};

constexpr group groups[] = {
    {"0::/user.slice/user-1000.slice\n", "/user.slice/user-1000.slice"},
    {"0::/\n", "/"},
    {"12:cpu,memory:/video\n1:name=systemd:/x\n0::/unified\n", "/video"},
    {"12:cpu:/cpu\n1:name=systemd:/x\n0::/unified\n", "/unified"},
    {"3:cpu,memoryx:/a\n0::/a:b (deleted)\n", "/a:b (deleted)"},
    // Without both, or at the root of both, the first of the others.
    {"1:name=systemd:/x\n", "name=systemd:/x"},
    {"4:freezer:/\n3:cpuset:/foreground\n2:cpu:/\n1:schedtune:/top-app\n", "cpuset:/foreground"},
    {"4:freezer:/f\n3:cpuset:/foreground\n", "cpuset:/foreground"},
    {"4:devices:/d\n3:hugetlb:/h\n", "devices:/d"},
    {"3:cpu,cpuacct:/c\n2:freezer:/f\n", "cpu,cpuacct:/c"},
    {"5:pids:/p\n4:memory:/\n1:name=systemd:/x\n0::/\n", "name=systemd:/x"},
    {"5:pids:/p\n4:memory:/\n1:name=systemd:/x\n0::/unified\n", "/unified"},
    {"5:pids:/p\n4:memory:/\n1:name=systemd:/\n", "pids:/p"},
    {"4:freezer:/\n3:cpuset:/\n", "/"},
    {"1:named:/x\n", "named:/x"},
    // A hierarchy without controllers and of another number is no unified one.
    {"1::/x\n0::/y\n", "/y"},
    {"0::relative\n", ""},
    {"0::/cut", ""},
    {"", "", ENODATA},
    {"\n", ""},
};

TEST_CASE("cgroup: the memory controller's path, else the unified one, else another") {
    CHECK_TABLE(groups);
}

} // namespace
