// SPDX-License-Identifier: MIT
//
// The model: pages, rows, their order, the filter, and the row that is chosen.
#include "dmabuf_top/model.hpp"

#include "catch.hpp"
#include "scene.hpp"

#include <algorithm>
#include <numeric>

namespace {

using dmabuf_top::action;
using dmabuf_top::key_of;
using dmabuf_top::presence;
using dmabuf_top::view;
using dmabuf_top::words_of;
using numbers = std::vector<std::uint64_t>;

/// A model of a desktop that can change.
struct shown {
    top::desktop desktop;
    dmabuf::snapshot now;
    dmabuf_top::look look{top::second_ns, {}};
    dmabuf_top::model model{look, view::processes};

    explicit shown(dmabuf_top::choice chosen = {}, view first = view::processes)
        : look(top::second_ns, std::move(chosen))
        , model(look, first) {
        model.set_room(20);
        again();
    }

    void again() {
        now = desktop.sample();
        look.take(now, identity::user_names({{1000, "anna"}, {2000, "bert"}}));
        model.refresh();
    }
    void press(std::initializer_list<action> all) {
        for (auto const one : all)
            CHECK(model.act(one));
    }
    void type(std::string_view text) {
        for (char const c : text)
            CHECK(model.type(static_cast<unsigned char>(c)));
    }

    [[nodiscard]] std::size_t column(std::string_view title) const {
        return dmabuf_top::column_called(model.shown().which, title);
    }
    /// The numbers of a column, in the order of the rows.
    [[nodiscard]] numbers all(std::string_view title) const {
        numbers found;
        auto const& by = dmabuf_top::columns_of(model.shown().which)[column(title)];
        for (auto const& one : model.rows())
            found.push_back(by.number(look, one).value);
        return found;
    }
    [[nodiscard]] std::string text(std::string_view title, std::size_t row = 0) const {
        std::string found;
        dmabuf_top::columns_of(model.shown().which)[column(title)].text(look, model.rows()[row],
                                                                        found);
        return found;
    }
    [[nodiscard]] std::uint64_t chosen_pid() const { return all("PID")[model.shown().at]; }
};

} // namespace

TEST_CASE("top: processes stand by PSS, and each column sorts both ways") {
    shown it;
    // The compositor's share of 3, 8 and 8 MiB is 1.5, 4 and 8.
    CHECK(it.all("PID") == numbers{640, 1203, 812});
    CHECK(it.all("PSS") ==
          numbers{27 * top::mebibyte / 2, 4 * top::mebibyte, 3 * top::mebibyte / 2});
    auto const columns = dmabuf_top::columns_of(view::processes);
    for (std::size_t at = 0; at < columns.size(); ++at) {
        if (columns[at].title.empty()) continue;
        INFO(columns[at].title);
        it.model.sort_by(at);
        it.model.refresh();
        auto rows = it.model.rows();
        CHECK(rows.size() == 3);
        it.press({action::invert});
        if (!columns[at].number) continue;
        auto const all = it.all(columns[at].title);
        CHECK(std::ranges::is_sorted(all));
    }
    it.model.sort_by(it.column("NAME"));
    it.model.refresh();
    CHECK(it.all("PID") == numbers{1203, 812, 640}); // browser, camera, compositor
    it.press({action::invert});
    CHECK(it.all("PID") == numbers{640, 812, 1203});
}

TEST_CASE("top: > and < go through the columns that have a title") {
    shown it;
    auto const first = it.model.sorted().column;
    std::size_t steps = 0;
    do {
        it.press({action::sort_next});
        CHECK(!dmabuf_top::columns_of(view::processes)[it.model.sorted().column].title.empty());
        ++steps;
    } while (it.model.sorted().column != first);
    CHECK(steps == dmabuf_top::columns_of(view::processes).size() - 1);
    it.press({action::sort_next, action::sort_previous});
    CHECK(it.model.sorted().column == first);
}

