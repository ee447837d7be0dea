// SPDX-License-Identifier: MIT
//
// Screens as text: they fit, they say what was not seen, and no name gets out of its cell.
#include "catch.hpp"
#include "dmabuf_top/marks.hpp"
#include "dmabuf_top/pictures.hpp"
#include "printing/characters.hpp"
#include "scene.hpp"

#include <algorithm>
#include <sstream>

namespace {

using dmabuf_top::action;
using words = std::vector<std::string>;

report::rights root() {
    return {true, true, true, true, false};
}

/// A screen of a desktop.
struct picture {
    top::desktop desktop;
    dmabuf_top::options chosen;
    dmabuf_top::pictures pictures;
    dmabuf::snapshot now;

    explicit picture(bool utf8 = true)
        : pictures(chosen, utf8) {}

    void take() {
        now = desktop.sample();
        pictures.take(now, identity::user_names({{1000, "anna"}, {2000, "bert"}}), root());
    }
    words lines(std::size_t width = 80, std::size_t height = 24) {
        take();
        std::istringstream text(pictures.draw({width, height}, true).text());
        words all;
        for (std::string line; std::getline(text, line);)
            all.push_back(line);
        return all;
    }
    std::string all(std::size_t width = 80, std::size_t height = 24) {
        std::string text;
        for (auto const& line : lines(width, height))
            text += line + "\n";
        return text;
    }
};

bool has(std::string const& text, std::string_view part) {
    return text.find(part) != text.npos;
}

bool is_printable(std::string const& text) {
    return std::ranges::none_of(text, [](char c) {
        auto const byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\n') || byte == 0x7f;
    });
}

/// Each view, and the two that are entered.
void for_each_page(picture& of, std::function<void()> const& look) {
    for (auto const view :
         {action::view_1, action::view_2, action::view_3, action::view_4, action::view_5}) {
        of.take();
        of.pictures.model().act(view);
        look();
        of.pictures.model().act(action::enter);
        look();
        of.pictures.model().act(action::enter);
        look();
        for (auto const over : {action::help, action::coverage}) {
            of.pictures.model().act(over);
            look();
        }
    }
}

} // namespace

TEST_CASE("top: every screen has its size, from the least to 300 columns") {
    picture it;
    for (std::size_t const width :
         {60U, 79U, 80U, 81U, 99U, 100U, 119U, 120U, 179U, 180U, 250U, 300U})
        for (std::size_t const height : {10U, 24U, 60U})
            for_each_page(it, [&] {
                auto const lines = it.lines(width, height);
                INFO(it.all(width, height));
                CHECK(lines.size() == height);
                for (auto const& line : lines)
                    CHECK(printing::width_of(line) <= width);
            });
}

TEST_CASE("top: a screen that is too small says so, whatever its size") {
    picture it;
    CHECK(has(it.all(59, 24), "59x24 is too small: 60x10"));
    CHECK(has(it.all(80, 9), "80x9 is too small: 60x10"));
    for (std::size_t width = 0; width < 6; ++width)
        for (std::size_t height = 0; height < 4; ++height)
            for (auto const& line : it.lines(width, height))
                CHECK(printing::width_of(line) <= width);
}

