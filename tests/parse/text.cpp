// SPDX-License-Identifier: MIT
#include <dmabuf/text.hpp>

#include "parse/table.hpp"

#include <iterator>
#include <map>
#include <optional>
#include <ostream>
#if __has_include(<format>)
#include <format>
#endif

namespace {

using namespace std::string_view_literals;
using namespace dmabuf::detail;

struct unsigned_row {
    std::string_view text;
    unsigned base;
    bool fits;
    std::uint64_t value = 0;
    constexpr bool holds(std::string_view bytes) const {
        std::uint64_t found = 0;
        return parse_unsigned(bytes, found, base) == fits && (!fits || found == value);
    }
};

constexpr unsigned_row unsigned_rows[] = {
    {"0", 10, true, 0},
    {"007", 10, true, 7},
    {"18446744073709551615", 10, true, 18446744073709551615U},
    {"18446744073709551616", 10, false},
    {"18446744073709551625", 10, false},
    {"28446744073709551615", 10, false},
    {"184467440737095516150", 10, false},
    {"ffffffffffffffff", 16, true, 18446744073709551615U},
    {"10000000000000000", 16, false},
    {"0abcdef9", 16, true, 0xabcdef9},
    {"ABC", 16, false},
    {"g", 16, false},
    {"1777777777777777777777", 8, true, 18446744073709551615U},
    {"2000000000000000000000", 8, false},
    {"8", 8, false},
    {"a", 10, false},
    {"", 10, false},
    {" 1", 10, false},
    {"1 ", 10, false},
    {"1\n", 10, false},
    {"+1", 10, false},
    {"-1", 10, false},
    {"1\0"sv, 10, false},
    {"/", 10, false},
    {":", 10, false},
    {"\xb1", 10, false},
};

template<class Number>
struct number_row {
    std::string_view text;
    bool fits;
    Number value = 0;
    constexpr bool holds(std::string_view bytes) const {
        Number found = 99;
        return parse_number(bytes, found) == fits && found == (fits ? value : 99);
    }
};

constexpr number_row<std::int32_t> int32_rows[] = {
    {"2147483647", true, 2147483647},
    {"2147483648", false},
    {"-2147483648", true, -2147483647 - 1},
    {"-2147483649", false},
    {"-0", true, 0},
    {"-", false},
    {"--1", false},
    {"4294967296", false},
    {"18446744073709551615", false},
};
constexpr number_row<std::uint32_t> uint32_rows[] = {
    {"4294967295", true, 4294967295U},
    {"4294967296", false},
    {"-1", false},
    {"-0", false},
};
constexpr number_row<std::int64_t> int64_rows[] = {
    {"9223372036854775807", true, 9223372036854775807},
    {"9223372036854775808", false},
    {"-9223372036854775808", true, -9223372036854775807 - 1},
    {"-9223372036854775809", false},
};

TEST_CASE("text: numbers are strict") {
    CHECK_TABLE(unsigned_rows);
    CHECK_TABLE(int32_rows);
    CHECK_TABLE(uint32_rows);
    CHECK_TABLE(int64_rows);
}

TEST_CASE("text: blanks are those of isspace") {
    for (int c = 0; c < 256; ++c)
        CHECK(is_blank(static_cast<char>(c)) == (c == ' ' || (c >= 9 && c <= 13)));
}

struct utf8_row {
    std::string_view text;
    std::size_t length;
    char32_t point = 0;
    constexpr bool holds(std::string_view bytes) const {
        char32_t found = 0;
        return utf8_length(bytes, found) == length && (length == 0 || found == point);
    }
};

constexpr utf8_row utf8_rows[] = {
    {"a", 1, 'a'},
    {"\0"sv, 1, 0},
    {"\x7f", 1, 0x7f},
    {"\x80", 0},
    {"\xbf", 0},
    {"\xc0\x80", 0}, // overlong
    {"\xc1\xbf", 0},
    {"\xc2\x80", 2, 0x80},
    {"\xc2", 0},
    {"\xc2 ", 0},
    {"\xdf\xbf", 2, 0x7ff},
    {"\xe0\x80\x80", 0},
    {"\xe0\x9f\xbf", 0},
    {"\xe0\xa0\x80", 3, 0x800},
    {"\xe0\xa0", 0},
    {"\xed\x9f\xbf", 3, 0xd7ff},
    {"\xed\xa0\x80", 0}, // surrogates
    {"\xed\xbf\xbf", 0},
    {"\xee\x80\x80", 3, 0xe000},
    {"\xef\xbf\xbf", 3, 0xffff},
    {"\xf0\x80\x80\x80", 0},
    {"\xf0\x8f\xbf\xbf", 0},
    {"\xf0\x90\x80\x80", 4, 0x10000},
    {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
    {"\xf4\x90\x80\x80", 0},
    {"\xf5\x80\x80\x80", 0},
    {"\xf0\x9f\x98", 0},
    {"\xff", 0},
    {"\xf0\x9f\x98\x80tail", 4, 0x1f600},
};

TEST_CASE("text: only well-formed UTF-8 is text") {
    CHECK_TABLE(utf8_rows);
}

struct escape_row {
    std::string_view text;
    std::string_view shown;
    constexpr bool holds(std::string_view bytes) const {
        return dmabuf::escaped(dmabuf::inline_text<63>(bytes)).view() == shown;
    }
};

constexpr escape_row escape_rows[] = {
    {"", ""},
    {"camera", "camera"},
    {"VRI[Taskbar]#2(BLAST Consumer)2", "VRI[Taskbar]#2(BLAST Consumer)2"},
    {"a\\b", "a\\\\b"},
    {"\\x1b", "\\\\x1b"},
    {"\n\t\r", "\\n\\t\\r"},
    {"\x1b[2J", "\\x1b[2J"},
    {"\0"sv, "\\x00"},
    {"\x7f", "\\x7f"},
    {"\xff\xfe", "\\xff\\xfe"},
    {"\xc3", "\\xc3"},
    {"\xc3\xa4", "\xc3\xa4"},                 // a umlaut stays
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"}, // so does a smiley
    {"\xc2\x9b"
     "31m",
     "\\xc2\\x9b31m"},                            // CSI as one code point
    {"\xe2\x80\xae", "\\xe2\\x80\\xae"},          // right-to-left override
    {"\xe2\x80\x8b", "\\xe2\\x80\\x8b"},          // zero width space
    {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},          // byte order mark
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          // a surrogate, byte by byte
    {"\xc0\x8a", "\\xc0\\x8a"},                   // an overlong newline
    {"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"}, // a tag character
    {"a\xc3", "a\\xc3"},                          // cut in the middle
};

TEST_CASE("text: what is printed is harmless") {
    CHECK_TABLE(escape_rows);
}

std::string unescaped(std::string_view shown) {
    std::string bytes;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        if (shown[i] != '\\') {
            bytes += shown[i];
            continue;
        }
        char const kind = shown[++i];
        if (kind == 'x') {
            bytes += static_cast<char>(std::stoi(std::string(shown.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            bytes += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind == 'r' ? '\r' : kind;
        }
    }
    return bytes;
}

TEST_CASE("text: escaping can be turned back, for every pair of bytes between two others") {
    for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
            std::string const name{'\xe2', static_cast<char>(a), static_cast<char>(b), 'x'};
            std::string shown;
            dmabuf::escape(name, std::back_inserter(shown));
            if (unescaped(shown) != name) FAIL("bytes " << a << " " << b << " became " << shown);
            for (char const c : shown)
                if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
                    FAIL("a control character after bytes " << a << " " << b);
        }
    }
}

TEST_CASE("text: inline_text keeps what fits and says when it did not") {
    static_assert(dmabuf::inline_text<3>("abc").view() == "abc");
    static_assert(!dmabuf::inline_text<3>("abc").truncated());
    static_assert(dmabuf::inline_text<3>("abcd").truncated());
    static_assert(dmabuf::inline_text<3>("abcd").view() == "abc");
    dmabuf::inline_text<3> text("ab");
    CHECK(text.c_str() == std::string("ab"));
    text.append("cd");
    CHECK(text.view() == "abc");
    CHECK(text.c_str() == std::string("abc"));
    CHECK(text.truncated());
    CHECK(dmabuf::inline_text<3>("a") < dmabuf::inline_text<3>("b"));
    CHECK(dmabuf::inline_text<3>("a") == dmabuf::inline_text<3>("a"));
    // A text that was cut is not the whole one that it looks like.
    static_assert(dmabuf::inline_text<3>("abcd") != dmabuf::inline_text<3>("abc"));
    CHECK(dmabuf::inline_text<3>("abcd") != dmabuf::inline_text<3>("abc"));
    CHECK(dmabuf::inline_text<3>("abcd") > dmabuf::inline_text<3>("abc"));
    CHECK(dmabuf::inline_text<3>("abcd") < dmabuf::inline_text<3>("abd"));
}

constexpr dmabuf::inline_text<15> xwayland("Xwayland");

constexpr std::size_t length_of(std::string_view name) {
    return name.size();
}

TEST_CASE("text: a name is compared with texts of every kind") {
    static_assert(xwayland == "Xwayland" && "Xwayland" == xwayland);
    static_assert(xwayland != "Xwaylan" && "Xwayland2" != xwayland);
    static_assert(xwayland == "Xwayland"sv && "Xwayland"sv == xwayland);
    static_assert(xwayland == dmabuf::inline_text<15>("Xwayland"));
    static_assert(xwayland < "Xwaylanda" && "Xwaylanda"sv > xwayland && xwayland >= "Xwayland");
    static_assert((xwayland <=> "Xwayland"sv) == 0 && ("a" <=> xwayland) > 0);
    std::string const text("Xwayland");
    CHECK(xwayland == text);
    CHECK(text == xwayland);
    CHECK_FALSE(xwayland < text);
    CHECK_FALSE(text < xwayland);
    CHECK(((xwayland <=> text) == 0));
    static_assert(dmabuf::inline_text<15>("a\0b"sv) == "a\0b"sv);
    static_assert(dmabuf::inline_text<15>("a\0b"sv) != "a");
    static_assert(dmabuf::escaped(xwayland) == "Xwayland"); // a temporary, too
    CHECK(std::optional(xwayland) == "Xwayland");
    std::map<std::string, int, std::less<>> const known{{text, 1}};
    CHECK(known.contains(xwayland));
}

TEST_CASE("text: a name that was cut equals no whole text, and comes behind what is left of it") {
    constexpr dmabuf::inline_text<3> cut("abcd");
    static_assert(cut != "abc" && "abc"sv != cut && cut != "abcd");
    static_assert(cut > "abc" && "abc"sv < cut && cut < "abd");
    static_assert(cut.view() == "abc");
}

TEST_CASE("text: a name serves where a text is wanted") {
    std::string_view const name = xwayland;
    CHECK(name == "Xwayland");
    CHECK(length_of(xwayland) == 8);
    CHECK(std::string(xwayland) == "Xwayland");
    CHECK(std::string{dmabuf::escaped(xwayland)} == "Xwayland"); // copied before it ends
    std::string text;
    text = xwayland;
    text += xwayland;
    text.append(dmabuf::escaped(xwayland));
    CHECK(text == "XwaylandXwaylandXwayland");
}

template<class Text>
concept can_be_printed =
    requires(std::ostream& out, Text&& text) { out << static_cast<Text&&>(text); };

template<class Text>
constexpr bool can_be_formatted() {
#if defined(__cpp_lib_format)
    return std::is_default_constructible_v<std::formatter<Text>>;
#else
    return false;
#endif
}

TEST_CASE("text: no stream and no format prints a name as it is") {
    static_assert(can_be_printed<std::string_view>);
    static_assert(!can_be_printed<dmabuf::inline_text<63>&>);
    static_assert(!can_be_printed<dmabuf::inline_text<63> const&>);
    static_assert(!can_be_printed<dmabuf::inline_text<63>>);
    static_assert(!can_be_formatted<dmabuf::inline_text<63>>());
}

TEST_CASE("text: a name that was cut is printed with a mark that no whole one has") {
    static_assert(dmabuf::escaped(dmabuf::inline_text<3>("abcd")).view() == "abc\\..");
    CHECK(dmabuf::escaped(dmabuf::inline_text<6>("abc\\..")).view() == "abc\\\\..");
    auto const longest = dmabuf::escaped(dmabuf::inline_text<63>(std::string(64, '\1')));
    CHECK(longest.size() == 4 * 63 + 3);
    CHECK(longest.view().ends_with("\\x01\\.."));
    CHECK_FALSE(longest.truncated());
}

TEST_CASE("text: numbers are written as they are read") {
    static_assert(dmabuf::inline_text<31>().append_number(0).view() == "0");
    static_assert(
        dmabuf::inline_text<31>().append_number(std::int64_t{-9223372036854775807} - 1).view() ==
        "-9223372036854775808");
    static_assert(dmabuf::inline_text<31>().append_number(18446744073709551615U).view() ==
                  "18446744073709551615");
    static_assert(dmabuf::inline_text<31>().append_number(0xfee1U, 16).view() == "fee1");
    static_assert(dmabuf::inline_text<31>().append_number(-2147483647 - 1).view() == "-2147483648");
    CHECK(dmabuf::inline_text<31>("x").append_number(12).view() == "x12");
}

TEST_CASE("text: take_until") {
    std::string_view text = "a:b:";
    CHECK(take_until(text, ':') == "a");
    CHECK(take_until(text, ':') == "b");
    CHECK(take_until(text, ':').empty());
    text = "none";
    CHECK(take_until(text, ':') == "none");
    CHECK(text.empty());
}

} // namespace
