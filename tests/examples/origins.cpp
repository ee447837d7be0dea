// SPDX-License-Identifier: MIT
//
// Makers, ages and devices as dmabuf_ps tells them. Expected values are those that the scene's
// makers were given.
#include "program.hpp"
#include "scratch.hpp"

#include <nlohmann/json.hpp>

#include <fstream>

namespace {

using words = std::vector<std::string>;

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

/// Two programs share memory through a driver and have closed all descriptors but one.
struct scene {
    fake::kernel kernel;
    bpf::bpffs pins;
    fake::process* krita = &kernel.add(217, "krita", 1000);
    fake::process* compositor = &kernel.add(180, "compositor", 1000);
    std::vector<dmabuf_bpf_origin> origins;
    std::vector<dmabuf_bpf_attachment> attachments;
    dmabuf_bpf_watch watch = bpf::watch_from(10, 100 * second);

    scene() {
        kernel.sysfs_buffers = true;
        pins.boot_ns = 1000 * second;
    }

    fake::file_ptr made(std::uint64_t inode, dmabuf_bpf_actor const& by, std::uint64_t ago,
                        std::uint64_t size_bytes = mebibyte) {
        auto const file = kernel.buffer(inode, size_bytes);
        origins.push_back(bpf::origin_of(*file, by, pins.boot_ns - ago * second));
        return file;
    }

    void attach(fake::file_ptr const& file, char const* device) {
        auto const at = pins.boot_ns - second + attachments.size();
        attachments.push_back(bpf::attachment_of(*file, device, bpf::actor_of(*compositor), at));
    }

    void pin() {
        pins.pins[bpf::origins_path] = bpf::pin::of(bpf::origins(origins, watch));
        pins.pins[bpf::attachments_path] = bpf::pin::of(bpf::attachments(attachments, watch));
    }

    programs::answer show(words const& options, dmabuf::sample_options wanted,
                          std::int32_t alone_pid = 0) {
        wanted.bpf = false;
        wanted.unheld = alone_pid == 0;
        auto done = support::record_watched(kernel, pins, wanted, alone_pid).recording;
        done.made.kernel = "6.12";
        return programs::replayed(done, options);
    }

    std::string shown(words const& options, bool of_all = true) {
        auto const answer = show(options, {.origins = of_all, .origins_of_unheld = !of_all});
        INFO(answer.err);
        REQUIRE(answer.status == 0);
        return answer.out;
    }

    nlohmann::json json() { return nlohmann::json::parse(shown({"--json"})); }
};

bool has(std::string const& text, std::string const& line) {
    INFO(text);
    CHECK(text.find(line) != text.npos);
    return text.find(line) != text.npos;
}

bool lacks(std::string const& text, std::string const& line) {
    INFO(text);
    CHECK(text.find(line) == text.npos);
    return text.find(line) == text.npos;
}

} // namespace

TEST_CASE("origins: buffers that no process holds have a line for each maker") {
    scene all;
    for (std::uint64_t inode = 20; inode < 36; ++inode)
        all.attach(all.made(inode, bpf::actor_of(*all.krita), 190), "vgem");
    auto gone = bpf::actor_of(*all.compositor);
    gone.start_ns -= 10'000'000;
    all.made(40, gone, 400);
    all.made(41, gone, 30);
    all.kernel.buffer(5, 4096);
    all.pin();
    auto const text = all.shown({}, false);
    has(text, "19 buffers, 18.0 MiB, held by no process seen, as sysfs lists them\n"
              "  16 buffers, 16.0 MiB: made by 217 krita 3 min ago, attached to vgem by 180 "
              "compositor\n"
              "  2 buffers, 2.0 MiB: made by 180 compositor (ended; 180 is another process now) 30 "
              "s to 6 min ago\n"
              "  1 buffer, 4.0 KiB: made before the watch began\n");
    lacks(text, "not watched");
}

