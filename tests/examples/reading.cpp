// SPDX-License-Identifier: MIT
//
// Tables as people read them: in lines of 60 to 300 columns, in ASCII, with wide characters.
#include "program.hpp"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cwchar>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using words = std::vector<std::string>;

struct surroundings {
    char const* columns = nullptr;
    char const* locale = nullptr;
};

/// Without what the tests themselves run in.
void enter(surroundings const& here) {
    for (auto const* name : {"COLUMNS", "LC_ALL", "LC_CTYPE", "LANG"})
        ::unsetenv(name);
    if (here.columns) ::setenv("COLUMNS", here.columns, 1);
    if (here.locale) ::setenv("LC_ALL", here.locale, 1);
}

replay::recording recorded(fake::kernel& kernel) {
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.unheld = wanted.bufinfo = wanted.counts = wanted.cgroups = true;
    auto done = support::record(kernel, wanted).recording;
    done.made.rights = {"root", "trace", "checkpoint_restore", "search", "debugfs"};
    done.made.users = {{1000, "日本語ユーザー"}, {1001, "u"}};
    return done;
}

/// Names of every width: CJK, Hangul of jamo, combining marks, an emoji, controls, what looks like
/// an escaped byte, and bytes that are no UTF-8.
replay::recording hostile() {
    fake::kernel kernel;
    kernel.debugfs = true;
    struct {
        char const* comm;
        char const* buffer;
        std::uint32_t user;
    } const rows[] = {{"播放器播放器", "カメラ・プレビュー", 1000},
                      {"e\u0301e\u0301e\u0301", "a\u0300\u0301\u0302 long name of a buffer", 1001},
                      {"\u1112\u1161\u11ab", "🎥🎥🎥🎥🎥🎥🎥", 1000},
                      {"\x1b[31m\x07\xff\xfe", "\\xff\n\x80\x80\x80\x80\x80\x80", 1001},
                      {"≥ …→×", "plain", 1000}};
    int pid = 100;
    for (auto const& row : rows) {
        auto& process = kernel.add(pid, row.comm, row.user);
        process.cgroup = "/切片/" + std::string(120, 'x');
        auto const inode = static_cast<std::uint64_t>(pid++);
        process.open(
            kernel.buffer(inode, 123456789 * inode, "a heap with a long name", row.buffer));
    }
    return recorded(kernel);
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty())
        lines.emplace_back(dmabuf::detail::take_until(text, '\n'));
    return lines;
}

/// Those of the tables: every line before the first that is empty or a sentence.
std::vector<std::string> table_of(std::string_view text) {
    auto lines = lines_of(text);
    auto const end = std::ranges::find_if(
        lines, [](auto const& line) { return line.empty() || line.starts_with("Left out"); });
    lines.erase(end, lines.end());
    return lines;
}

/// As the C library has it, which knows no marks of ours.
std::size_t columns_of(std::string const& line) {
    std::wstring wide(line.size() + 1, L'\0');
    auto const characters = std::mbstowcs(wide.data(), line.c_str(), wide.size());
    REQUIRE(characters != static_cast<std::size_t>(-1));
    int const columns = ::wcswidth(wide.c_str(), characters);
    REQUIRE(columns >= 0);
    return static_cast<std::size_t>(columns);
}

void use_wide_characters() {
    REQUIRE(std::setlocale(LC_CTYPE, "C.UTF-8"));
}

std::string shown(replay::recording const& what, words const& options, surroundings const& here) {
    auto const answer = programs::replayed(what, options, [&] { enter(here); });
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    return answer.out;
}

constexpr auto views = {"", "--buffers", "--by user", "--by cgroup", "--by exporter"};

words split(std::string_view text) {
    words all;
    while (!text.empty())
        all.emplace_back(dmabuf::detail::take_until(text, ' '));
    return all;
}

std::vector<std::string> titles_of(std::string const& line) {
    auto titles = split(line);
    std::erase(titles, "");
    return titles;
}

} // namespace

TEST_CASE("no line of a table is longer than COLUMNS, and no number is cut") {
    use_wide_characters();
    auto const recording = hostile();
    for (auto const* view : views) {
        auto const natural = table_of(shown(recording, split(view), {}));
        for (auto const* columns : {"60", "72", "80", "100", "132", "200", "300"})
            for (auto const* locale : {"C.UTF-8", "C"}) {
                CAPTURE(view, columns, locale);
                auto const text = shown(recording, split(view), {columns, locale});
                auto const table = table_of(text);
                CHECK(table.size() == natural.size());
                for (auto const& line : table) {
                    CAPTURE(line);
                    CHECK(columns_of(line) <= std::stoul(columns));
                }
                // What is not shown is named.
                auto all = titles_of(natural[0]);
                for (auto const& title : titles_of(table[0]))
                    std::erase(all, title);
                for (auto const& title : all)
                    CHECK_THAT(text,
                               Catch::Matchers::ContainsSubstring("Left out for want of room: ") &&
                                   Catch::Matchers::ContainsSubstring(title));
            }
    }
}

