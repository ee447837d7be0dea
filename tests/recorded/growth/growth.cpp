// SPDX-License-Identifier: MIT
//
// Which series of a system grow: staged leaks, and loads that are none. The expected events, rates
// and times are those by which each test makes the system leak. One set of defaults serves all.
#include "catch.hpp"
#include "recorded/growth/world.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

namespace {

using namespace growth_tests;
using dmabuf::measure;
using dmabuf::subject_kind;

/// "grows process 10 descriptors", and its rate.
struct told {
    std::string text;
    int look;
    double rate;
};

std::string text_of(dmabuf::growth_change what, dmabuf::growth_series const& one) {
    std::string text(name_of(what));
    text += " " + std::string(name_of(one.of.kind));
    if (one.of.pid != 0) text += " " + std::to_string(one.of.pid);
    if (one.of.inode != 0) text += " #" + std::to_string(one.of.inode);
    if (one.of.pid == 0 && !one.of.name.empty()) text += " " + std::string(one.of.name.view());
    return text + " " + std::string(name_of(one.what));
}

/// One look a second at a system that `step(look)` changes beforehand.
struct looked_at {
    world system;
    dmabuf::growth_watch watch;
    dmabuf::snapshot now;
    std::uint64_t time = 1000 * second;
    int looks = 0;
    std::vector<told> events;
    std::mt19937 random{1};

    explicit looked_at(dmabuf::growth_options options = {})
        : watch(options) {
        system.start(10, "app");
        system.start(11, "idle", "/two");
        system.make_for(11, 1 << 20, "udmabuf");
    }

    void look() {
        system.show(now);
        watch.feed(now, time + random() % (second / 30));
        time += second;
        ++looks;
        watch.for_each_event([&](auto what, auto const& one) {
            events.push_back({text_of(what, one), looks, one.so_far.rate_per_second()});
        });
    }
    template<class Step>
    void look(int times, Step step) {
        for (int i = 0; i < times; ++i) {
            step(i);
            look();
        }
    }
    [[nodiscard]] std::string texts() const {
        std::string all;
        for (auto const& one : events)
            all += one.text + " at " + std::to_string(one.look) + "\n";
        return all;
    }
};

struct expected {
    std::string text;
    double rate;
};

/// Each of `all` is told within 60 looks of the begin, with its rate, and nothing else is.
void check_told(looked_at const& seen, int begin, std::vector<expected> all) {
    INFO(seen.texts());
    CHECK(seen.events.size() == all.size());
    for (auto const& one : all) {
        bool found = false;
        for (auto const& event : seen.events) {
            if (event.text != "grows " + one.text) continue;
            found = true;
            CHECK(event.look <= begin + 60);
            CHECK(std::abs(event.rate - one.rate) <= 0.1 * one.rate);
        }
        CAPTURE(one.text);
        CHECK(found);
    }
}

} // namespace

TEST_CASE("growth: a descriptor a second on one buffer") {
    looked_at seen;
    auto const inode = seen.system.make_for(10);
    int const quiet = GENERATE(0, 100);
    seen.look(quiet, [](int) {});
    seen.look(120, [&](int) { ++seen.system.processes[10].holds[inode].descriptors; });
    check_told(seen, quiet, {{"process 10 descriptors", 1}, {"cgroup /one descriptors", 1}});
}

TEST_CASE("growth: a buffer a second") {
    looked_at seen;
    int const quiet = GENERATE(0, 100);
    seen.look(quiet, [](int) {});
    seen.look(120, [&](int) { seen.system.make_for(10, 8192); });
    check_told(seen, quiet,
               {{"process 10 buffers", 1},
                {"process 10 descriptors", 1},
                {"process 10 bytes", 8192},
                {"cgroup /one buffers", 1},
                {"cgroup /one descriptors", 1},
                {"cgroup /one bytes", 8192},
                {"exporter system buffers", 1},
                {"exporter system bytes", 8192}});
}

