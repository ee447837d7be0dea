// SPDX-License-Identifier: MIT
#include <dmabuf/sampling/platform.hpp>

#include "parse/table.hpp"

namespace {

struct release_row {
    std::string_view text;
    bool good;
    std::uint32_t major = 0, minor = 0;
    constexpr bool holds(std::string_view bytes) const {
        std::uint32_t a = 0, b = 0;
        if (dmabuf::parse_release(bytes, a, b) != good) return false;
        return !good || (a == major && b == minor);
    }
};

constexpr release_row releases[] = {
    {"6.12.117+deb12-amd64\n", true, 6, 12},
    {"6.1\n", true, 6, 1},
    {"5.3-rc1\n", true, 5, 3},
    {"5.15.0-android13-gki\n", true, 5, 15},
    {"10.200", true, 10, 200},
    {"6\n", false},
    {"6.\n", false},
    {"6.x\n", false},
    {"x.6\n", false},
    {".6\n", false},
    {"", false},
    {"4294967296.1\n", false},
    {"6.4294967296\n", false},
};

TEST_CASE("release: major and minor") {
    CHECK_TABLE(releases);
}

dmabuf::platform release(std::uint32_t major, std::uint32_t minor) {
    dmabuf::platform found;
    found.kernel_major = major;
    found.kernel_minor = minor;
    return found;
}

TEST_CASE("release: comparison, and what is unknown is not old") {
    auto const known = release(6, 1);
    CHECK(known.before(6, 2));
    CHECK(known.before(7, 0));
    CHECK_FALSE(known.before(6, 1));
    CHECK_FALSE(known.before(5, 18));
    CHECK_FALSE(dmabuf::platform{}.before(5, 3));
    CHECK_FALSE(dmabuf::platform{}.inodes_are_unique());
    CHECK_FALSE(release(5, 17).inodes_are_unique());
    CHECK(release(5, 18).inodes_are_unique() == (sizeof(long) == 8));
}

} // namespace