TEST_CASE("columns stand below each other, however wide the characters are") {
    use_wide_characters();
    auto const recording = hostile();
    for (auto const* columns : {static_cast<char const*>(nullptr), "110"}) {
        auto const table = table_of(shown(recording, {"--buffers"}, {columns, "C.UTF-8"}));
        REQUIRE(table.size() == 6);
        auto const at = columns_of(table[0].substr(0, table[0].find("HOLDERS")));
        for (std::size_t row = 1; row < table.size(); ++row) {
            // The row of process 100 + n is that of buffer 100 + n.
            auto const pid = titles_of(table[row])[0];
            auto const begin = table[row].rfind("  " + pid + " ");
            REQUIRE(begin != std::string::npos);
            CAPTURE(table[row]);
            CHECK(columns_of(table[row].substr(0, begin + 2)) == at);
        }
    }
}

TEST_CASE("where UTF-8 is not understood, all is ASCII but JSON") {
    auto const recording = hostile();
    auto const is_ascii = [](std::string const& text) {
        return std::ranges::all_of(text,
                                   [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
    };
    for (auto const* locale : {"C", "POSIX", "de_DE.ISO-8859-1", "ja_JP.eucJP", "en_US"})
        for (auto const* view : {"", "--buffers", "--by user", "--by cgroup", "--verbose"}) {
            CAPTURE(locale, view);
            CHECK(is_ascii(shown(recording, split(view), {nullptr, locale})));
        }
    for (auto const* locale : {"C.UTF-8", "en_US.utf8", "de_DE.UTF-8@euro", ""})
        CHECK_THAT(shown(recording, {}, {nullptr, locale}),
                   Catch::Matchers::ContainsSubstring("播放器播放器"));
    CHECK_THAT(shown(recording, {}, {nullptr, "C"}),
               Catch::Matchers::ContainsSubstring("\\xe6\\x92\\xad\\xe6\\x94\\xbe") &&
                   Catch::Matchers::ContainsSubstring(">= ...->x"));
    CHECK_THAT(shown(recording, {"--json"}, {nullptr, "C"}),
               Catch::Matchers::ContainsSubstring("播放器播放器"));
}

TEST_CASE("a name that is cut says so, and no escaped byte is cut in two") {
    fake::kernel kernel;
    kernel.add(100, "p").open(kernel.buffer(1, 4096, "system", "\xff\xff\xff\xff\xff\xff\xff\xff"));
    for (auto const* locale : {"C.UTF-8", "C"})
        for (unsigned width = 60; width < 90; ++width) {
            auto const columns = std::to_string(width);
            auto const table =
                table_of(shown(recorded(kernel), {"--buffers"}, {columns.c_str(), locale}));
            auto const begin = table[1].find("\\xff");
            REQUIRE(begin != std::string::npos);
            auto name = std::string_view(table[1]).substr(begin);
            name = name.substr(0, name.find(' '));
            CAPTURE(width, locale, std::string(name));
            std::string_view const mark = std::string_view(locale) == "C" ? "\\.." : "…";
            std::size_t escapes = 0;
            for (; name.starts_with("\\xff"); ++escapes)
                name.remove_prefix(4);
            CHECK(name == (escapes == 8 ? "" : mark));
        }
}

TEST_CASE("a column in which nothing is known to be is left out, and one of the unknown is not") {
    auto const titles = [](fake::kernel& kernel) {
        return table_of(shown(recorded(kernel), {"--buffers"}, {})).at(0);
    };
    fake::kernel kernel;
    kernel.debugfs = true; // which knows the devices
    kernel.add(100, "p").open(kernel.buffer(1, 4096));
    CHECK(titles(kernel).find("NAME") == std::string::npos);
    CHECK(titles(kernel).find("DEVICES") == std::string::npos);
    kernel.debugfs = false;
    CHECK(titles(kernel).find("NAME") == std::string::npos);
    CHECK(titles(kernel).find("DEVICES") != std::string::npos);
    kernel.add(101, "q").open(kernel.buffer(2, 4096, "system", "name"));
    CHECK(titles(kernel).find("NAME") != std::string::npos);
}

TEST_CASE("the terminal tells its width, else COLUMNS does, else it is 80") {
    use_wide_characters();
    auto const recording = hostile();
    struct {
        unsigned short terminal;
        char const* columns;
        std::size_t width;
    } const table[] = {{70, nullptr, 70}, {70, "200", 70}, {0, "75", 75},  {0, nullptr, 80},
                       {0, "0", 80},      {0, "-3", 80},   {0, "wide", 80}};
    for (auto const& row : table) {
        CAPTURE(row.terminal, row.columns ? row.columns : "none");
        int master = -1;
        int slave = -1;
        winsize const size{24, row.terminal, 0, 0};
        REQUIRE(::openpty(&master, &slave, nullptr, nullptr, &size) == 0);
        auto const answer = programs::replayed(recording, {}, [&] {
            enter({row.columns, "C.UTF-8"});
            ::dup2(slave, STDOUT_FILENO);
        });
        ::close(slave);
        std::string text;
        char piece[4096];
        for (ssize_t got = 0; (got = ::read(master, piece, sizeof piece)) > 0;)
            text.append(piece, static_cast<std::size_t>(got));
        ::close(master);
        REQUIRE(answer.status == 0);
        std::erase(text, '\r');
        auto const whole = shown(recording, {}, {std::to_string(row.width).c_str(), "C.UTF-8"});
        CHECK(text == whole);
    }
    auto const unlimited = shown(recording, {"--by", "cgroup"}, {});
    CHECK_THAT(unlimited, Catch::Matchers::ContainsSubstring(std::string(120, 'x')));
    CHECK(shown(recording, {"--by", "cgroup"}, {"nonsense"}) == unlimited);
}