TEST_CASE("growth: mapped and forgotten, the descriptor closed") {
    looked_at seen;
    seen.look(120, [&](int) {
        auto const inode = seen.system.make(4096, "udmabuf");
        seen.system.processes[10].holds[inode] = {0, 1};
    });
    check_told(seen, 0,
               {{"process 10 buffers", 1},
                {"process 10 mappings", 1},
                {"process 10 bytes", 4096},
                {"cgroup /one buffers", 1},
                {"cgroup /one mappings", 1},
                {"cgroup /one bytes", 4096},
                {"exporter udmabuf buffers", 1},
                {"exporter udmabuf bytes", 4096}});
}

TEST_CASE("growth: one buffer mapped again each second") {
    looked_at seen;
    auto const inode = seen.system.make_for(10);
    seen.look(120, [&](int) { ++seen.system.processes[10].holds[inode].mappings; });
    check_told(seen, 0, {{"process 10 mappings", 1}, {"cgroup /one mappings", 1}});
}

TEST_CASE("growth: sent and never received: in flight, and held by no process") {
    looked_at seen;
    SECTION("a buffer a second") {
        seen.look(120, [&](int) { seen.system.buffers[seen.system.make()].other_references = 1; });
        check_told(seen, 0,
                   {{"unheld buffers", 1},
                    {"unheld bytes", 4096},
                    {"unheld system buffers", 1},
                    {"unheld system bytes", 4096}});
    }
    SECTION("one buffer again and again") {
        auto const inode = seen.system.make_for(10);
        seen.look(120, [&](int) { ++seen.system.buffers[inode].other_references; });
        check_told(seen, 0, {{"buffer #" + std::to_string(inode) + " other_references", 1}});
    }
}

TEST_CASE("growth: closed, and held by a GEM handle") {
    looked_at seen;
    auto last = seen.system.make_for(10, 65536, "drm");
    seen.look(120, [&](int) {
        seen.system.processes[10].holds.erase(
            std::exchange(last, seen.system.make_for(10, 65536, "drm")));
        seen.system.buffers[last].other_references = 2;
    });
    check_told(seen, 0,
               {{"unheld buffers", 1},
                {"unheld bytes", 65536},
                {"unheld drm buffers", 1},
                {"unheld drm bytes", 65536}});
}

TEST_CASE("growth: attachments to one buffer, as a list or the watch tells them") {
    looked_at seen;
    seen.system.lists_devices = GENERATE(false, true);
    seen.system.origins = !seen.system.lists_devices;
    auto const inode = seen.system.make_for(10);
    seen.look(120, [&](int) { ++seen.system.buffers[inode].attachments; });
    check_told(seen, 0, {{"buffer #" + std::to_string(inode) + " attachments", 1}});
}

TEST_CASE("growth: makers that exit, whose buffers another process keeps, or none") {
    looked_at seen;
    seen.system.origins = true;
    int const quiet = GENERATE(0, 100);
    bool const kept = GENERATE(false, true);
    seen.look(quiet, [](int) {});
    seen.look(120, [&](int look) {
        int const pid = 1000 + look;
        seen.system.start(pid, "camera");
        auto const inode = seen.system.make_for(pid, 4096, "cma");
        if (kept) seen.system.processes[10].holds[inode].descriptors = 1;
        auto const made = seen.system.buffers[inode];
        seen.system.exit(pid);
        seen.system.buffers[inode] = made; // in flight, if nobody holds it
        seen.system.buffers[inode].by.ended = true;
    });
    std::vector<expected> all{{"maker camera buffers", 1}, {"maker camera bytes", 4096}};
    if (kept)
        all.insert(all.end(), {{"process 10 buffers", 1},
                               {"process 10 descriptors", 1},
                               {"process 10 bytes", 4096},
                               {"cgroup /one buffers", 1},
                               {"cgroup /one descriptors", 1},
                               {"cgroup /one bytes", 4096},
                               {"exporter cma buffers", 1},
                               {"exporter cma bytes", 4096}});
    else
        all.insert(all.end(), {{"unheld buffers", 1},
                               {"unheld bytes", 4096},
                               {"unheld cma buffers", 1},
                               {"unheld cma bytes", 4096}});
    check_told(seen, quiet, all);
}

