// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/sysfs_buffers.hpp>

#include "parse/table.hpp"

namespace {

using namespace std::string_view_literals;

struct size_row {
    std::string_view text;
    bool good;
    std::uint64_t size = 0;
    constexpr bool holds(std::string_view bytes) const {
        auto const found = dmabuf::parse_sysfs_size(bytes);
        if (!found) return !good && found.error().error == EBADMSG;
        return good && *found == size;
    }
};

constexpr size_row sizes[] = {
    {"4096\n", true, 4096},
    {"0\n", true, 0},
    {"18446744073709551615\n", true, 18446744073709551615U},
    {"18446744073709551616\n", false},
    {"4096", false}, // cut off: there may have been more digits
    {"", false},
    {"\n", false},
    {" 4096\n", false},
    {"4096 \n", false},
    {"4096\n\n", false},
    {"-1\n", false},
    {"40\00096\n"sv, false},
};

struct exporter_row {
    std::string_view text;
    bool good;
    std::string_view name = {};
    constexpr bool holds(std::string_view bytes) const {
        auto const found = dmabuf::parse_sysfs_exporter_name(bytes);
        return found.has_value() == good && (!good || found->view() == name);
    }
};

constexpr exporter_row exporters[] = {
    {"system\n", true, "system"},
    {"a b\n", true, "a b"},
    {"system", false},
    {"\n", false},
    {"", false},
    {"qcom,system-uncached-very-long-name\n", true, "qcom,system-uncached-very-long-name"},
};

TEST_CASE("sysfs: size and exporter_name") {
    CHECK_TABLE(sizes);
    CHECK_TABLE(exporters);
    CHECK(dmabuf::parse_sysfs_exporter_name(std::string(64, 'x') + "\n").value().truncated());
}

} // namespace
