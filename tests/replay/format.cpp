// SPDX-License-Identifier: MIT
//
// The text of a recording: written, parsed, and refused.
#include "support.hpp"

#include <iterator>

namespace {

using replay::call;
using replay::entry;

std::string const head = "dmabuf-recording 1\n";

entry with_text(call what, std::string path, std::string text) {
    entry one;
    one.what = what;
    one.path = std::move(path);
    one.text = std::move(text);
    return one;
}

std::string all_bytes() {
    std::string bytes;
    for (int c = 0; c < 256; ++c)
        bytes += static_cast<char>(c);
    return bytes;
}

replay::recording one_of_each() {
    replay::recording made;
    made.made.kernel = "6.12.117 \"x\"\n";
    made.made.uid = 1000;
    made.made.rights = {"root", "a b"};
    made.made.anonymised = true;
    made.made.samples = 2;
    made.made.options.names = false;
    made.made.options.cgroups = true;
    made.made.options.force = dmabuf::source::fd_walk;
    made.made.users = {{0, "root"}, {7, "se\"ven\xff"}};
    made.made.left_out = ~std::uint64_t{0};
    auto& entries = made.entries;
    for (auto const* text :
         {"", "\n", "one line\n", "no end", "two\nlines\n", "\n\nthree", "\"\\\""})
        entries.push_back(with_text(call::file, "/f", text));
    entries.push_back(with_text(call::file, "/all", all_bytes() + all_bytes()));
    entries.push_back(with_text(call::link, "/l", all_bytes()));
    entries.push_back(with_text(call::link, "/a path \"\n", ""));
    entry one = with_text(call::file, "/broken", "half\nof");
    one.error = EIO;
    entries.push_back(one);
    one.error = 0;
    one.unended = true;
    entries.push_back(one);
    one = with_text(call::dir, "/d", "");
    entries.push_back(one);
    one.names = {".", "..", "...", "!x", "a b", "\"", "12", "\n"};
    entries.push_back(one);
    one.error = ENOENT;
    entries.push_back(one);
    one = with_text(call::open, "/o", "");
    entries.push_back(one);
    one.error = 4095;
    entries.push_back(one);
    one = with_text(call::stat, "/s", "");
    one.status = {~std::uint64_t{0}, std::uint64_t{1} << 40U, {0, 12}, 0100644, 3};
    entries.push_back(one);
    one.what = call::lstat;
    entries.push_back(one);
    entries.push_back(with_text(call::stat, "/gone", ""));
    entries.back().error = ENOENT;
    one = with_text(call::mapping, "/m", "/dmabuf:a\n\"b");
    one.from = 0x1000;
    one.mapping = {0x2000, ~std::uint64_t{0}, true, {0, 12}, 5, {}};
    entries.push_back(one);
    one.mapping.shared = false;
    entries.push_back(one);
    entries.push_back(with_text(call::mapping, "/m", ""));
    entries.back().error = ENOENT;
    struct {
        call what;
        char const* path;
        std::uint64_t number;
    } const numbers[] = {{call::fs, "/fs", 0xffffffff}, {call::kcmp, "12 -3", 3},
                         {call::pid, "", INT32_MAX},    {call::boot_clock, "", 0},
                         {call::clock, "", 0},          {call::clock, "", ~std::uint64_t{0}}};
    for (auto const& [what, path, number] : numbers) {
        one = with_text(what, path, "");
        one.number = number;
        entries.push_back(one);
    }
    return made;
}

} // namespace