TEST_CASE("origins: a buffer that was lost says why") {
    scene all;
    all.kernel.buffer(20, 4096);
    SECTION("no room") {
        all.watch.no_room = 1;
        all.watch.room = 100;
        all.pin();
        has(all.shown({}, false), "  1 buffer, 4.0 KiB: made while the watch had no room: it "
                                  "knows 100 buffers at a time\n");
    }
    SECTION("missed") {
        all.watch.missed_begins = 1;
        all.pin();
        has(all.shown({}, false), "  1 buffer, 4.0 KiB: made under the watch, which missed it\n");
    }
    SECTION("uncertain") {
        all.pin();
        has(all.shown({}, false), "made by a process that the records do not tell for certain\n");
    }
}

TEST_CASE("origins: where makers are not watched, one line tells the command that watches") {
    scene all;
    all.kernel.buffer(20, 4096);
    std::string const line = "Makers are not watched: `dmabuf_pin --origins`, run as root, notes "
                             "those of later buffers.\n";
    auto const once = [&](words const& options) {
        auto const text = all.shown(options);
        auto const at = text.find(line);
        INFO(text);
        CHECK(at != text.npos);
        CHECK(text.find("Makers", at + 1) == text.npos);
    };
    once({});
    once({"--by", "maker"});
    once({"--by", "device"});
    once({"--older", "1m"});
    once({"--buffers"});
    all.pins.pins[bpf::origins_path].open_error = EACCES;
    has(all.shown({}), "Makers are not told: cannot open /sys/fs/bpf/dmabuf/origins: permission "
                       "denied (EACCES).\n");
}

TEST_CASE("origins: an older recording, which did not ask, says nothing of makers") {
    scene all;
    all.kernel.buffer(20, 4096);
    all.pin();
    auto const answer = all.show({}, {});
    CHECK(answer.status == 0);
    lacks(answer.out, "Makers");
    lacks(answer.out, "made");
    lacks(all.show({"--buffers"}, {.counts = true}).out, "MADE BY");
}

TEST_CASE("origins: the table of buffers has maker, age and devices") {
    scene all;
    auto const held = all.made(20, bpf::actor_of(*all.krita), 190);
    all.krita->open(held);
    all.attach(held, "vgem");
    all.attach(held, "0000:00:02.0");
    all.kernel.exit(180);
    all.pin();
    auto const text = all.shown({"--buffers", "--columns", "inode,made_by,age_seconds,devices"});
    has(text, "INODE  MADE BY      AGE  DEVICES\n"
              "   20  217 krita  3 min  vgem, 0000:00:02.0\n");
    has(all.shown({"--buffers"}), "MADE BY");
    has(all.shown({"--buffers", "--format", "csv", "--columns",
                   "inode,origin,maker_pid,made_by,age_seconds"}),
        "20,made_by,217,krita,190\r\n");
}

TEST_CASE("origins: the buffers of one process have maker and age") {
    scene all;
    all.compositor->open(all.made(20, bpf::actor_of(*all.krita), 190));
    all.compositor->open(all.kernel.buffer(5, 4096));
    all.pin();
    auto const beside = all.shown({"--pid", "180", "--buffers"});
    has(beside, "INODE     SIZE    SHARE  HOLDERS  FDS  MAPS  EXPORTER  MADE BY             AGE\n"
                "   20  1.0 MiB  1.0 MiB        1    1     0  system    217 krita         3 min\n"
                "    5  4.0 KiB  4.0 KiB        1    1     0  system    before the watch      -\n");
    words const columns{"--columns", "inode,origin,maker_pid,made_by,age_seconds"};
    words options{"--pid", "180", "--buffers", "--format", "csv"};
    options.insert(options.end(), columns.begin(), columns.end());
    auto const rows = "inode,origin,maker_pid,made_by,age_seconds\r\n"
                      "20,made_by,217,krita,190\r\n"
                      "5,before_watch,,,\r\n";
    CHECK(all.shown(options) == rows);
    options.emplace_back("--alone");
    CHECK(all.show(options, {.origins = true}, 180).out == rows);
    has(all.show({"--pid", "180", "--alone", "--buffers"}, {.origins = true}, 180).out,
        "EXPORTER  MADE BY             AGE\n"
        "   20  1.0 MiB      ?        ?    1     0  system    217 krita         3 min\n");
}

