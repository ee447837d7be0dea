// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/fdinfo.hpp>

#include "parse/table.hpp"

namespace {

using namespace std::string_view_literals;
using dmabuf::fdinfo;
using dmabuf::parse_fdinfo;
using number = std::optional<std::uint64_t>;
using words = std::optional<std::string_view>;

constexpr auto in_pieces(std::string_view text, std::size_t size) {
    dmabuf::fdinfo_parser parser;
    for (; !text.empty(); text.remove_prefix(std::min(size, text.size())))
        parser.feed(text.substr(0, size));
    return parser.finish();
}

constexpr bool same(fdinfo const& a, fdinfo const& b) {
    return a.position == b.position && a.flags == b.flags && a.mount_id == b.mount_id &&
           a.inode == b.inode && a.size_bytes == b.size_bytes && a.count == b.count &&
           a.exporter == b.exporter && a.name == b.name && a.foreign == b.foreign;
}

constexpr bool same(dmabuf::result<fdinfo> const& a, dmabuf::result<fdinfo> const& b) {
    if (a.has_value() != b.has_value()) return false;
    return a ? same(*a, *b) : a.error() == b.error();
}

struct row {
    std::string_view text;
    bool dmabuf = false;
    std::int64_t position = 0;
    std::uint32_t flags = 0;
    std::int32_t mount_id = 0;
    number inode, size_bytes, count;
    std::string_view exporter;
    words name;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = parse_fdinfo(bytes);
        if (!found) return false;
        for (std::size_t size = 1; size <= bytes.size(); size = size * 2 + 1)
            if (!same(found, in_pieces(bytes, size))) return false;
        return found->is_dmabuf() == dmabuf && found->position == position &&
               found->flags == flags && found->mount_id == mount_id && found->inode == inode &&
               found->size_bytes == size_bytes && found->count == count &&
               found->exporter == exporter && found->name.has_value() == name.has_value() &&
               (!name || found->name->view() == *name);
    }
};

#define HEADER "pos:\t0\nflags:\t02\nmnt_id:\t11\nino:\t4\n"
#define BUFFER HEADER "size:\t4096\ncount:\t2\nexp_name:\tsystem\n"

constexpr row good[] = {
    {BUFFER, true, 0, 2, 11, 4, 4096, 2, "system", {}},
    {BUFFER "name:\tcamera\n", true, 0, 2, 11, 4, 4096, 2, "system", "camera"},
    {BUFFER "name:\t\n", true, 0, 2, 11, 4, 4096, 2, "system", ""},
    {BUFFER "name:\t0123456789012345678901234567890\n", true, 0, 2, 11, 4, 4096, 2, "system",
     "0123456789012345678901234567890"},
    {BUFFER "name:\tVRI[Taskbar]#2(BLAST Consumer)2\n", true, 0, 2, 11, 4, 4096, 2, "system",
     "VRI[Taskbar]#2(BLAST Consumer)2"},
    // Nothing after "name:" is believed.
    {BUFFER "name:\tx\nsize:\t4\nino:\t777\n", true, 0, 2, 11, 4, 4096, 2, "system",
     "x\nsize:\t4\nino:\t777"},
    {BUFFER "name:\tx\npos:\t9\nflags:\t010000000\n", true, 0, 2, 11, 4, 4096, 2, "system",
     "x\npos:\t9\nflags:\t010000000"},
    {BUFFER "name:\tx\nmnt_id:\t9\ncount:\t9\n", true, 0, 2, 11, 4, 4096, 2, "system",
     "x\nmnt_id:\t9\ncount:\t9"},
    {BUFFER "name:\tx\nexp_name:\tevil\n", true, 0, 2, 11, 4, 4096, 2, "system",
     "x\nexp_name:\tevil"},
    {BUFFER "name:\tx\nname:\ty\n", true, 0, 2, 11, 4, 4096, 2, "system", "x\nname:\ty"},
    {BUFFER "name:\t\n\n\n", true, 0, 2, 11, 4, 4096, 2, "system", "\n\n"},
    {BUFFER "name:\t\x1b[2J\xff\t\n", true, 0, 2, 11, 4, 4096, 2, "system", "\x1b[2J\xff\t"},
    {BUFFER "name:\ta\0b\n"sv, true, 0, 2, 11, 4, 4096, 2, "system", "a\0b"sv},
    // The first occurrence of a key wins, wherever the second stands.
    {HEADER "ino:\t5\nsize:\t1\nsize:\t2\ncount:\t1\ncount:\t2\nexp_name:\ta\npos:\t7\nflags:\t7\n"
            "mnt_id:\t7\n",
     true,
     0,
     2,
     11,
     4,
     1,
     1,
     "a",
     {}},
    // Before 5.14 there is no ino.
    {"pos:\t0\nflags:\t02000002\nmnt_id:\t9\nsize:\t8192\ncount:\t1\nexp_name:\tion\n",
     true,
     0,
     02000002,
     9,
     {},
     8192,
     1,
     "ion",
     {}},
    // Of 64 bits.
    {"pos:\t9223372036854775807\nflags:\t037777777777\nmnt_id:\t2147483647\n"
     "ino:\t18446744073709551615\nsize:\t18446744073709551615\ncount:\t9223372036854775807\n"
     "exp_name:\tx\n",
     true,
     9223372036854775807,
     037777777777U,
     2147483647,
     18446744073709551615U,
     18446744073709551615U,
     9223372036854775807U,
     "x",
     {}},
    {"pos:\t-1\nflags:\t00\nmnt_id:\t-1\nino:\t0\n", false, -1, 0, -1, 0, {}, {}, "", {}},
    // O_PATH shows the header only.
    {"pos:\t0\nflags:\t010000000\nmnt_id:\t11\nino:\t4\n",
     false,
     0,
     010000000,
     11,
     4,
     {},
     {},
     "",
     {}},
    // File locks stand before what the driver shows.
    {HEADER "lock:\t1: POSIX  ADVISORY  WRITE 12 00:0b:4 0 EOF\n"
            "lock:\t2: FLOCK  ADVISORY  WRITE 12 00:0b:4 0 EOF\n"
            "size:\t4096\ncount:\t2\nexp_name:\tsystem\n",
     true,
     0,
     2,
     11,
     4,
     4096,
     2,
     "system",
     {}},
    // Not a DMA-BUF.
    {HEADER, false, 0, 2, 11, 4, {}, {}, "", {}},
    {HEADER "eventfd-count:                0\neventfd-id: 1\n", false, 0, 2, 11, 4, {}, {}, "", {}},
    {HEADER "size:\t4096\n", false, 0, 2, 11, 4, 4096, {}, "", {}},
    {HEADER "count:\t3\nexp_name:\tsystem\n", false, 0, 2, 11, 4, {}, {}, "", {}},
    {HEADER "exp_name:\tsystem\nsize:\t3\ncount:\t3\n", false, 0, 2, 11, 4, 3, 3, "", {}},
    // io_uring lists names of files, which may forge whole lines; but never the first.
    {HEADER "SqMask:\t0xf\nSqHead:\t0\nUserFiles:\t1\n    0: x\nsize:\t4096\ncount:\t2\n"
            "exp_name:\tsystem\nname:\tforged\n",
     false, 0, 2, 11, 4, 4096, 2, "system", "forged"},
    {HEADER "name:\tearly\nsize:\t4096\ncount:\t2\nexp_name:\tsystem\n",
     false,
     0,
     2,
     11,
     4,
     4096,
     2,
     "system",
     {}},
    // Keys that only look like one.
    {HEADER "Size:\t1\nsize:\t2\ncount:\t2\nexp_name:\ts\n", false, 0, 2, 11, 4, 2, 2, "s", {}},
    {HEADER " size:\t1\n", false, 0, 2, 11, 4, {}, {}, "", {}},
};