TEST_CASE("growth: a maker that runs, whose buffers lie with others") {
    looked_at seen;
    seen.system.origins = true;
    seen.system.start(20, "allocator");
    auto const leak = [&](int) {
        auto const inode = seen.system.make(4096, "cma");
        seen.system.buffers[inode].by = {20, "allocator", false, false};
    };
    seen.look(120, leak);
    check_told(seen, 0,
               {{"maker 20 buffers", 1},
                {"maker 20 bytes", 4096},
                {"unheld buffers", 1},
                {"unheld bytes", 4096},
                {"unheld cma buffers", 1},
                {"unheld cma bytes", 4096}});
}

namespace {

/// A compositor that makes a buffer for each of 60 frames a second, beside whatever else there is.
/// Each look meets three of its buffers, of which it releases up to all before the look has read
/// who made them.
struct compositor {
    looked_at& seen;
    std::vector<std::uint64_t> alive;

    explicit compositor(looked_at& which)
        : seen(which) {
        seen.system.start(30, "compositor");
    }
    void frame(unsigned released) {
        for (auto const inode : alive)
            seen.system.free(inode);
        alive.clear();
        for (unsigned one = 0; one < 3; ++one) {
            alive.push_back(seen.system.make_for(30, 8 << 20));
            seen.system.buffers[alive.back()].by.uncertain = one < released;
        }
    }
};

/// Buffers of a process that another one holds.
void make_for_other(world& system, int pid, int holder) {
    auto const inode = system.make_for(pid, 4096, "cma");
    system.processes[pid].holds.erase(inode);
    system.processes[holder].holds[inode].descriptors = 1;
}

bool tells(looked_at const& seen, std::string const& text) {
    return seen.texts().find(text) != std::string::npos;
}

} // namespace

TEST_CASE("growth: a maker's leak beside a compositor, whose buffers come and go") {
    looked_at seen;
    seen.system.origins = true;
    compositor frames(seen);
    seen.look(120, [&](int) {
        frames.frame(seen.random() % 4);
        make_for_other(seen.system, 10, 11);
    });
    INFO(seen.texts());
    int told = 0;
    for (auto const& one : seen.events) {
        if (one.text != "grows maker 10 buffers") continue;
        ++told;
        CHECK(one.look <= 60);
        CHECK(std::abs(one.rate - 1) <= 0.1);
    }
    CHECK(told == 1);
    CHECK_FALSE(tells(seen, "maker 30"));
}

TEST_CASE("growth: fewer uncertain buffers at each window are no growth of a maker") {
    // A maker holds forty buffers, and releases and makes anew those that are uncertain.
    looked_at seen;
    seen.system.origins = true;
    std::vector<std::uint64_t> held;
    for (int i = 0; i < 40; ++i)
        held.push_back(seen.system.make_for(10));
    bool const leaving = GENERATE(false, true);
    seen.look(120, [&](int look) {
        auto const uncertain = static_cast<std::size_t>(std::max(0, 40 - look / 3));
        seen.system.leaving = 0;
        for (std::size_t at = 0; at < held.size(); ++at) {
            seen.system.buffers[held[at]].by.uncertain = !leaving && at < uncertain;
            if (!leaving || at >= uncertain) continue;
            seen.system.free(held[at]);
            ++seen.system.leaving;
        }
        if (!leaving) return;
        seen.look();
        for (std::size_t at = 0; at < uncertain; ++at)
            held[at] = seen.system.make_for(10);
    });
    INFO(seen.texts());
    CHECK_FALSE(tells(seen, "maker"));
}