TEST_CASE("origins: buffers by the names of their makers") {
    scene all;
    all.krita->open(all.made(20, bpf::actor_of(*all.krita), 600));
    all.krita->open(all.made(21, bpf::actor_of(*all.compositor), 30));
    all.made(22, bpf::actor_of(*all.krita), 30);
    all.krita->open(all.kernel.buffer(5, 4096)); // before the watch: krita may have made it
    all.pin();
    auto const inodes = [&](words options) {
        options.insert(options.end(), {"--buffers", "--format", "csv", "--columns", "inode"});
        return all.shown(options);
    };
    CHECK(inodes({"--maker", "krita"}) == "inode\r\n20\r\n22\r\n");
    CHECK(inodes({"--maker", "krita", "--older", "10m"}) == "inode\r\n20\r\n");
    CHECK(inodes({"--maker", "comp*"}) == "inode\r\n21\r\n");
    CHECK(inodes({"--maker", "krita", "--maker", "compositor"}) == "inode\r\n20\r\n21\r\n22\r\n");
    CHECK(inodes({"--maker", "nobody"}) == "inode\r\n");
    auto const text = all.shown({"--maker", "krita"});
    has(text, "217  1000        1    1     0  1.0 MiB  1.0 MiB  1.0 MiB  krita\n");
    has(text, "Left out, since it is not known whether they fit: 1 buffer\n");
    has(text, "1 buffer, 1.0 MiB, held by no process seen");
    auto const told = nlohmann::json::parse(all.shown({"--maker", "compositor", "--json"}));
    REQUIRE(told.at("buffers").size() == 1);
    CHECK(told.at("buffers").at(0).at("inode") == 21);
    CHECK(told.at("unheld").empty());
}

TEST_CASE("origins: a device that may have been detached is said to be in doubt") {
    scene all;
    auto const held = all.made(20, bpf::actor_of(*all.krita), 190);
    all.krita->open(held);
    all.attach(held, "vgem");
    std::string const in_doubt = "may have been detached";
    SECTION("none is") {
        all.pin();
        for (auto const& options : {words{"--buffers"}, {"--by", "device"}, {}})
            lacks(all.shown(options), in_doubt);
    }
    SECTION("two are, of which the kernel's list knows nothing") {
        all.watch.missed_ends = 1;
        all.watch.failed_removals = 1;
        all.pin();
        auto const sentence = "\nUp to 2 attached devices may have been detached: the watch missed "
                              "the end of as many attachments.\n";
        has(all.shown({"--buffers"}), sentence);
        has(all.shown({"--by", "device"}), sentence);
        lacks(all.shown({}), in_doubt); // which shows no device of what is held
        all.attach(all.made(21, bpf::actor_of(*all.krita), 190), "vgem");
        all.pin();
        has(all.shown({}, false), sentence);
    }
    SECTION("nobody counts them") {
        all.watch.missed_ends = DMABUF_BPF_UNKNOWN;
        all.pin();
        has(all.shown({"--buffers"}), "\nAn attached device may have been detached: how often the "
                                      "watch missed that is unknown.\n");
    }
}

TEST_CASE("origins: by maker and by device, held or not") {
    scene all;
    all.krita->open(all.made(20, bpf::actor_of(*all.krita), 190));
    all.attach(all.made(21, bpf::actor_of(*all.krita), 30), "vgem");
    all.kernel.buffer(5, 4096);
    all.pin();
    auto const makers = all.shown({"--by", "maker"});
    has(makers, "  1 buffer, 1.0 MiB: made by 217 krita 30 s ago, attached to vgem by 180 "
                "compositor\n");
    has(makers, "BUFFERS     SIZE  UNHELD SIZE  OLDEST  NEWEST  MADE BY\n"
                "      2  2.0 MiB      1.0 MiB   3 min    30 s  217 krita\n"
                "      1  4.0 KiB      4.0 KiB       -       -  before the watch\n");
    has(all.shown({"--by", "maker", "--format", "csv"}),
        "2,2097152,0,1,1048576,190,30,made_by,217,1000,runs,krita\r\n");
    has(all.shown({"--by", "device"}), "BUFFERS     SIZE  UNHELD SIZE  DEVICE\n"
                                       "      2  1.0 MiB      4.0 KiB  none known\n"
                                       "      1  1.0 MiB      1.0 MiB  vgem\n");
    has(all.shown({"--by", "maker", "--top", "1"}), "Showing 1 of 2 makers\n");
}