TEST_CASE("what is written is parsed back, every byte of it") {
    auto const made = one_of_each();
    auto const text = replay::write(made);
    CAPTURE(text);
    auto const again = support::parsed(text);
    CHECK(again.made.kernel == made.made.kernel);
    CHECK(again.made.uid == made.made.uid);
    CHECK(again.made.rights == made.made.rights);
    CHECK(again.made.anonymised == made.made.anonymised);
    CHECK(again.made.samples == made.made.samples);
    CHECK(again.made.users == made.made.users);
    CHECK(again.made.left_out == made.made.left_out);
    CHECK(again.made.options.names == false);
    CHECK(again.made.options.exporters == true);
    CHECK(again.made.options.cgroups == true);
    CHECK(again.made.options.force == dmabuf::source::fd_walk);
    REQUIRE(again.entries.size() == made.entries.size());
    for (std::size_t i = 0; i < made.entries.size(); ++i) {
        CAPTURE(i);
        CHECK(again.entries[i] == made.entries[i]);
    }
    CHECK(replay::write(again) == text);
}

TEST_CASE("the text is printable, one line of it for each of a file") {
    auto const text = replay::write(one_of_each());
    char32_t point = 0;
    for (std::string_view rest = text; !rest.empty();) {
        auto const length = dmabuf::detail::utf8_length(rest, point);
        REQUIRE(length != 0);
        REQUIRE((point == '\n' || !dmabuf::detail::is_deceptive(point)));
        rest.remove_prefix(length);
    }
    replay::recording two;
    two.entries.push_back(with_text(call::file, "/x", "a\nb\n"));
    CHECK_THAT(replay::write(two),
               Catch::Matchers::EndsWith("file /x\n  \"a\\n\"\n  \"b\\n\"\nend\n"));
}

TEST_CASE("comments and empty lines say nothing") {
    auto const found = support::parsed("# made by hand\n\n" + head + "\n# one call\npid 12\nend\n");
    REQUIRE(found.entries.size() == 1);
    CHECK(found.entries[0].number == 12);
}

TEST_CASE("unescape is the inverse of escape, and refuses all else") {
    std::string text;
    std::string bytes;
    dmabuf::escape(all_bytes(), std::back_inserter(text));
    REQUIRE(replay::unescape(text, bytes));
    CHECK(bytes == all_bytes());
    for (auto const* wrong : {"\\", "\\q", "\\x", "\\x1", "\\xg0", "\\X00", "a\\"}) {
        CAPTURE(wrong);
        CHECK_FALSE(replay::unescape(wrong, bytes));
    }
}

