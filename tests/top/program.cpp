// SPDX-License-Identifier: MIT
//
// dmabuf_top --batch as a whole: what it prints, and how it ends.
#include "program.hpp"

#include "printing/characters.hpp"
#include "scene.hpp"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using words = std::vector<std::string>;

programs::answer run(words options, std::function<void()> const& prepare = {}) {
    options.insert(options.begin(), DMABUF_TOP);
    return programs::run(std::move(options), prepare);
}

/// Without a terminal, and in UTF-8 of 100 columns unless `prepare` has it otherwise.
programs::answer batch(top::series const& of, words options, std::uint32_t count = 1,
                       std::function<void()> const& prepare = {}) {
    options.insert(options.end(), {"--batch", std::to_string(count), "--replay"});
    options.insert(options.end(), of.files().begin(), of.files().end());
    return run(std::move(options), [&] {
        ::setenv("COLUMNS", "100", 1);
        ::setenv("LC_ALL", "C.UTF-8", 1);
        if (prepare) prepare();
    });
}

bool has(std::string const& text, std::string_view part) {
    return text.find(part) != text.npos;
}

std::size_t count_of(std::string const& text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

} // namespace

TEST_CASE("top: --batch prints so many screens, and no more than there are recordings") {
    top::series const looks(3);
    for (std::uint32_t const wanted : {1U, 2U, 3U, 4U}) {
        auto const answer = batch(looks, {}, wanted);
        INFO(answer.err);
        CHECK(answer.status == 0);
        CHECK(answer.err.empty());
        CHECK(count_of(answer.out, "3 processes hold 3 buffers, 19.0 MiB") == std::min(wanted, 3U));
    }
}

TEST_CASE("top: the page of questions has its screen") {
    top::series const looks(1);
    auto const monday = looks.directory() + "/monday.recording";
    std::filesystem::copy_file(looks.files()[0], monday);
    auto const answer = run({"--batch", "1", "--replay", monday}, [] {
        ::setenv("COLUMNS", "80", 1);
        ::setenv("LC_ALL", "C.UTF-8", 1);
    });
    std::string block = "    $ dmabuf_top --batch 1 --replay monday.recording\n";
    std::istringstream lines(answer.out);
    for (std::string line; std::getline(lines, line);)
        block += "    " + line + "\n";
    INFO(block);
    std::ifstream file(DMABUF_QUESTIONS);
    CHECK(has({std::istreambuf_iterator<char>(file), {}}, block));
}

TEST_CASE("top: --view, --sort, --filter and the choice are those of the keys") {
    top::series const looks(1);
    auto const buffers =
        batch(looks, {"--view", "buffers", "--sort", "inode", "--exporter", "system"});
    CHECK(buffers.status == 0);
    CHECK(has(buffers.out, "camera"));
    CHECK(!has(buffers.out, " drm "));
    CHECK(buffers.out.find("      44") < buffers.out.find("      41"));
    auto const one = batch(looks, {"--filter", "brow"});
    CHECK(has(one.out, "1 of 3 with: brow"));
    CHECK(!has(one.out, "compositor"));
    CHECK(!has(batch(looks, {"--pid", "812"}).out, "compositor"));
    CHECK(!has(batch(looks, {"--user", "bert"}).out, "camera"));
}

TEST_CASE("top: lines are as long as the terminal, or as long as they are") {
    top::series const looks(1);
    auto const narrow = batch(looks, {}, 1, [] { ::setenv("COLUMNS", "60", 1); });
    std::istringstream lines(narrow.out);
    for (std::string line; std::getline(lines, line);)
        CHECK(printing::width_of(line) <= 60);
    auto const wide = batch(looks, {}, 1, [] { ::unsetenv("COLUMNS"); });
    CHECK(has(wide.out, "/system.slice/camera.service"));
}