TEST_CASE("origins: by maker where no process holds anything") {
    scene all;
    all.made(20, bpf::actor_of(*all.krita), 190);
    all.pin();
    has(all.shown({"--by", "maker"}), "217 krita\n");
}

TEST_CASE("origins: buffers of an age") {
    scene all;
    all.krita->open(all.made(20, bpf::actor_of(*all.krita), 600));
    all.krita->open(all.made(21, bpf::actor_of(*all.krita), 599));
    all.krita->open(all.kernel.buffer(5, 4096));  // before the watch, which is 900 s old
    all.krita->open(all.kernel.buffer(22, 4096)); // nobody knows
    all.pin();
    auto const inodes = [&](words options) {
        options.insert(options.end(), {"--buffers", "--format", "csv", "--columns", "inode"});
        return all.shown(options);
    };
    CHECK(inodes({"--older", "10m"}) == "inode\r\n20\r\n5\r\n");
    CHECK(inodes({"--older", "900s"}) == "inode\r\n5\r\n");
    CHECK(inodes({"--older", "1h"}) == "inode\r\n");
    has(all.shown({"--older", "10m"}),
        "Left out, since it is not known whether they fit: 1 buffer\n");
    has(all.shown({"--older", "1h"}),
        "Left out, since it is not known whether they fit: 2 buffers\n");
}

TEST_CASE("origins: JSON has the makers, and the state of the watch") {
    scene all;
    all.watch.no_room = 7;
    all.attach(all.made(20, bpf::actor_of(*all.krita), 190), "vgem");
    all.kernel.buffer(5, 4096);
    all.pin();
    auto const told = all.json();
    auto const& watch = told.at("watch");
    CHECK(watch.at("since_ns") == 100 * second);
    CHECK(watch.at("now_ns") == 1000 * second);
    CHECK(watch.at("no_room") == 7);
    CHECK(watch.at("missed") == 0);
    CHECK(told.at("no_watch").is_null());
    auto const& before = told.at("unheld").at(0);
    CHECK(before.at("origin") == "before_watch");
    CHECK(before.at("maker").is_null());
    CHECK(before.at("made_ns").is_null());
    auto const& made = told.at("unheld").at(1);
    CHECK(made.at("origin") == "made_by");
    CHECK(made.at("made_ns") == 810 * second);
    CHECK(made.at("maker").at("pid") == 217);
    CHECK(made.at("maker").at("comm") == "krita");
    CHECK(made.at("maker").at("now") == "runs");
    auto const& attached = made.at("watched_attachments").at(0);
    CHECK(attached.at("device") == "vgem");
    CHECK(attached.at("importer").at("pid") == 180);
    all.pins.pins.clear();
    auto const without = all.json();
    CHECK(without.at("watch").is_null());
    CHECK(without.at("no_watch").at("errno") == ENOENT);
    CHECK_FALSE(without.at("unheld").at(0).contains("origin"));
}

TEST_CASE(
    "origins: where no list is read, buffers made since the watch are told, and the rest unknown") {
    scene all;
    all.kernel.sysfs_buffers = false;
    all.krita->open(all.made(20, bpf::actor_of(*all.krita), 190));
    all.made(21, bpf::actor_of(*all.krita), 190);
    all.kernel.buffer(5, 4096); // before the watch: no file tells of it
    all.pin();
    auto const text = all.shown({}, false);
    has(text, "1 buffer, 1.0 MiB, held by no process seen, of those made since dmabuf_pin watches\n"
              "  1 buffer, 1.0 MiB: made by 217 krita 3 min ago\n");
    has(text, "No list of all buffers was compared: memory that no process holds, made before the "
              "watch over makers, is unknown");
    auto const told = all.json();
    CHECK(told.at("watch").at("tells_unheld") == true);
    CHECK(told.at("unheld").size() == 1);
    CHECK(told.at("totals").at("unheld_bytes").is_null());
}

