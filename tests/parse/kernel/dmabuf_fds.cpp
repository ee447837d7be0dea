// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/dmabuf_fds.hpp>

#include "parse/table.hpp"

#include <algorithm>
#include <array>

namespace {

using namespace std::string_view_literals;

constexpr std::size_t most_items = 8;

struct items {
    struct item {
        char kind = 0;           // g for a number, b for what is none
        std::uint64_t value = 0; // or the offset of what is none
        constexpr bool operator==(item const&) const = default;
    };
    std::array<item, most_items> list{};
    std::size_t count = 0;

    constexpr void add(dmabuf::result<std::uint64_t> const& found) {
        if (found)
            list[count++] = {'g', *found};
        else
            list[count++] = {'b', found.error().offset};
    }
    constexpr bool operator==(items const&) const = default;
};

constexpr items::item good(std::uint64_t value) {
    return {'g', value};
}
constexpr items::item bad(std::uint64_t offset) {
    return {'b', offset};
}

constexpr items whole(std::string_view text) {
    items found;
    dmabuf::parse_dmabuf_fds(text, [&](auto const& item) { found.add(item); });
    return found;
}

constexpr items in_pieces(std::string_view text, std::size_t size) {
    items found;
    dmabuf::dmabuf_fds_parser parser;
    std::optional<dmabuf::result<std::uint64_t>> item;
    while (!text.empty()) {
        auto piece = text.substr(0, size);
        text.remove_prefix(piece.size());
        while (parser.next(piece, item))
            found.add(*item);
    }
    if (parser.finish(item)) found.add(*item);
    return found;
}

struct row {
    std::string_view text;
    std::array<items::item, most_items> expected;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = whole(bytes);
        auto const none = std::find(expected.begin(), expected.end(), items::item{});
        if (found.list != expected ||
            found.count != static_cast<std::size_t>(none - expected.begin()))
            return false;
        for (std::size_t size = 1; size <= bytes.size(); ++size)
            if (in_pieces(bytes, size) != found) return false;
        return true;
    }
};

constexpr row rows[] = {
    {"", {}},
    {"\n", {}},
    {" \t\r\n\v\f ", {}},
    {"1\n", {good(1)}},
    {"1", {good(1)}},
    {"12 13\n", {good(12), good(13)}},
    {"      12       13 ", {good(12), good(13)}}, // the proposal of 2021, no newline
    {"12\n13\n", {good(12), good(13)}},
    {"12\r\n13\t14\v15\f16", {good(12), good(13), good(14), good(15), good(16)}},
    {"5 5 5\n", {good(5), good(5), good(5)}}, // one buffer, three descriptors
    {"0 00012\n", {good(0), good(12)}},
    {"4294967296\n", {good(4294967296)}},
    {"18446744073709551615\n", {good(18446744073709551615U)}},
    {"18446744073709551616\n", {bad(0)}},
    {"18446744073709551616", {bad(0)}},
    {"1 18446744073709551620 2\n", {good(1), bad(2), good(2)}},
    {"1 99999999999999999999999999999999999999999 2\n", {good(1), bad(2), good(2)}},
    {"7 x 8\n", {good(7), bad(2), good(8)}},
    {"7 8x 9\n", {good(7), bad(2), good(9)}},
    {"7 x8 9\n", {good(7), bad(2), good(9)}},
    {"-1 +2 3\n", {bad(0), bad(3), good(3)}},
    {"0x10 3\n", {bad(0), good(3)}},
    {"1,2 3\n", {bad(0), good(3)}},
    {"1\0002 3\n"sv, {bad(0), good(3)}},
    {"\0 3\n"sv, {bad(0), good(3)}},
    {"1 \xff\n", {good(1), bad(2)}},
    {"1 /", {good(1), bad(2)}}, // the characters next to the digits
    {"1 :", {good(1), bad(2)}},
};

TEST_CASE("dmabuf_fds: numbers between blanks, whole and in pieces") {
    CHECK_TABLE(rows);
}

TEST_CASE("dmabuf_fds: a failure names the file it was given") {
    dmabuf::place const where{dmabuf::object::dmabuf_fds, 4, 5};
    std::size_t seen = 0;
    dmabuf::parse_dmabuf_fds(
        "1 ?\n",
        [&](dmabuf::result<std::uint64_t> const& item) {
            if (seen++ == 0) return;
            CHECK(item.error() == dmabuf::failure{dmabuf::operation::parse, EBADMSG, where, 2});
        },
        where);
    CHECK(seen == 2);
}

TEST_CASE("dmabuf_fds: a number that a piece cut off is kept back") {
    dmabuf::dmabuf_fds_parser parser;
    std::optional<dmabuf::result<std::uint64_t>> item;
    std::string_view piece = "12";
    CHECK_FALSE(parser.next(piece, item));
    CHECK_FALSE(item);
    piece = "34 5";
    REQUIRE(parser.next(piece, item));
    CHECK(item->value() == 1234);
    CHECK_FALSE(parser.next(piece, item));
    REQUIRE(parser.finish(item));
    CHECK(item->value() == 5);
    CHECK_FALSE(parser.finish(item));
}

} // namespace