TEST_CASE("top: in the locale C all is ASCII") {
    top::series const looks(1, [](top::desktop& it, int) { it.camera->comm = "caméra"; });
    auto const answer = batch(looks, {}, 1, [] { ::setenv("LC_ALL", "C", 1); });
    CHECK(answer.status == 0);
    CHECK(std::ranges::all_of(answer.out,
                              [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    CHECK(has(answer.out, R"(cam\xc3\xa9ra)"));
    CHECK(has(answer.out, " ####"));
}

TEST_CASE("top: growth is marked, with its rate") {
    top::series const looks(50, top::leak);
    auto const text = batch(looks, {}, 50).out;
    auto const last = text.substr(text.rfind("3 processes hold"));
    CHECK(has(last, "+60.0 MiB/min"));
    std::istringstream lines(last);
    for (std::string line; std::getline(lines, line);)
        CHECK(line.starts_with("↑") == has(line, "camera"));
}

TEST_CASE("top: hostile names of a recording stay in their cells") {
    top::series const looks(1, [](top::desktop& it, int) {
        it.camera->comm = "\x1b[2J\n\xe2\x80\xae";
        it.browser->cgroup = "/\x1b]0;title\a";
        it.frame->exporter = "\x9b"
                             "31m";
    });
    for (auto const* view : {"processes", "buffers", "exporters", "makers", "cgroups"}) {
        auto const answer = batch(looks, {"--view", view});
        CHECK(answer.status == 0);
        CHECK(std::ranges::none_of(answer.out, [](char c) {
            auto const byte = static_cast<unsigned char>(c);
            return (byte < 0x20 && c != '\n') || byte == 0x7f;
        }));
        CHECK(!has(answer.out, "\xe2\x80\xae"));
    }
}

TEST_CASE("top: recordings of real kernels and of one process alone are shown") {
    for (auto const& file : std::filesystem::recursive_directory_iterator(DMABUF_RECORDINGS)) {
        if (!file.is_regular_file()) continue;
        auto const answer = run({"--batch", "1", "--replay", file.path().string()});
        if (answer.status != 0) continue; // no recording lies there
        INFO(file.path());
        CHECK(has(answer.out, " hold"));
        bool const all = has(answer.out, "All processes were seen");
        bool const gaps = has(answer.out, "Not all was seen");
        CHECK(all != gaps);
    }
}

TEST_CASE("top: a file that is no recording ends it in words, with status 1") {
    top::series const looks(1);
    auto const file = looks.directory() + "/broken";
    auto whole = [&] {
        std::ifstream from(looks.files()[0]);
        return std::string{std::istreambuf_iterator<char>(from), {}};
    }();
    for (auto const& text : {std::string("none"), std::string("dmabuf-recording 1\nclock what\n"),
                             whole.substr(0, whole.size() / 2), std::string()}) {
        std::ofstream(file) << text;
        auto const answer = run({"--batch", "1", "--replay", file});
        CHECK(answer.status == 1);
        CHECK(has(answer.err, "dmabuf_top: " + file));
        CHECK(answer.out.empty());
    }
    CHECK(
        has(run({"--batch", "1", "--replay", looks.directory() + "/missing"}).err, "No such file"));
}

TEST_CASE("top: a closed pipe ends it, and a full disk is told") {
    top::series const looks(2);
    auto const closed = batch(looks, {}, 2, [] {
        int ends[2];
        if (::pipe(ends) != 0) ::_exit(99);
        ::close(ends[0]);
        ::dup2(ends[1], STDOUT_FILENO);
    });
    CHECK(closed.status == 0);
    CHECK(closed.err.empty());
    auto const full =
        batch(looks, {}, 2, [] { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); });
    CHECK(full.status == 1);
    CHECK(has(full.err, "No space left"));
}

TEST_CASE("top: what does not go together is refused, with status 2") {
    auto const refuses = [](words options, std::string_view why) {
        auto const answer = run(std::move(options));
        INFO(answer.err);
        CHECK(answer.status == 2);
        CHECK(has(answer.err, why));
        CHECK(answer.out.empty());
    };
    refuses({"--batch", "0"}, "'0' is not a whole number from 1");
    refuses({"--every", "1ms"}, "'1ms' is no time from 100ms to 1d");
    refuses({"--sort", "size"}, "'size' is no column of processes: PID, USER");
    refuses({"--view", "pages"},
            "'pages' is none of buffers, cgroups, exporters, makers, processes");
    refuses({"--replay", "a", "--proc", "."}, "the recording tells where to look");
    refuses({"--replay", "a", "--record", "b"}, "what is replayed has been recorded");
    refuses({"--replay", "-"}, "standard input is for keys");
    refuses({"--batch", "1", "--replay", "-", "-"}, "standard input is one file");
    refuses({"--record", ""}, "it is the name of files");
}

TEST_CASE("top: without a terminal it names --batch, and a terminal that is not known is told") {
    top::series const looks(1);
    auto const answer = run({"--replay", looks.files()[0]},
                            [] { ::dup2(::open("/dev/null", O_RDWR), STDIN_FILENO); });
    CHECK(answer.status == 1);
    CHECK(has(answer.err, "are no terminal: --batch 1 prints one screen"));
    CHECK(answer.out.empty());
}