TEST_CASE("top: a filter keeps the rows with its text, and Esc shows all") {
    shown it;
    it.press({action::filter});
    CHECK(it.model.is_typing());
    it.type("CAM");
    CHECK(it.all("PID") == numbers{812});
    CHECK(it.model.all_rows() == 3);
    CHECK(it.model.type(dmabuf_top::keys::enter));
    CHECK(!it.model.is_typing());
    it.press({action::filter});
    it.type("x");
    CHECK(it.model.rows().empty());
    CHECK(it.model.type(dmabuf_top::keys::erase));
    CHECK(it.model.rows().size() == 1);
    CHECK(it.model.type(dmabuf_top::keys::escape)); // as it was
    CHECK(it.model.shown().filter == "CAM");
    it.press({action::back});
    CHECK(it.model.rows().size() == 3);
    it.model.set_filter("1203"); // a number
    it.model.refresh();
    CHECK(it.all("PID") == numbers{1203});
    it.model.set_filter("bert"); // a user
    it.model.refresh();
    CHECK(it.all("PID") == numbers{1203});
    it.model.set_filter("browser.scope"); // a cgroup
    it.model.refresh();
    CHECK(it.all("PID") == numbers{1203});
}

TEST_CASE("top: a filter takes any character that can be shown, and a bounded number of them") {
    shown it;
    it.press({action::filter});
    for (auto const point : {U'ä', U'…', U'😀', U'\0', char32_t{0x202e}, U'\a'})
        (void)it.model.type(static_cast<dmabuf_top::key_code>(point));
    CHECK(it.model.shown().filter == "ä…😀");
    for (auto left = 3; left != 0; --left)
        CHECK(it.model.type(dmabuf_top::keys::erase));
    CHECK(it.model.shown().filter.empty());
    CHECK(it.model.type(dmabuf_top::keys::erase));
    it.type(std::string(1000, 'x'));
    CHECK(it.model.shown().filter.size() < 100);
    CHECK(!it.model.type(dmabuf_top::keys::down)); // which ends it
    CHECK(!it.model.is_typing());
}

TEST_CASE("top: the chosen row is followed while the order changes, and replaced when it goes") {
    shown it;
    it.press({action::down, action::down});
    CHECK(it.chosen_pid() == 812);
    for (int i = 0; i < 30; ++i)
        it.desktop.leak();
    it.again();
    CHECK(it.all("PID") == numbers{812, 640, 1203});
    CHECK(it.chosen_pid() == 812);
    it.desktop.kernel.exit(812);
    it.again();
    CHECK(it.model.shown().at == 0);
    CHECK(it.chosen_pid() == 640);
    it.press({action::end});
    it.desktop.kernel.exit(1203);
    it.again();
    CHECK(it.chosen_pid() == 640);
    it.desktop.kernel.exit(640);
    it.again();
    CHECK(it.model.rows().empty());
    it.press({action::up, action::down, action::page_up, action::page_down, action::home,
              action::end, action::enter});
    CHECK(it.model.shown().which == view::processes);
}

TEST_CASE("top: the first row stays the first, until another one is chosen") {
    shown it;
    CHECK(it.chosen_pid() == 640);
    for (int i = 0; i < 30; ++i)
        it.desktop.leak();
    it.again();
    CHECK(it.chosen_pid() == 812);
}

