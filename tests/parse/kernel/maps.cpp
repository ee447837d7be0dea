// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/maps.hpp>

#include "parse/table.hpp"

namespace {

using namespace std::string_view_literals;
using dmabuf::parse_mapped_name;
using dmabuf::parse_maps_line;

struct line {
    std::string_view text;
    std::uint64_t begin, end;
    bool shared;
    dmabuf::device_number device;
    std::uint64_t inode;
    std::string_view path;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = parse_maps_line(bytes);
        return found && found->begin == begin && found->end == end && found->shared == shared &&
               found->device == device && found->inode == inode && found->path == path &&
               found->size_bytes() == end - begin;
    }
};

constexpr line lines[] = {
    {"7f0c1000-7f0c3000 rw-s 00001000 00:08 1                                  /dmabuf:camera",
     0x7f0c1000,
     0x7f0c3000,
     true,
     {0, 8},
     1,
     "/dmabuf:camera"},
    {"7f0c1000-7f0c3000 rw-s 00000000 00:08 1                                  /dmabuf:nl\\012name",
     0x7f0c1000,
     0x7f0c3000,
     true,
     {0, 8},
     1,
     "/dmabuf:nl\\012name"},
    {"7f0c1000-7f0c3000 rw-s 00000000 00:08 1                                  /dmabuf:",
     0x7f0c1000,
     0x7f0c3000,
     true,
     {0, 8},
     1,
     "/dmabuf:"},
    {"7f0c1000-7f0c3000 r--p 00000000 08:01 77                                 /a b  c (deleted)",
     0x7f0c1000,
     0x7f0c3000,
     false,
     {8, 1},
     77,
     "/a b  c (deleted)"},
    {"7f0c1000-7f0c3000 rw-p 00000000 00:00 0 ", 0x7f0c1000, 0x7f0c3000, false, {0, 0}, 0, ""},
    {"7f0c1000-7f0c3000 rw-p 00000000 00:00 0", 0x7f0c1000, 0x7f0c3000, false, {0, 0}, 0, ""},
    {"7ffd0000-7ffd1000 rw-p 00000000 00:00 0                                  [stack]",
     0x7ffd0000,
     0x7ffd1000,
     false,
     {0, 0},
     0,
     "[stack]"},
    {"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
     0xffffffffff600000,
     0xffffffffff601000,
     false,
     {0, 0},
     0,
     "[vsyscall]"},
    {"0-ffffffffffffffff ---s ffffffffffffffff fff:fffff 18446744073709551615  /dmabuf:x",
     0,
     0xffffffffffffffff,
     true,
     {0xfff, 0xfffff},
     18446744073709551615U,
     "/dmabuf:x"},
    {"00010000-00010000 ---p 00000000 103:02 4294967296 /x",
     0x10000,
     0x10000,
     false,
     {0x103, 2},
     4294967296,
     "/x"},
    {"1-2 rwxs 0 0:8 3 /dmabuf:0-1 rw-s 0 00:08 4 /dmabuf:y",
     1,
     2,
     true,
     {0, 8},
     3,
     "/dmabuf:0-1 rw-s 0 00:08 4 /dmabuf:y"},
    {"1-2 rwxs 0 0:8 3 /dmabuf:\0\xff"sv, 1, 2, true, {0, 8}, 3, "/dmabuf:\0\xff"sv},
};

struct bad_line {
    std::string_view text;
    std::uint32_t offset = 0;
    constexpr bool holds(std::string_view bytes) const {
        auto const found = parse_maps_line(bytes);
        return !found && found.error().error == EBADMSG && found.error().offset == offset;
    }
};

constexpr bad_line bad_lines[] = {
    {""},
    {"\n"},
    {"7f0c1000", 8},
    {"7f0c1000 7f0c3000 rw-s 0 00:08 1"},
    {"x-2 rw-s 0 00:08 1"},
    {"1-x rw-s 0 00:08 1", 2},
    {"2-1 rw-s 0 00:08 1"},
    {"1-2 rw- 0 00:08 1"},
    {"1-2 rw-ss 0 00:08 1"},
    {"1-2 rw-s  00:08 1", 9},
    {"1-2 rw-s 0 0008 1", 11},
    {"1-2 rw-s 0 00:08 x", 17},
    {"1-2 rw-s 0 00:08 ", 17},
    {"1-2 rw-s 0 00:08 18446744073709551616 /dmabuf:x", 17},
    {"1-2 rw-s 0 100000000:08 1", 11},
    {"10000000000000000-2 rw-s 0 00:08 1"},
    {"7F0C1000-7F0C3000 rw-s 0 00:08 1"}, // the kernel writes lower case
};

TEST_CASE("maps: a line") {
    CHECK_TABLE(lines);
}

TEST_CASE("maps: the offset of what does not fit") {
    CHECK_TABLE(bad_lines);
}

TEST_CASE("maps: cut before the path, a line is refused or says the same") {
    constexpr std::string_view text = "7f0c1000-7f0c3000 rw-s 00001000 00:08 123  /dmabuf:x";
    for (std::size_t size = 0; size < text.size(); ++size) {
        auto const found = parse_maps_line(table::exactly(text.substr(0, size)).view());
        // Only a cut in the inode cannot be told: the reader therefore takes whole lines only.
        if (found && size >= text.find("  /")) CHECK(found->inode == 123);
        if (size < text.find("123")) CHECK_FALSE(found);
    }
}

struct name_row {
    std::string_view text;
    bool named;
    std::string_view name;
    constexpr bool holds(std::string_view bytes) const {
        auto const found = parse_mapped_name(bytes);
        return found.has_value() == named && (!named || found->view() == name);
    }
};

constexpr name_row names[] = {
    {"/dmabuf:camera", true, "camera"},
    {"/dmabuf:", true, ""},
    {"/dmabuf:a\\012b", true, "a\nb"},
    {"/dmabuf:\\012\\012", true, "\n\n"},
    {"/dmabuf:\\01", true, "\\01"},
    {"/dmabuf:\\", true, "\\"},
    {"/dmabuf:\\\\012", true, "\\\n"},
    {"/dmabuf:\\040", true, "\\040"},
    {"/dmabuf:/dmabuf:x", true, "/dmabuf:x"},
    {"/dmabuf", false, ""},
    {"", false, ""},
    {"dmabuf:x", false, ""},
    {"/home/dmabuf:x", false, ""},
    {"/DMABUF:x", false, ""},
};

TEST_CASE("maps: the name in the path") {
    CHECK_TABLE(names);
    CHECK(parse_mapped_name("/dmabuf:" + std::string(80, 'x')).value().truncated());
}

} // namespace