TEST_CASE("a malformed recording is refused, with the line and why") {
    struct {
        std::string text;
        std::size_t line;
        std::string why;
    } const table[] = {
        {"", 0, "not a recording"},
        {"hello\n", 1, "not a recording"},
        {"dmabuf-recording 2\n", 1, "newer version"},
        {"dmabuf-recording 1\r\nend\r\n", 1, "its lines end in"},
        {"dmabuf-recording 1", 1, "the line has no end"},
        {head + "pid 1\npid 12", 3, "the line has no end"},
        {head + "poke /x\n", 2, "unknown call 'poke'"},
        {head + "open\n", 2, "word is missing"},
        {head + "open /x yes\n", 2, "too much"},
        {head + "open /x !EWHAT\n", 2, "number"},
        {head + "open /x !0\n", 2, "not an errno"},
        {head + "open /x !-2\n", 2, "not an errno"},
        {head + "open /\\q\n", 2, "not an escaped word"},
        {head + "\nfile /x text\n", 3, "too much"},
        {head + "file /x \"a\n", 2, "text in quotes"},
        {head + "file /x \"a\"b\"\n", 2, "not an escaped text"},
        {head + "file /x \"\\q\"\n", 2, "not an escaped text"},
        {head + "file /x\n  \"a\\n\"\n  \"b\n", 4, "text in quotes"},
        {head + "pid 1\n  \"a\"\n", 3, "word is missing"},
        {head + "link /x !ENOENT \"\"\n", 2, "too much"},
        {head, 1, "no end"},
        {head + "pid 1\n", 2, "no end"},
        {head + "end\npid 1\n", 3, "behind the end"},
        {head + "stat /x 1 2 3 0600 1 0\n", 2, "not a number"},
        {head + "stat /x 1 2 0:3 0689 1 0\n", 2, "not a number"},
        {head + "stat /x 1 2 0:3 0600 1\n", 2, "word is missing"},
        {head + "stat /x 1 2 0:3 0600 1 0 0\n", 2, "too much"},
        {head + "stat /x -1 2 0:3 0600 1 0\n", 2, "not a number"},
        {head + "stat /x 99999999999999999999 2 0:3 0600 1 0\n", 2, "not a number"},
        {head + "fs /x 9fa0\n", 2, "hexadecimal number"},
        {head + "mapping /x !ENOENT\n", 2, "hexadecimal number"},
        {head + "mapping /x 0x0 0x1 0x2 both 0:1 2 \"\"\n", 2, "neither shared nor private"},
        {head + "mapping /x 0x0 0x1 0x2 shared 0:1 2\n", 2, "text in quotes"},
        {head + "kcmp 1\n", 2, "word is missing"},
        {head + "kcmp 1 x 0\n", 2, "not a number"},
        {head + "pid x\n", 2, "not a number"},
        {head + "clock\n", 2, "word is missing"},
        {head + "dir /d . " + std::string(256, 'a') + "\n", 2, "longer than a name can be"},
        {head + "dir /d " + std::string(256, ' ') + "\n", 2, "word is missing"},
        {head + "open /x !4\n", 2, "made again"},
        {head + "open /x !EINTR\n", 2, "made again"},
        {head + "file /x !EINTR \"a\"\n", 2, "made again"},
        {head + "open /x !4096\n", 2, "not an errno"},
        {head + "fs /x 0x100000000\n", 2, "no magic number"},
        {head + "fs /x 0xfffffffffffffffc\n", 2, "no magic number"},
        {head + "mapping /x 0x0 0x1000 0x1000 shared 0:1 2 \"\"\n", 2, "no mapping"},
        {head + "mapping /x 0x0 0x2000 0x1000 shared 0:1 2 \"\"\n", 2, "no mapping"},
        {head + "mapping /x 0x2000 0x1000 0x2000 shared 0:1 2 \"\"\n", 2, "no mapping"},
        {head + "kcmp 1 2 4\n", 2, "no result of kcmp"},
        {head + "pid 0\n", 2, "no process"},
        {head + "pid -1\n", 2, "no process"},
        {head + "clock 7\nclock 7\nclock 6\n", 4, "the clock goes back"},
        {head + "boot_clock 7\nclock 5\nboot_clock 6\n", 4, "the clock of boot time goes back"},
        {head + "samples 0\n", 2, "of one sample or of two"},
        {head + "samples 3\n", 2, "of one sample or of two"},
        {head + "sample names colours\n", 2, "unknown option 'colours'"},
        {head + "anonymised maybe\n", 2, "neither yes nor no"},
        {head + "user x \"y\"\n", 2, "not a number"},
        {head + "kernel 6.12\n", 2, "text in quotes"},
        {head + "left_out -1\n", 2, "not a number"},
    };
    for (auto const& row : table) {
        CAPTURE(row.text);
        auto const found = replay::parse(row.text);
        auto const* const wrong = std::get_if<replay::malformed>(&found);
        REQUIRE(wrong);
        CHECK(wrong->line == row.line);
        CHECK_THAT(wrong->why, Catch::Matchers::ContainsSubstring(row.why));
    }
}

TEST_CASE("a name as long as the kernel's longest is kept") {
    auto const name = std::string(255, 'a');
    CHECK(support::parsed(head + "dir /d " + name + "\nend\n").entries.at(0).names.at(0) == name);
}

TEST_CASE("a recording that is cut off anywhere is refused") {
    auto const text = replay::write(one_of_each());
    for (std::size_t size = 0; size < text.size(); ++size) {
        CAPTURE(size);
        REQUIRE(std::holds_alternative<replay::malformed>(replay::parse(text.substr(0, size))));
    }
}