TEST_CASE("growth: a leak that goes on while uncertain buffers come goes on, and ends with them") {
    looked_at seen;
    seen.system.origins = true;
    std::vector<std::uint64_t> leaked;
    auto const leak = [&](int) { leaked.push_back(seen.system.make_for(10)); };
    seen.look(60, leak);
    REQUIRE(tells(seen, "grows maker 10 buffers"));
    compositor frames(seen);
    seen.look(60, [&](int look) {
        leak(look);
        frames.frame(3);
    });
    CHECK_FALSE(tells(seen, "stopped maker"));
    CHECK_FALSE(tells(seen, "ended maker"));
    for (auto const inode : leaked)
        seen.system.free(inode);
    seen.look(10, [&](int) { frames.frame(3); }); // any of which may be of the maker
    CHECK_FALSE(tells(seen, "ended maker"));
    seen.look(1, [&](int) { frames.frame(0); });
    INFO(seen.texts());
    CHECK(tells(seen, "ended maker 10 buffers"));
}

TEST_CASE("growth: amounts that the caller tells") {
    dmabuf::growth_watch watch;
    dmabuf::growth_subject pool;
    pool.kind = subject_kind::maker;
    pool.name = dmabuf::subject_name("pool");
    std::string all;
    for (std::uint64_t look = 1; look <= 120; ++look) {
        watch.begin_look(look * second);
        if (look <= 100) watch.add(pool, measure::bytes, look * 64);
        if (look <= 100) watch.add(pool, measure::bytes, look * 36); // in two parts
        watch.all_told(subject_kind::maker, measure::bytes);
        watch.end_look();
        watch.for_each_event([&](auto what, auto const& one) {
            all += text_of(what, one) + "\n";
            CHECK(std::abs(one.so_far.rate_per_second() - 100) < 10);
        });
    }
    CHECK(all == "grows maker pool bytes\nended maker pool bytes\n");
}

TEST_CASE("growth: one buffer of 16 KiB in each cycle among twenty short-lived ones") {
    looked_at seen;
    std::vector<std::uint64_t> alive;
    seen.look(120, [&](int) {
        // A look meets the cycle at any point: up to four of the twenty are alive.
        for (auto const inode : alive)
            seen.system.free(inode);
        alive.clear();
        seen.system.make_for(10, 16384);
        for (auto count = seen.random() % 5; count > 0; --count)
            alive.push_back(seen.system.make_for(10, 16384));
    });
    check_told(seen, 0,
               {{"process 10 buffers", 1},
                {"process 10 descriptors", 1},
                {"process 10 bytes", 16384},
                {"cgroup /one buffers", 1},
                {"cgroup /one descriptors", 1},
                {"cgroup /one bytes", 16384},
                {"exporter system buffers", 1},
                {"exporter system bytes", 16384}});
}

TEST_CASE("growth: for one process alone, each of its buffers") {
    looked_at seen;
    auto const inode = seen.system.make_for(10);
    seen.system.make_for(10);
    seen.system.processes.erase(11); // as sample_process() does, which looks at no other
    bool mapped = GENERATE(false, true);
    for (int look = 0; look < 120; ++look) {
        auto& how = seen.system.processes[10].holds[inode];
        ++(mapped ? how.mappings : how.descriptors);
        seen.system.show(seen.now);
        seen.now.coverage.alone_pid = 10;
        seen.now.coverage.listed_by = dmabuf::listing::none;
        seen.now.unheld.clear();
        seen.now.counts.clear();
        seen.now.attachments.clear();
        seen.watch.feed(seen.now, seen.time += second);
        seen.watch.for_each_event([&](auto what, auto const& one) {
            seen.events.push_back({text_of(what, one), look + 1, one.so_far.rate_per_second()});
        });
    }
    std::string const which = mapped ? "mappings" : "descriptors";
    check_told(seen, 0,
               {{"process 10 " + which, 1},
                {"process_buffer 10 #" + std::to_string(inode) + " " + which, 1}});
}