TEST_CASE(
    "top: Enter shows a process with its buffers, whose shares are its PSS, and Esc goes back") {
    shown it;
    it.press({action::enter});
    CHECK(it.model.shown().which == view::held);
    CHECK(words_of(it.model.shown().of) == "process 640 (compositor)");
    CHECK(it.all("INODE") == numbers{43, 42, 41});
    auto const shares = it.all("SHARE");
    CHECK(std::accumulate(shares.begin(), shares.end(), std::uint64_t{0}) ==
          27 * top::mebibyte / 2);
    CHECK(it.all("MAPS") == numbers{0, 0, 1});
    CHECK(it.text("MADE BY") == "640 compositor");
    CHECK(it.text("DEVICES") == "0000:00:02.0");
    it.press({action::end, action::enter});
    CHECK(it.model.shown().which == view::holders);
    CHECK(it.all("PID") == numbers{640, 812}); // each holds half of the frame
    it.press({action::end, action::enter});
    CHECK(words_of(it.model.shown().of) == "process 812 (camera)");
    it.press({action::back, action::back});
    CHECK(it.model.shown().at == 2);
    it.press({action::back});
    CHECK(it.model.shown().which == view::processes);
    it.press({action::back});
    CHECK(it.model.shown().which == view::processes);
}

TEST_CASE("top: a page stays when its process or buffer goes, and says so") {
    shown it;
    it.press({action::end, action::enter});
    CHECK(it.model.subject_presence() == presence::seen);
    it.desktop.kernel.exit(812);
    it.again();
    CHECK(it.model.rows().empty());
    CHECK(it.model.subject_presence() == presence::gone);
}

TEST_CASE("top: a page whose process or buffer goes out of sight does not call it gone") {
    SECTION("a process that may not be read any more") {
        shown it;
        it.press({action::end, action::enter});
        it.desktop.camera->dumpable = false;
        it.desktop.kernel.caller = fake::rights::user(1000);
        it.again();
        CHECK(it.model.subject_presence() == presence::out_of_sight);
        it.desktop.kernel.exit(812);
        it.again();
        CHECK(it.model.subject_presence() == presence::gone);
    }
    SECTION("a process that hidepid hides") {
        shown it;
        it.press({action::end, action::enter});
        it.desktop.kernel.caller = fake::rights::user(2000);
        it.desktop.kernel.hidepid = 2;
        it.again();
        CHECK(it.model.subject_presence() == presence::out_of_sight);
    }
    SECTION("a buffer that no list tells any more") {
        shown it({}, view::buffers);
        it.model.set_filter("44");
        it.model.refresh();
        it.press({action::enter});
        it.desktop.kernel.caller = fake::rights::user(1000);
        it.now = support::record(it.desktop.kernel, {.unheld = true}).now; // without dmabuf_pin
        it.look.take(it.now, {});
        it.model.refresh();
        CHECK(it.model.subject_presence() == presence::out_of_sight);
    }
    SECTION("a buffer that is gone, as long as the list is not compared") {
        shown it({}, view::buffers);
        it.model.set_filter("44");
        it.model.refresh();
        it.press({action::enter});
        it.desktop.kernel.release(it.desktop.queued);
        it.now = support::record(it.desktop.kernel).now;
        it.look.take(it.now, {});
        it.model.refresh();
        CHECK(it.model.subject_presence() == presence::out_of_sight);
        it.now = support::record(it.desktop.kernel, {.unheld = true, .bufinfo = true}).now;
        it.look.take(it.now, {});
        it.model.refresh();
        CHECK(it.model.subject_presence() == presence::gone);
    }
}

TEST_CASE("top: a process with a number that was used before is another one") {
    shown it;
    it.press({action::end, action::enter});
    it.desktop.kernel.exit(812);
    auto& next = it.desktop.kernel.add(812, "other", 1000);
    next.start_ticks += 100;
    next.open(it.desktop.frame);
    it.again();
    CHECK(it.model.subject_presence() == presence::gone);
}

TEST_CASE("top: buffers that no process holds stand among the others, without holders") {
    shown it({}, view::buffers);
    it.model.set_filter("44");
    it.model.refresh();
    CHECK(it.all("HOLDERS") == numbers{0});
    CHECK(it.all("OTHER") == numbers{1});
    CHECK(it.text("MADE BY") == "812 camera");
    it.press({action::enter});
    CHECK(it.model.rows().empty());
    CHECK(it.model.subject_presence() == presence::seen);
}