TEST_CASE("top: in ASCII every screen is ASCII, with marks that say the same") {
    picture it(false);
    it.desktop.camera->comm = "caméra…";
    for_each_page(it, [&] {
        auto const text = it.all(120, 30);
        INFO(text);
        CHECK(
            std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    });
    it.pictures.model().act(action::help);
    it.pictures.model().act(action::view_1);
    CHECK(has(it.all(120, 30), "cam\\xc3\\xa9ra..."));
}

TEST_CASE("top: no name leaves its cell, on any page") {
    picture it;
    it.desktop.camera->comm = "\x1b[2J\x1b]0;x\a";
    it.desktop.browser->comm = "\xe2\x80\xae\n\r\t\x7f";
    it.desktop.compositor->cgroup = "/a\nb\x1b[31m/" + std::string(300, 'y');
    it.desktop.frame->exporter = "e\x1b[1m\x80";
    it.desktop.scanout->devices = {"\x1b[8m" + std::string(20, 'd')};
    it.desktop.page->name = "\x1b[5mname\xff";
    for (std::size_t const width : {60U, 120U, 300U})
        for_each_page(it, [&] {
            auto const text = it.all(width, 24);
            INFO(text);
            CHECK(is_printable(text));
            CHECK(!has(text, "\xe2\x80\xae"));
            for (auto const& line : it.lines(width, 24))
                CHECK(printing::width_of(line) <= width);
        });
    it.pictures.model().act(action::help);
    it.pictures.model().act(action::view_1);
    CHECK(has(it.all(200, 24), R"(\x1b[2J\x1b]0;x\x07)"));
}

TEST_CASE("top: wide characters take two columns, and those behind them stand in line") {
    picture it;
    it.desktop.camera->comm = "カメラ";
    it.desktop.browser->comm = "e\xcc\x81";
    for (auto const& line : it.lines(80, 24))
        CHECK(printing::width_of(line) <= 80);
    CHECK(has(it.all(80, 24), "カメラ"));
    it.desktop.camera->cgroup = "/" + std::string("カ") + "/" + std::string(100, 'x');
    for (auto const& line : it.lines(190, 24))
        CHECK(printing::width_of(line) <= 190);
}

TEST_CASE("top: numbers stay whole, however long they are") {
    picture it;
    auto const inode = std::uint64_t{18446744073709551000U};
    it.desktop.camera->open(it.desktop.made(inode, std::uint64_t{1} << 62U, *it.desktop.camera));
    it.pictures.model().act(action::view_2);
    CHECK(has(it.all(80, 24), "18446744073709551000"));
    CHECK(has(it.all(80, 24), "4.0 EiB"));
}

TEST_CASE("top: the sums are of everything that is held, and of what no process holds") {
    picture it;
    CHECK(it.lines(120)[0] ==
          "3 processes hold 3 buffers, 19.0 MiB; no process holds 1 more, 3.0 MiB");
    picture all;
    all.desktop.camera->open(all.desktop.queued);
    CHECK(all.lines()[0] == "3 processes hold 4 buffers, 22.0 MiB; there are no others");
    CHECK(it.lines()[1] == "All processes were seen, and the list of bufinfo was compared.");
}

TEST_CASE("top: no screen says that all was seen beside something that was not") {
    struct gap {
        char const* words;
        std::function<void(top::desktop&)> make;
    };
    gap const gaps[] = {
        {"may not be read", [](top::desktop& it) { it.kernel.caller = fake::rights::user(1000); }},
        {"pid namespace", [](top::desktop& it) { it.kernel.pid_namespace = 4026532000; }},
        {"No list of all buffers", [](top::desktop& it) { it.kernel.debugfs = false; }},
    };
    for (auto const& one : gaps) {
        picture it;
        one.make(it.desktop);
        auto const text = it.all(120, 24);
        INFO(text);
        CHECK(!has(text, "All processes were seen"));
        CHECK(has(text, "Not all was seen"));
        CHECK(has(text, one.words));
        it.pictures.model().act(action::coverage);
        CHECK(has(it.all(120, 24), one.words));
    }
    picture unlisted;
    unlisted.desktop.kernel.debugfs = false;
    CHECK(has(unlisted.all(), "how many others there are is unknown"));
}

TEST_CASE("top: views say why they have no rows") {
    picture it;
    it.pictures.model().set_filter("nothing like it");
    CHECK(has(it.all(), "No row has this text: Esc shows all."));
    it.take();
    it.pictures.model().act(action::view_2);
    it.pictures.model().set_filter("44");
    it.take();
    it.pictures.model().act(action::enter);
    CHECK(has(it.all(), "No process that was seen holds it."));
    picture none;
    none.desktop.pins.pins.clear();
    none.now = support::record(none.desktop.kernel, top::everything()).now;
    none.pictures.take(none.now, {}, root());
    none.pictures.model().act(action::view_4);
    CHECK(has(none.pictures.draw({80, 24}, true).text(), "Makers are not watched: `dmabuf_pin"));
    auto without = top::everything();
    without.origins = false;
    none.now = support::record(none.desktop.kernel, without).now;
    none.pictures.take(none.now, {}, root());
    CHECK(has(none.pictures.draw({80, 24}, true).text(), "they were not asked for."));
}

TEST_CASE("top: on the least width each row has its name") {
    picture it;
    struct {
        action view;
        char const* title;
        char const* name;
    } const views[] = {{action::view_1, " NAME", " camera"},
                       {action::view_2, " NAME", " drm"},
                       {action::view_3, " EXPORTER", " system"},
                       {action::view_4, " MADE BY", " 812 camera"},
                       {action::view_5, " CGROUP", " /user.slice"}};
    for (auto const& one : views) {
        it.take();
        it.pictures.model().act(one.view);
        auto const shown = it.all(dmabuf_top::least_extent.width, 12);
        INFO(shown);
        CHECK(has(shown, one.title));
        CHECK(has(shown, one.name));
    }
}

TEST_CASE("top: the longest name of a driver in the kernel is whole on 80 columns") {
    picture it;
    it.desktop.scanout->exporter = "videobuf2_dma_contig";
    for (auto const view : {action::view_2, action::view_3}) {
        it.take();
        it.pictures.model().act(view);
        CHECK(has(it.all(), "videobuf2_dma_contig"));
    }
}

TEST_CASE("top: a maker that was not asked for is unknown, and an age too") {
    picture it;
    it.desktop.pins.pins.clear();
    it.now = support::record(it.desktop.kernel, top::everything()).now;
    it.pictures.take(it.now, {}, root());
    it.pictures.model().act(action::view_2);
    auto const cell = [&](std::string_view title) {
        using dmabuf_top::view;
        auto const& shown = it.pictures.model();
        auto const at = dmabuf_top::column_called(view::buffers, title);
        std::string text;
        columns_of(view::buffers)[at].text(shown.now(), shown.rows().front(), text);
        return text;
    };
    CHECK(cell("MADE BY") == "?");
    CHECK(cell("AGE") == "?");
    CHECK(cell("EXPORTER") == "drm");
}

TEST_CASE("top: the chosen row is in sight, on ten thousand rows") {
    picture it;
    auto const file = it.desktop.frame;
    for (int pid = 2000; pid < 12000; ++pid)
        it.desktop.kernel.add(pid, "p" + std::to_string(pid), 1000).open(file);
    it.take();
    auto& model = it.pictures.model();
    auto const in_sight = [&] {
        auto const lines = it.pictures.draw({80, 24}, true).lines();
        return std::ranges::any_of(lines, [](auto const& line) {
            return !line.pieces.empty() && line.used == 80 &&
                   line.pieces.front().how == dmabuf_top::style::chosen;
        });
    };
    CHECK(model.rows().size() == 10003);
    for (auto const what : {action::end, action::page_up, action::page_up, action::up, action::home,
                            action::page_down, action::down, action::end}) {
        (void)it.pictures.draw({80, 24}, true);
        model.act(what);
        CHECK(in_sight());
    }
    CHECK(model.shown().at == 10002);
    CHECK(it.pictures.draw({80, 12}, true).height() == 12);
    CHECK(in_sight());
}

TEST_CASE("top: help and coverage can be scrolled where they are longer than the screen") {
    picture it;
    it.take();
    it.pictures.model().act(action::help);
    auto const before = it.all(80, 10);
    it.pictures.model().act(action::down);
    CHECK(it.all(80, 10) != before);
    it.pictures.model().act(action::home);
    CHECK(it.all(80, 10) == before);
    CHECK(has(it.all(80, 40), "No key ends a process"));
    it.pictures.model().act(action::back);
    CHECK(!has(it.all(80, 40), "No key ends a process"));
}

TEST_CASE("top: a page says whether its process is gone or out of sight") {
    picture it;
    it.take();
    it.pictures.model().act(action::end);
    it.pictures.model().act(action::enter);
    CHECK(has(it.all(), " Buffers of process 812 (camera)"));
    it.desktop.camera->dumpable = false;
    it.desktop.kernel.caller = fake::rights::user(1000);
    CHECK(has(it.all(), " Out of sight: Buffers of process 812 (camera)"));
    CHECK(has(it.all(), "It is out of sight, and may be there still: Esc goes back."));
    it.desktop.kernel.exit(812);
    CHECK(has(it.all(), " Gone: Buffers of process 812 (camera)"));
    CHECK(has(it.all(), "It is gone: Esc goes back."));
}