TEST_CASE(
    "growth: rings, bursts, and a process that doubles and halves are silent for 10 minutes") {
    looked_at seen;
    std::vector<std::uint64_t> alive;
    auto const grow_to = [&](std::size_t count) {
        while (alive.size() > count) {
            seen.system.free(alive.front());
            alive.erase(alive.begin());
        }
        while (alive.size() < count)
            alive.push_back(seen.system.make_for(10));
    };
    SECTION("a ring") {
        seen.look(600, [&](int) {
            grow_to(1); // and the others anew
            grow_to(4 + seen.random() % 5);
        });
    }
    SECTION("a start-up burst") {
        seen.look(600,
                  [&](int look) { grow_to(static_cast<std::size_t>(std::min(look, 30)) * 10); });
    }
    SECTION("a start-up that slows down") {
        seen.look(600, [&](int look) {
            grow_to(static_cast<std::size_t>(300 * (1 - std::exp(-look / 20.0))));
        });
    }
    SECTION("doubles and halves") {
        int const period = GENERATE(10, 30, 60);
        seen.look(600, [&](int look) {
            double const at = static_cast<double>(look % period) / period;
            grow_to(static_cast<std::size_t>(20 * std::exp2(at < 0.5 ? 2 * at : 2 - 2 * at)));
        });
    }
    INFO(seen.texts());
    CHECK(seen.events.empty());
}

TEST_CASE("growth: half an hour of churn is silent") {
    looked_at seen;
    int next_pid = 100;
    seen.look(1800, [&](int) {
        auto& random = seen.random;
        // Pids are used again; processes live for ten looks or so, and share a buffer.
        while (seen.system.processes.size() < 40) {
            int const pid = next_pid++ % 300 + 100;
            if (seen.system.processes.count(pid) != 0) continue;
            seen.system.start(pid, "worker", random() % 2 != 0 ? "/one" : "/two");
            for (auto count = random() % 8; count > 0; --count)
                seen.system.make_for(pid, std::uint64_t{4096} << random() % 6,
                                     random() % 3 != 0 ? "system" : "cma");
        }
        for (auto at = seen.system.processes.begin(); at != seen.system.processes.end();) {
            auto const pid = (at++)->first;
            if (pid >= 100 && random() % 10 == 0) seen.system.exit(pid);
        }
        for (auto& [inode, one] : seen.system.buffers)
            one.attachments = static_cast<std::uint32_t>(random() % 3);
    });
    INFO(seen.texts());
    CHECK(seen.events.empty());
}

TEST_CASE("growth: an incomplete look feeds no slope, and hides no leak") {
    looked_at seen;
    auto const inode = seen.system.make_for(10);
    SECTION("a quiet system, in the middle") {
        seen.look(600, [&](int look) { seen.system.complete = look != 300; });
        CHECK(seen.events.empty());
        CHECK(seen.watch.counts().incomplete == 1);
    }
    SECTION("again and again, as if more were seen each time") {
        seen.system.complete = false;
        seen.look(600, [&](int) { seen.system.make_for(11); });
        CHECK(seen.events.empty());
        CHECK(seen.watch.counts().incomplete == 600);
    }
    SECTION("one in ten, while a process leaks") {
        seen.look(120, [&](int look) {
            seen.system.complete = look % 10 != 5;
            ++seen.system.processes[10].holds[inode].descriptors;
        });
        check_told(seen, 0, {{"process 10 descriptors", 1}, {"cgroup /one descriptors", 1}});
        CHECK(seen.watch.counts().incomplete == 12);
    }
    SECTION("a process of which ever more is seen, beside one that is seen and leaks") {
        auto const other = seen.system.processes[11].holds.begin()->first;
        seen.system.partly_seen = 10;
        seen.look(120, [&](int) {
            seen.system.make_for(10);
            ++seen.system.processes[11].holds[other].descriptors;
        });
        check_told(seen, 0, {{"process 11 descriptors", 1}});
        CHECK(seen.watch.counts().incomplete == 120);
    }
    CHECK(seen.watch.counts().looks == static_cast<std::uint64_t>(seen.looks));
}