TEST_CASE("top: exporters, makers and cgroups lead to what is theirs") {
    shown it;
    it.press({action::view_3});
    CHECK(it.text("EXPORTER") == "drm");
    it.press({action::enter});
    CHECK(it.all("INODE") == numbers{42, 43});
    it.press({action::view_4});
    CHECK(it.all("SIZE") == numbers{8 * top::mebibyte, 8 * top::mebibyte, 6 * top::mebibyte});
    CHECK(it.all("UNHELD") == numbers{0, 0, 3 * top::mebibyte});
    it.press({action::end, action::enter});
    CHECK(it.all("INODE") == numbers{41, 44});
    it.press({action::view_5, action::end});
    CHECK(it.text("CGROUP", 2) == "/system.slice/camera.service");
    it.press({action::enter});
    CHECK(it.all("PID") == numbers{812});
    it.press({action::next_view});
    CHECK(it.model.shown().which == view::processes); // which come behind cgroups
    CHECK(it.model.rows().size() == 3);
}

TEST_CASE("top: without a list the watch tells its makers' unheld buffers, and no older ones") {
    shown it;
    it.desktop.kernel.debugfs = false;
    it.desktop.camera->open(it.desktop.kernel.buffer(45, top::mebibyte, "system"));
    it.again();
    it.press({action::view_4});
    CHECK(it.all("SIZE") ==
          numbers{8 * top::mebibyte, 8 * top::mebibyte, 6 * top::mebibyte, top::mebibyte});
    auto const& unheld = dmabuf_top::columns_of(it.model.shown().which)[it.column("UNHELD")];
    auto const of = [&](std::size_t row) { return unheld.number(it.look, it.model.rows()[row]); };
    CHECK(of(2).value == 3 * top::mebibyte);
    CHECK(of(2).how == dmabuf_top::amount::certainty::exact);
    CHECK(of(3).how == dmabuf_top::amount::certainty::unknown);
}

TEST_CASE("top: the command line chooses processes, buffers and rows") {
    dmabuf_top::choice chosen;
    chosen.pids = {812};
    shown one(chosen);
    CHECK(one.all("PID") == numbers{812});
    one.press({action::view_5});
    CHECK(one.all("PROCS") == numbers{1});

    chosen = {};
    chosen.wanted.users.emplace_back("bert");
    CHECK(shown(chosen).all("PID") == numbers{1203});

    chosen = {};
    chosen.wanted.exporters.emplace_back("drm");
    shown drm(chosen);
    CHECK(drm.all("RSS") == numbers{16 * top::mebibyte, 8 * top::mebibyte});

    chosen = {};
    chosen.wanted.least_bytes = 8 * top::mebibyte;
    CHECK(shown(chosen).all("PID") == numbers{640, 1203});

    chosen = {};
    chosen.wanted.most_rows = 1;
    CHECK(shown(chosen).all("PID") == numbers{640});
}

TEST_CASE("top: what grows is told by its subject, and nothing else is") {
    shown it;
    for (std::uint64_t second = 1; second < 60; ++second) {
        it.desktop.leak();
        it.now = it.desktop.sample();
        it.now.begin_ns = it.now.end_ns = second * top::second_ns;
        it.look.take(it.now, {});
    }
    auto const& holders = it.now.holders; // 640, 812, 1203
    auto const* const camera = it.look.growth_of(key_of(holders[1]));
    REQUIRE(camera);
    CHECK(camera->what == dmabuf::measure::bytes);
    CHECK(camera->rate_per_second > 0.9 * top::mebibyte);
    CHECK(camera->rate_per_second < 1.1 * top::mebibyte);
    CHECK(!it.look.growth_of(key_of(holders[0])));
    CHECK(!it.look.growth_of(key_of(holders[2])));
    CHECK(it.look.growth_of(dmabuf_top::key_of_cgroup("/system.slice/camera.service")));
    CHECK(!it.look.growth_of(dmabuf_top::key_of_cgroup("/user.slice/browser.scope")));
}