struct refused {
    std::string_view text;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = parse_fdinfo(bytes);
        if (found || found.error().error != EBADMSG ||
            found.error().doing != dmabuf::operation::parse)
            return false;
        for (std::size_t size = 1; size <= bytes.size(); size = size * 2 + 1)
            if (!same(found, in_pieces(bytes, size))) return false;
        return true;
    }
};

constexpr refused bad[] = {
    {""},
    {"\n"},
    {"pos:\t0\n"},
    {"pos:\t0\nflags:\t02\n"},
    {"flags:\t02\nmnt_id:\t11\nino:\t4\n"},
    {"pos:\t0\nmnt_id:\t11\nino:\t4\n"},
    {"pos:\t\nflags:\t02\nmnt_id:\t11\n"},
    {"pos:\tx\nflags:\t02\nmnt_id:\t11\n"},
    {"pos:\t 0\nflags:\t02\nmnt_id:\t11\n"},
    {"pos:\t9223372036854775808\nflags:\t02\nmnt_id:\t11\n"},
    {"pos:\t0\nflags:\t08\nmnt_id:\t11\n"},
    {"pos:\t0\nflags:\t040000000000\nmnt_id:\t11\n"},
    {"pos:\t0\nflags:\t02\nmnt_id:\t2147483648\n"},
    {"pos:\t0\nflags:\t02\nmnt_id:\t11\nino:\t\n"},
    {"pos:\t0\nflags:\t02\nmnt_id:\t11\nino:\t-4\n"},
    {"pos:\t0\nflags:\t02\nmnt_id:\t11\nino:\t18446744073709551616\n"},
    {HEADER "size:\t0x1000\ncount:\t2\nexp_name:\tsystem\n"},
    {HEADER "size:\t4096 kB\ncount:\t2\nexp_name:\tsystem\n"},
    {HEADER "size:\t4096\ncount:\t-2\nexp_name:\tsystem\n"},
    {HEADER "size:\t4096\ncount:\t2\n"},                  // ends where exp_name must follow
    {HEADER "size:\t4096\ncount:\t2\nexp_name:\tsystem"}, // the newline is missing
    {HEADER "size:\t40"},
    {BUFFER "name:\tcam"},
    {BUFFER "name:\t"},
    {BUFFER "nam"},
    {"pos:\t0\0\nflags:\t02\nmnt_id:\t11\n"sv},
};