TEST_CASE("growth: a machine that was suspended, and a clock that was set back") {
    looked_at seen;
    auto const leak = [&](int) { seen.system.make_for(10); };
    seen.look(40, leak);
    bool const back = GENERATE(false, true);
    seen.time = back ? 5 * second : seen.time + 7200 * second;
    seen.look(40, leak);
    CHECK(seen.events.empty());
    CHECK(seen.watch.counts().interruptions == 1);
    seen.look(20, leak);
    CHECK(seen.events.size() == 8);
    for (auto const& one : seen.events)
        CHECK((one.rate < 1.1 || one.rate > 4000));
}

TEST_CASE("growth: who ended is closed, and its pid used again is another") {
    looked_at seen;
    auto const leak = [&](int) { seen.system.make_for(10); };
    seen.look(60, leak);
    auto const grown = seen.events.size();
    CHECK(grown == 8);
    seen.system.exit(10);
    bool const again = GENERATE(false, true);
    if (again) seen.system.start(10, "next");
    seen.look(30, again ? std::function<void(int)>(leak) : [](int) {});
    INFO(seen.texts());
    int ended = 0;
    for (auto const& one : seen.events)
        ended += one.look == 61 && one.text.starts_with("ended process 10 ") ? 1 : 0;
    CHECK(ended == 3);
    seen.watch.for_each([&](auto const& one) {
        if (one.of.pid != 10) return;
        CHECK(again);
        CHECK(one.of.name == "next");
        CHECK(one.so_far.first_ns() >= 1060 * second);
        CHECK_FALSE(one.so_far.grows());
    });
}

TEST_CASE("growth: high-water marks") {
    looked_at seen;
    seen.look(5, [&](int) { seen.system.make_for(10, 1000); });
    for (auto const inode : {2U, 3U, 4U})
        seen.system.free(inode);
    seen.look(5, [](int) {});
    int marks = 0;
    seen.watch.for_each([&](auto const& one) {
        if (one.of.kind != subject_kind::process || one.of.pid != 10) return;
        std::uint64_t const unit = one.what == measure::bytes ? 1000 : 1;
        CHECK(one.so_far.highest() == 5 * unit);
        CHECK(one.so_far.value() == 2 * unit);
        CHECK(one.so_far.highest_ns() / second == 1004);
        ++marks;
    });
    CHECK(marks == 3);
}

TEST_CASE("growth: what only some looks tell waits, and ends after a while") {
    looked_at seen;
    dmabuf::growth_subject maker;
    maker.kind = subject_kind::maker;
    maker.name = dmabuf::subject_name("m");
    seen.watch.begin_look(seen.time);
    seen.watch.add(maker, measure::buffers, 5);
    seen.watch.end_look();
    auto const makers = [&] {
        int count = 0;
        seen.watch.for_each([&](auto const& one) { count += one.of.kind == subject_kind::maker; });
        return count;
    };
    seen.time += second;
    seen.look(50, [](int) {});
    CHECK(makers() == 1);
    seen.look(20, [](int) {});
    CHECK(makers() == 0);
}

TEST_CASE("growth: long names are told apart, by their ends and as a whole") {
    looked_at seen;
    std::string const tail(255, 'x');
    seen.system.processes[10].cgroup = "/a" + tail;
    seen.system.processes[11].cgroup = "/b" + tail;
    seen.look(80, [&](int) { seen.system.make_for(10); });
    int long_names = 0;
    seen.watch.for_each([&](auto const& one) {
        if (one.of.kind != subject_kind::cgroup) return;
        CHECK(one.of.name == tail);
        ++long_names;
    });
    CHECK(long_names == 6);
    int grown = 0;
    for (auto const& one : seen.events)
        grown += one.text.starts_with("grows cgroup") ? 1 : 0;
    CHECK(grown == 3);
}

