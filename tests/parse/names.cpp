// SPDX-License-Identifier: MIT
#include <dmabuf/names.hpp>

#include "parse/table.hpp"

namespace {

struct link {
    std::string_view text;
    bool is;
    std::string_view name;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = dmabuf::parse_linked_name(bytes);
        return found.has_value() == is && (!is || found->view() == name);
    }
};

constexpr link links[] = {
    {"/dmabuf:", true, ""},
    {"/dmabuf:camera", true, "camera"},
    {"/dmabuf:a\nb\\012", true, "a\nb\\012"},
    {"/dmabuf", false, ""},
    {"anon_inode:dmabuf", false, ""},
    {"", false, ""},
};

TEST_CASE("fd link: the name of a buffer, byte for byte") {
    CHECK_TABLE(links);
}

} // namespace