TEST_CASE("fdinfo: every format, name and imitation") {
    CHECK_TABLE(good);
}

TEST_CASE("fdinfo: what is no fdinfo is refused") {
    CHECK_TABLE(bad);
}

TEST_CASE("fdinfo: O_PATH is told by the flags") {
    static_assert(
        parse_fdinfo("pos:\t0\nflags:\t010000000\nmnt_id:\t11\nino:\t4\n").value().is_path());
    static_assert(!parse_fdinfo(BUFFER).value().is_path());
    CHECK(parse_fdinfo("pos:\t0\nflags:\t012000000\nmnt_id:\t11\nino:\t4\n").value().is_path());
}

/// Whatever stands in a text that was cut off is either refused or what the whole text says.
constexpr bool honest_when_cut(std::string_view text) {
    auto const whole = parse_fdinfo(text);
    for (std::size_t size = 0; size < text.size(); ++size) {
        auto const cut = parse_fdinfo(text.substr(0, size));
        if (!cut) continue;
        bool const honest =
            cut->position == whole->position && cut->flags == whole->flags &&
            cut->mount_id == whole->mount_id && (!cut->inode || cut->inode == whole->inode) &&
            (!cut->size_bytes || cut->size_bytes == whole->size_bytes) &&
            (!cut->count || cut->count == whole->count) &&
            (cut->exporter.empty() || cut->exporter == whole->exporter) &&
            (!cut->name || cut->name == whole->name) && (!cut->is_dmabuf() || whole->is_dmabuf());
        if (!honest) return false;
    }
    return true;
}

TEST_CASE("fdinfo: cut at every byte, it is refused or right") {
    static_assert(honest_when_cut(BUFFER "name:\tcamera\n"));
    CHECK(honest_when_cut(BUFFER "name:\tcamera\n"));
    CHECK(honest_when_cut(HEADER "lock:\t1: POSIX  ADVISORY  WRITE 12 00:0b:4 0 EOF\n"
                                 "size:\t18446744073709551615\ncount:\t22\nexp_name:\tudmabuf\n"));
    CHECK(honest_when_cut(HEADER "SqMask:\t0xf\nsize:\t4096\ncount:\t2\nexp_name:\tforged\n"));
}

TEST_CASE("fdinfo: thousands of locks, longer than any buffer, in pieces of any size") {
    std::string text = HEADER;
    for (int i = 0; i < 5000; ++i)
        text += "lock:\t" + std::to_string(i) + ": POSIX  ADVISORY  WRITE 12 00:0b:4 0 EOF\n";
    text += "size:\t4096\ncount:\t2\nexp_name:\tsystem\nname:\tx\nsize:\t1\n";
    auto const found = parse_fdinfo(text);
    REQUIRE(found);
    CHECK(found->is_dmabuf());
    CHECK(found->size_bytes == number(4096));
    CHECK(found->name->view() == "x\nsize:\t1");
    for (std::size_t size : {1U, 2U, 3U, 1023U, 1024U, 4096U, 65536U})
        CHECK(same(found, in_pieces(text, size)));
}

TEST_CASE("fdinfo: pieces of every size") {
    constexpr std::string_view text = BUFFER "name:\tx\nsize:\t4\nino:\t777\n";
    for (std::size_t size = 1; size <= text.size(); ++size)
        CHECK(same(parse_fdinfo(text), in_pieces(text, size)));
}

TEST_CASE("fdinfo: lines of about the longest that is kept, whole or in pieces") {
    for (std::size_t length = 110; length < 140; ++length) {
        auto const text =
            HEADER "lock:\t" + std::string(length, 'l') + "\nsize:\t1\ncount:\t1\nexp_name:\ts\n";
        INFO(length);
        CHECK(same(parse_fdinfo(text), in_pieces(text, 1)));
    }
}

TEST_CASE("fdinfo: a name or exporter longer than there is room for says so") {
    for (std::size_t length = 60; length < 70; ++length) {
        auto const name = std::string(length, 'n');
        auto const found = parse_fdinfo(BUFFER "name:\t" + name + "\n");
        REQUIRE(found);
        INFO(length);
        CHECK(found->name->view() == name.substr(0, 63));
        CHECK(found->name->truncated() == (length > 63));
    }
    for (std::size_t length = 30; length < 200; ++length) {
        auto const exporter = std::string(length, 'e');
        auto const found =
            parse_fdinfo(HEADER "size:\t1\ncount:\t1\nexp_name:\t" + exporter + "\n");
        REQUIRE(found);
        INFO(length);
        CHECK(found->exporter.view() == exporter.substr(0, 63));
        CHECK(found->exporter.truncated() == (length > 63));
    }
}

TEST_CASE("fdinfo: a line longer than any of the kernel's makes the text foreign") {
    auto const found = parse_fdinfo(HEADER "lock:\t" + std::string(500, 'l') +
                                    "\nsize:\t1\ncount:\t1\nexp_name:\ts\n");
    REQUIRE(found);
    CHECK_FALSE(found->is_dmabuf());
}

} // namespace