TEST_CASE("origins: names of makers and devices cannot forge a line") {
    scene all;
    auto actor = bpf::actor_of(*all.krita);
    std::memcpy(actor.comm, "a\nb\x1b[2J", 8);
    all.attach(all.made(20, actor, 190), "x\ny");
    all.pin();
    auto const text = all.shown({}, false);
    has(text, R"(made by 217 a\nb\x1b[2J 3 min ago, attached to x\ny by 180 compositor)");
}

TEST_CASE("origins: two samples are compared by maker") {
    programs::scratch const place;
    auto const json_at = [&](char const* name, bool one_more) {
        scene all;
        all.krita->open(all.made(20, bpf::actor_of(*all.krita), 600));
        if (one_more) all.made(22, bpf::actor_of(*all.krita), 30, 2 * mebibyte);
        all.pin();
        auto const path = place.path() + "/" + name;
        std::ofstream(path) << all.shown({"--json"});
        return path;
    };
    auto const before = json_at("before", false);
    auto const after = json_at("after", true);
    words const files{DMABUF_PS, "--diff-with", before, "--replay", after};
    auto const run = [&](words const& more) {
        auto all = files;
        all.insert(all.end(), more.begin(), more.end());
        auto const answer = programs::run(all);
        INFO(answer.err);
        REQUIRE(answer.status == 0);
        return answer.out;
    };
    auto const text = run({"--by", "maker"});
    has(text, "CHANGE  BUFFERS  SIZE  FDS  MAPS  UNHELD  UNHELD SIZE  MADE BY\n"
              "grew          1     0    1     0   0 → 1     +2.0 MiB  217 krita\n");
    auto const diff = nlohmann::json::parse(run({"--json"})).at("diff");
    REQUIRE(diff.at("makers").size() == 1);
    auto const& row = diff.at("makers").at(0);
    CHECK(row.at("origin") == "made_by");
    CHECK(row.at("maker").at("pid") == 217);
    CHECK(row.at("maker").at("comm") == "krita");
    CHECK(row.at("unheld_bytes").at("change") == 2 * mebibyte);
    CHECK(row.at("buffers").at("change") == 0);
    CHECK(diff.at("doubtful").at("makers") == 0);
    lacks(run({"--by", "maker", "--maker", "nobody"}), "krita");
    has(run({"--by", "maker", "--maker", "krita"}), "217 krita");
}

TEST_CASE("origins: samples that do not tell makers are not compared by maker") {
    fake::kernel kernel;
    kernel.add(217, "krita", 1000).open(kernel.buffer(20, 4096));
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    auto done = support::record(kernel, wanted, 2).recording;
    done.made.kernel = "6.12";
    auto const answer = programs::replayed(done, {"--diff", "0", "--by", "maker"});
    CHECK(answer.status == 0);
    has(answer.out, "Unknown, since not both samples tell the maker of everything.\n");
    auto const told = programs::replayed(done, {"--diff", "0", "--json"});
    CHECK(nlohmann::json::parse(told.out).at("diff").at("makers").is_null());
}

TEST_CASE("origins: what goes with nothing is refused") {
    for (auto const& options :
         {words{"--diff", "1", "--by", "device"},
          words{"--diff", "1", "--by", "maker", "--comm", "x"},
          words{"--bufinfo", "x", "--by", "maker"}, words{"--bufinfo", "x", "--older", "1m"},
          words{"--bufinfo", "x", "--maker", "x"}, words{"--buffers", "--by", "device"},
          words{"--older", "0s"}}) {
        auto all = options;
        all.insert(all.begin(), DMABUF_PS);
        CHECK(programs::run(all).status != 0);
    }
}