TEST_CASE("growth: more amounts than room: those that rise are kept, then the largest") {
    dmabuf::growth_options options;
    options.series = 100;
    looked_at seen(options);
    for (int pid = 100; pid < 300; ++pid) {
        seen.system.start(pid, "p");
        seen.system.make_for(pid, 4096 * static_cast<std::uint64_t>(pid));
    }
    // A small process that leaks, and is there while there is room for it.
    auto const inode = seen.system.make_for(10);
    seen.system.processes[10].holds[inode].descriptors = 50;
    seen.look(120, [&](int) { ++seen.system.processes[10].holds[inode].descriptors; });
    INFO(seen.texts());
    CHECK(seen.events.size() == 2);
    CHECK(seen.watch.counts().series == 100);
    CHECK(seen.watch.counts().left_out == 202 * 3 + 2 * 3 + 2 * 2 - 100);
    bool largest = false;
    seen.watch.for_each([&](auto const& one) {
        largest = largest || (one.of.pid == 299 && one.what == measure::bytes);
        CHECK_FALSE((one.of.pid == 100 && one.what == measure::bytes));
    });
    CHECK(largest);
}

TEST_CASE("growth: of amounts of one kind the largest are kept, whatever was kept before") {
    dmabuf::growth_options options;
    options.series = 50;
    dmabuf::growth_watch watch(options);
    for (std::uint64_t const factor : {7919U, 31U, 1U, 1008U}) {
        std::vector<std::uint64_t> told;
        std::vector<std::uint64_t> kept;
        std::vector<dmabuf::growth_subject> subjects;
        for (std::int32_t pid = 1; pid <= 400; ++pid)
            subjects.push_back({dmabuf::subject_kind::process, pid, 1, 0, {}});
        watch.begin_look(second * factor); // too far apart for anything to rise
        for (auto const& one : subjects) {
            told.push_back(static_cast<std::uint64_t>(one.pid) * factor % 1009); // no two alike
            watch.add(one, measure::bytes, told.back());
        }
        watch.all_told(dmabuf::subject_kind::process, measure::bytes);
        watch.end_look();
        watch.for_each([&](auto const& one) { kept.push_back(one.so_far.value()); });
        std::sort(kept.begin(), kept.end());
        std::sort(told.begin(), told.end());
        CAPTURE(factor);
        CHECK(kept == std::vector(told.end() - 50, told.end()));
        CHECK(watch.counts().left_out == 350);
    }
}

TEST_CASE("growth: an amount that is gone ends, be it told as nothing or left out") {
    looked_at seen;
    auto& mappings = seen.system.processes[11].holds.begin()->second.mappings;
    auto const is_kept = [&] {
        bool found = false;
        seen.watch.for_each([&](auto const& one) {
            found = found || (one.of.pid == 11 && one.what == measure::mappings);
        });
        return found;
    };
    mappings = 1;
    seen.look();
    CHECK(is_kept());
    SECTION("all processes were seen") {}
    SECTION("another process was not wholly seen") {
        seen.system.make_for(10);
        seen.system.partly_seen = 10;
    }
    mappings = 0;
    seen.look();
    CHECK_FALSE(is_kept());
}

TEST_CASE("growth: ten thousand processes that appear and vanish at each look") {
    looked_at seen;
    auto const inode = seen.system.make_for(10);
    seen.look(60, [&](int look) {
        seen.system.processes[10].holds[inode].descriptors =
            20000 + static_cast<std::uint32_t>(look);
        for (int pid = 100; pid < 10100; ++pid) {
            seen.system.start(pid, "p");
            seen.system.processes[pid].holds[inode].descriptors = 1;
        }
    });
    INFO(seen.texts());
    CHECK(seen.watch.counts().series == 2048);
    bool told = false;
    for (auto const& one : seen.events)
        told = told || one.text == "grows process 10 descriptors";
    CHECK(told);
}
