// SPDX-License-Identifier: MIT
//
// The makers of buffers and the devices attached to them, as dmabuf_pin's programs note them: the
// files read, and told with the account.
#include <dmabuf/bpf/origins.hpp>
#include <dmabuf/growth.hpp>
#include <dmabuf/origins.hpp>

#include "harness.hpp"
#include "systems/bpf_stream.hpp"

namespace {

using system_with_pins = bpf::pinned<fake::system>;

fake::file file_of(std::uint64_t inode, std::uint64_t size_bytes) {
    fake::file made;
    made.inode = inode;
    made.size_bytes = size_bytes;
    return made;
}

dmabuf_bpf_actor const krita{217, 219, 1000, 0, 40'000'000'000, "krita", "render"};

/// The items that `read` gives of a file with this text, in words, and a failure in words.
template<class Read>
std::string read_file(char const* path, std::string const& text, std::size_t piece, Read read) {
    fake::kernel kernel;
    bpf::bpffs files;
    files.pins[path] = bpf::pin::of(text, piece);
    std::string words;
    read(system_with_pins{{&kernel}, &files}, words);
    CHECK(files.open.empty());
    return words;
}

std::string origins_in(std::string const& text, std::size_t piece = 32768) {
    return read_file(bpf::origins_path, text, piece, [](auto system, std::string& words) {
        auto records = dmabuf::read_bpf_origins(dmabuf::read_space(), system);
        for (auto const& one : records) {
            if (!one) return void(words += dmabuf::describe(one.error()).view());
            words += std::to_string(one->inode) + " " + std::string(one->maker.comm) + " ";
        }
        words += "+" + std::to_string(records.changes());
    });
}

std::string attachments_in(std::string const& text, std::size_t piece = 32768) {
    return read_file(bpf::attachments_path, text, piece, [](auto system, std::string& words) {
        auto records = dmabuf::read_bpf_attachments(dmabuf::read_space(), system);
        for (auto const& one : records) {
            if (!one) return void(words += dmabuf::describe(one.error()).view());
            words += std::to_string(one->inode) + " " + std::string(one->attached_to) + " ";
        }
        words += "+" + std::to_string(records.changes());
    });
}

} // namespace

TEST_CASE("origins: both files, in reads of any size") {
    auto const piece = GENERATE(std::size_t{32768}, std::size_t{1000}, std::size_t{7});
    auto const watch = bpf::watch_from(1);
    CHECK(origins_in(bpf::origins({bpf::origin_of(file_of(5, 4096), krita, 50),
                                   bpf::origin_of(file_of(3, 4096), krita, 40)},
                                  watch),
                     piece) == "5 krita 3 krita +0");
    CHECK(attachments_in(
              bpf::attachments({bpf::attachment_of(file_of(5, 4096), "vgem", krita, 60)}, watch),
              piece) == "5 vgem +0");
    CHECK(origins_in(bpf::origins({}, watch), piece) == "+0");
}

TEST_CASE("origins: changes during the walk are told") {
    auto before = bpf::watch_from(1);
    before.begun = 12;
    before.finished = 11;
    auto after = before;
    after.begun = 14;
    after.finished = 14;
    CHECK(origins_in(bpf::watched<dmabuf_bpf_origin>(DMABUF_BPF_ORIGIN, {}, before, after)) ==
          "+3");
}

TEST_CASE("origins: a file that no program writes is refused, and named") {
    auto const watch = bpf::bytes_of(bpf::watch_from(1));
    auto const header = bpf::header(DMABUF_BPF_ORIGIN);
    auto const record = bpf::bytes_of(bpf::origin_of(file_of(5, 4096), krita, 50));
    auto earlier = bpf::watch_from(1);
    auto later = bpf::watch_from(1);
    later.begun = 1;
    std::string const refused = "cannot parse /sys/fs/bpf/dmabuf/origins at byte ";
    std::string const words = ": not the text that the kernel writes (EBADMSG)";
    struct row {
        std::string text;
        std::string told;
    };
    row const rows[] = {
        {"", refused + "0" + words},
        {header, refused + "0" + words},
        {header + bpf::end(), refused + "2" + words},
        {header + record, refused + "2" + words},
        {header + watch, refused + "0" + words},
        {header + watch + bpf::end(), refused + "2" + words},
        {header + watch + record + bpf::end(), "5 krita " + refused + "2" + words},
        {header + watch + watch + record + bpf::end(), refused + "2" + words},
        {header + watch + watch + watch + bpf::end(), refused + "2" + words},
        {header + watch + record, "5 krita " + refused + "0" + words},
        {header + watch + record + watch, "5 krita " + refused + "0" + words},
        {header + watch + header + watch + bpf::end(), refused + "2" + words},
        {header + bpf::bytes_of(later) + bpf::bytes_of(earlier) + bpf::end(),
         refused + "32" + words},
        {bpf::header(DMABUF_BPF_ATTACHMENT) + watch + watch + bpf::end(), refused + "20" + words},
        {bpf::header(DMABUF_BPF_ORIGIN, 0, DMABUF_BPF_VERSION + 1) + watch + watch + bpf::end(),
         "cannot identify /sys/fs/bpf/dmabuf/origins: of another version (EPROTONOSUPPORT)"},
        {bpf::of_other_byte_order(header) + std::string(8192, 'x'),
         "cannot identify /sys/fs/bpf/dmabuf/origins: written by a machine of the other byte order "
         "(EILSEQ)"},
        {bpf::of_other_byte_order(header),
         "cannot identify /sys/fs/bpf/dmabuf/origins: written by a machine of the other byte order "
         "(EILSEQ)"},
    };
    for (auto const& [text, told] : rows) {
        INFO(told);
        CHECK(origins_in(text) == told);
    }
}

TEST_CASE("origins: cut off at every byte, the file is refused, and never a crash") {
    auto const text =
        bpf::origins({bpf::origin_of(file_of(5, 4096), krita, 50)}, bpf::watch_from(1));
    for (std::size_t size = 0; size < text.size(); ++size) {
        INFO(size);
        CHECK(origins_in(text.substr(0, size)).ends_with("(EBADMSG)"));
    }
}

namespace {

using dmabuf::origin_state;
using dmabuf::process_state;

/// The origin of one buffer in a snapshot, in words.
std::string told_of(dmabuf::snapshot const& now, std::uint64_t inode) {
    for (auto const* const all : {&now.buffers, &now.unheld})
        for (auto const& one : *all) {
            if (one.inode != inode) continue;
            auto const* const told = now.origin_of(one);
            if (!told) return "nothing";
            std::string words(name_of(told->state));
            if (told->state == origin_state::made_by)
                words += " " + std::to_string(told->maker.pid) + " " +
                         std::string(told->maker.comm.view()) + " " +
                         std::string(name_of(told->maker.now));
            for (auto const& attached : now.watched_attachments_of(one))
                words += ", " + std::string(attached.device.view()) + " by " +
                         std::string(attached.importer.comm.view());
            return words;
        }
    return "no buffer";
}

/// A kernel with buffers that processes made under the watch, and those that it lists.
struct watched_scene {
    fake::kernel kernel;
    bpf::bpffs files;
    std::vector<std::shared_ptr<fake::file>> listed;
    std::vector<dmabuf_bpf_origin> origins;
    std::vector<dmabuf_bpf_attachment> attachments;
    dmabuf_bpf_watch before = bpf::watch_from(1);
    dmabuf_bpf_watch after = bpf::watch_from(1);

    explicit watched_scene(unsigned minor = 12, unsigned major = 6) {
        kernel.major = major;
        kernel.minor = minor;
        files.boot_ns = 600'000'000'000;
    }

    std::shared_ptr<fake::file> buffer(std::uint64_t inode, std::uint64_t size_bytes = 4096) {
        listed.push_back(kernel.buffer(inode, size_bytes));
        return listed.back();
    }

    /// A buffer that `maker` exported under the watch.
    std::shared_ptr<fake::file> made(std::uint64_t inode, dmabuf_bpf_actor const& maker) {
        auto const file = buffer(inode);
        origins.push_back(bpf::origin_of(*file, maker, inode * 1'000'000'000, 4711));
        return file;
    }

    void count(__u64 dmabuf_bpf_watch::* counter, std::uint64_t number) {
        before.*counter = after.*counter = number;
    }

    /// Changes that fell into the walk.
    void change(std::uint64_t number) { after.begun = after.finished = before.begun + number; }

    void watch_by(std::uint32_t flags) { before.head.flags = after.head.flags = flags; }

    void pin(std::uint32_t flags = 0) {
        files.pins[bpf::buffers_path] = bpf::pin::of(bpf::list_of(listed));
        files.pins[bpf::origins_path] =
            bpf::pin::of(bpf::watched(DMABUF_BPF_ORIGIN, origins, before, after, flags));
        files.pins[bpf::attachments_path] =
            bpf::pin::of(bpf::watched(DMABUF_BPF_ATTACHMENT, attachments, before, after, flags));
    }

    dmabuf::snapshot sample(dmabuf::sample_options options = {.unheld = true, .origins = true}) {
        auto const now = taken(options);
        CHECK(broken_invariant(now) == "");
        CHECK(files.open.empty());
        CHECK(kernel.open_descriptors() == 0);
        return now;
    }

    dmabuf::snapshot pinned_sample() {
        pin();
        return sample();
    }

private:
    dmabuf::snapshot taken(dmabuf::sample_options const& options) {
        dmabuf::basic_sampler<system_with_pins> sampler(options,
                                                        system_with_pins{{&kernel}, &files});
        dmabuf::snapshot now;
        auto const done = sampler.sample(now);
        INFO(dmabuf::describe(done.error()).c_str());
        REQUIRE(done);
        return now;
    }
};

} // namespace

TEST_CASE("origins: each buffer is told as its maker made it, held or not") {
    watched_scene all;
    auto& maker = all.kernel.add(217, "krita", 1000);
    maker.open(all.made(5, bpf::actor_of(maker)));
    all.made(6, bpf::actor_of(maker));
    auto const now = all.pinned_sample();
    CHECK(now.watch.origins_read);
    CHECK(now.watch.attachments_read);
    CHECK(now.watch.why_no_origins.error == 0);
    CHECK(now.watch.now_ns == 600'000'000'000);
    REQUIRE(now.buffers.size() == 1);
    REQUIRE(now.unheld.size() == 1);
    CHECK(told_of(now, 5) == "made_by 217 krita runs");
    CHECK(told_of(now, 6) == "made_by 217 krita runs");
    auto const& told = *now.origin_of(now.unheld.front());
    CHECK(told.made_ns == 6'000'000'000);
    CHECK(now.watch.age_ns(told.made_ns) == 594'000'000'000);
    CHECK(told.cgroup == 4711);
    CHECK(told.maker.uid == 1000);
    CHECK(told.maker.start_ticks() == maker.start_ticks);
    CHECK(now.coverage.complete());
}

TEST_CASE("origins: without a record a buffer was made before the watch, or was missed") {
    watched_scene all;
    all.buffer(5);
    all.buffer(9);
    all.count(&dmabuf_bpf_watch::first_inode, 9);
    SECTION("nothing was lost: it has been released since") {
        auto const now = all.pinned_sample();
        CHECK(told_of(now, 5) == "before_watch");
        CHECK(told_of(now, 9) == "uncertain");
    }
    SECTION("no room") {
        all.count(&dmabuf_bpf_watch::no_room, 3);
        auto const now = all.pinned_sample();
        CHECK(told_of(now, 5) == "before_watch");
        CHECK(told_of(now, 9) == "no_room");
        CHECK(now.watch.no_room == 3);
    }
    SECTION("the kernel did not run the program") {
        all.count(&dmabuf_bpf_watch::missed_begins, 2);
        all.count(&dmabuf_bpf_watch::no_room, 3);
        auto const now = all.pinned_sample();
        CHECK(told_of(now, 9) == "missed");
        CHECK(now.watch.missed == 2);
    }
    SECTION("nobody counted how often it did not") {
        all.count(&dmabuf_bpf_watch::missed_begins, DMABUF_BPF_UNKNOWN);
        auto const now = all.pinned_sample();
        CHECK(told_of(now, 9) == "missed");
        CHECK_FALSE(now.watch.missed.has_value());
    }
    SECTION("the record could not be made") {
        all.count(&dmabuf_bpf_watch::failed_entries, 1);
        CHECK(told_of(all.pinned_sample(), 9) == "missed");
    }
    SECTION("the walk may have passed over it") {
        all.count(&dmabuf_bpf_watch::missed_begins, 2);
        all.change(1);
        auto const now = all.pinned_sample();
        CHECK(told_of(now, 5) == "before_watch");
        CHECK(told_of(now, 9) == "uncertain");
        CHECK(now.watch.changes == 1);
    }
}

TEST_CASE("origins: a maker's leak is growth, though each look meets buffers that end meanwhile") {
    watched_scene all;
    auto const maker = bpf::actor_of(all.kernel.add(217, "krita"));
    dmabuf::growth_watch watch;
    std::string told;
    for (std::uint64_t look = 1; look <= 60; ++look) {
        all.made(10 * look, maker);
        auto const kept = all.listed;
        for (std::uint64_t frame = 1; frame <= look % 4; ++frame)
            all.buffer(10 * look + frame); // it has no record any more
        auto const now = all.pinned_sample();
        CHECK(told_of(now, 10 * look + 1) == (look % 4 == 0 ? "no buffer" : "uncertain"));
        all.listed = kept;
        watch.feed(now, look * 1'000'000'000);
        watch.for_each_event([&](auto what, dmabuf::growth_series const& one) {
            if (one.of.kind != dmabuf::subject_kind::maker) return;
            told += std::string(name_of(what)) + " " + std::to_string(one.of.pid) + " " +
                    std::string(name_of(one.what)) + "\n";
        });
    }
    CHECK(told.find("grows 217 buffers\n") != told.npos);
    CHECK(told.find("stopped") == told.npos);
}

TEST_CASE("origins: a maker that runs, has ended, or whose number is another process's") {
    watched_scene all;
    auto& idle = all.kernel.add(100, "idle");
    auto const ended = bpf::actor_of(all.kernel.add(200, "ended"));
    auto before = bpf::actor_of(all.kernel.add(300, "later"));
    std::memcpy(before.comm, "before", 7);
    before.start_ns -= 10'000'000;
    auto& holds = all.kernel.add(400, "holds");
    auto earlier = bpf::actor_of(holds);
    earlier.start_ns -= 10'000'000;
    all.kernel.exit(200);
    all.made(5, bpf::actor_of(idle));
    all.made(6, ended);
    all.made(7, before);
    holds.open(all.made(8, earlier));
    auto const now = all.pinned_sample();
    CHECK(told_of(now, 5) == "made_by 100 idle runs");
    CHECK(told_of(now, 6) == "made_by 200 ended ended");
    CHECK(told_of(now, 7) == "made_by 300 before replaced");
    CHECK(told_of(now, 8) == "made_by 400 holds replaced");
    all.kernel.caller = fake::rights::user(4711);
    all.kernel.hidepid = 2;
    CHECK(told_of(all.sample(), 6) == "made_by 200 ended unknown");
}

TEST_CASE("origins: devices and importers, and those of another buffer's") {
    watched_scene all;
    auto const file = all.made(5, krita);
    auto compositor = krita;
    std::memcpy(compositor.comm, "compositor", 11);
    auto const attach = [&](char const* device, std::uint64_t at) {
        all.attachments.push_back(bpf::attachment_of(*file, device, compositor, at));
    };
    attach("vgem", 30);
    attach("0000:00:02.0", 20);
    attach("other", 40);
    all.attachments.back().buffer ^= 1;
    attach("bigger", 50);
    all.attachments.back().size_bytes += 1;
    attach("", 60);
    all.attachments.back().head.flags = DMABUF_BPF_UNNAMED_DEVICE;
    all.attachments.push_back(all.attachments.front()); // met twice
    all.count(&dmabuf_bpf_watch::no_room, 3);
    auto const now = all.pinned_sample();
    CHECK(told_of(now, 5) ==
          "made_by 217 krita ended, 0000:00:02.0 by compositor, vgem by compositor,  by "
          "compositor");
    CHECK_FALSE(now.watched_attachments.back().named);
    CHECK(now.watch.attachments_lost == 3);
    CHECK(now.watch.attachments_left_over == 0);
    // A device's events are another file's: without it the makers are told.
    all.files.pins.erase(bpf::attachments_path);
    auto const without = all.sample();
    CHECK(told_of(without, 5) == "made_by 217 krita ended");
    CHECK_FALSE(without.watch.attachments_read);
    CHECK(without.watch.why_no_attachments.error == ENOENT);
}

TEST_CASE("origins: before 5.18 a record is proof where nothing else fits") {
    watched_scene all(10, 5);
    all.watch_by(0);
    all.count(&dmabuf_bpf_watch::first_inode, DMABUF_BPF_UNKNOWN);
    all.made(5, krita);
    all.buffer(7);
    SECTION("one record, one buffer") {
        auto const now = all.pinned_sample();
        CHECK(told_of(now, 5) == "made_by 217 krita ended");
        CHECK(told_of(now, 7) == "before_watch");
    }
    SECTION("a record of another size is another buffer's") {
        all.origins.front().size_bytes += 1;
        CHECK(told_of(all.pinned_sample(), 5) == "before_watch");
    }
    SECTION("two records fit") {
        all.origins.push_back(all.origins.front());
        all.origins.back().buffer ^= 1;
        CHECK(told_of(all.pinned_sample(), 5) == "uncertain");
    }
    SECTION("two buffers fit") {
        all.listed.push_back(all.kernel.twin(5, 4096));
        CHECK(told_of(all.pinned_sample(), 5) == "uncertain");
    }
    SECTION("it may have been left over by an earlier buffer") {
        all.count(&dmabuf_bpf_watch::missed_ends, DMABUF_BPF_UNKNOWN);
        auto const sample = [&] {
            all.pin(DMABUF_BPF_NO_NAMES); // the program cannot tell whether its buffer is gone
            return all.sample();
        };
        CHECK(told_of(sample(), 5) == "made_by 217 krita ended");
        all.count(&dmabuf_bpf_watch::missed_begins, DMABUF_BPF_UNKNOWN);
        CHECK(told_of(all.pinned_sample(), 5) == "made_by 217 krita ended");
        auto const now = sample();
        CHECK(told_of(now, 5) == "uncertain");
        CHECK(told_of(now, 7) == "uncertain");
    }
}

TEST_CASE("origins: a record that the walk met twice is one") {
    watched_scene all;
    all.made(5, krita);
    all.origins.push_back(all.origins.front());
    all.change(1);
    CHECK(told_of(all.pinned_sample(), 5) == "made_by 217 krita ended");
}

TEST_CASE("origins: a record of another file system is no buffer's") {
    watched_scene all;
    auto& maker = all.kernel.add(217, "krita");
    maker.open(all.made(5, bpf::actor_of(maker))); // by which the device is learned
    all.made(6, bpf::actor_of(maker));
    all.origins.back().device = 12;
    auto const now = all.pinned_sample();
    CHECK(told_of(now, 5) == "made_by 217 krita runs");
    CHECK(told_of(now, 6) == "uncertain");
}

TEST_CASE("origins: what cannot be read is named, and the account is whole") {
    watched_scene all;
    all.made(5, krita);
    auto const flags = GENERATE(0U, std::uint32_t{DMABUF_BPF_IN_PID_NAMESPACE},
                                std::uint32_t{DMABUF_BPF_IN_USER_NAMESPACE},
                                std::uint32_t{DMABUF_BPF_IN_TIME_NAMESPACE});
    all.pin(flags);
    int expected = EXDEV;
    if (flags == 0) {
        auto const error = GENERATE(ENOENT, EACCES, EBADMSG);
        auto& pin = all.files.pins[bpf::origins_path];
        if (error == EBADMSG)
            pin.answers = {bpf::header(DMABUF_BPF_ORIGIN)};
        else
            pin.open_error = error;
        expected = error;
    }
    auto const now = all.sample();
    CHECK(now.watch.why_no_origins.error == expected);
    CHECK(now.watch.why_no_origins.where.what == dmabuf::object::bpf_origins);
    CHECK_FALSE(now.watch.origins_read);
    CHECK(told_of(now, 5) == "nothing");
    CHECK(now.coverage.complete());
    CHECK(now.unheld.size() == 1);
}

TEST_CASE("origins: calls are made where they are asked for, and no others") {
    watched_scene all;
    auto& maker = all.kernel.add(217, "krita");
    maker.open(all.made(5, bpf::actor_of(maker)));
    all.pin();
    auto const calls = [&](dmabuf::sample_options options) {
        all.files.calls = 0;
        auto const kernel_before = all.kernel.calls();
        all.sample(options);
        return all.files.calls + all.kernel.calls() - kernel_before;
    };
    auto const without = calls({.unheld = true});
    CHECK(calls({.unheld = true, .origins_of_unheld = true}) == without);
    CHECK(calls({.unheld = true, .origins = true}) ==
          without + 8); // 4 a file: the maker holds a buffer
    all.made(6, krita);
    all.pin();
    auto const with_unheld = calls({.unheld = true});
    auto const now = all.sample({.unheld = true, .origins_of_unheld = true});
    CHECK(told_of(now, 5) == "nothing");
    CHECK(told_of(now, 6) == "made_by 217 krita replaced");
    CHECK(calls({.unheld = true, .origins_of_unheld = true}) == with_unheld + 8);
    all.files.pins.erase(bpf::origins_path);
    CHECK(calls({.unheld = true, .origins = true}) == with_unheld + 1);
}

TEST_CASE("origins: by maker and by device, held or not") {
    watched_scene all;
    auto& maker = all.kernel.add(217, "krita");
    auto earlier = bpf::actor_of(maker);
    earlier.start_ns -= 10'000'000;
    maker.open(all.made(5, bpf::actor_of(maker)));
    auto const shown = all.made(6, bpf::actor_of(maker));
    all.made(7, earlier);
    all.buffer(2, 100);
    all.count(&dmabuf_bpf_watch::first_inode, 5);
    for (auto const at : {10U, 20U})
        all.attachments.push_back(bpf::attachment_of(*shown, "vgem", krita, at));
    auto const now = all.pinned_sample();
    auto const makers = dmabuf::by_maker(now);
    REQUIRE(makers.size() == 3);
    CHECK(makers[0].maker.pid == 217);
    CHECK(makers[0].maker.now == process_state::runs);
    CHECK(makers[0].buffers == 2);
    CHECK(makers[0].size_bytes == 8192);
    CHECK(makers[0].unheld_buffers == 1);
    CHECK(makers[0].unheld_bytes == 4096);
    CHECK(makers[0].oldest_ns == 5'000'000'000);
    CHECK(makers[0].newest_ns == 6'000'000'000);
    CHECK(makers[1].maker.now == process_state::replaced);
    CHECK(makers[1].buffers == 1);
    CHECK(makers[2].state == origin_state::before_watch);
    CHECK(makers[2].size_bytes == 100);
    auto const devices = dmabuf::by_device(now);
    REQUIRE(devices.size() == 2);
    CHECK(devices[0].device.empty());
    CHECK(devices[0].buffers == 3);
    CHECK(devices[1].device == "vgem");
    CHECK(devices[1].buffers == 1);
    CHECK(devices[1].unheld_bytes == 4096);
}

TEST_CASE("origins: where no list is read, the watch tells what nobody holds, since it began") {
    watched_scene all;
    auto& maker = all.kernel.add(217, "krita");
    maker.open(all.made(5, bpf::actor_of(maker)));
    all.made(6, bpf::actor_of(maker));
    all.made(599, bpf::actor_of(maker));
    all.made(601, bpf::actor_of(maker)); // during the sample, which begins after 600 s
    all.buffer(2);                       // before the watch: nothing tells of it
    all.count(&dmabuf_bpf_watch::first_inode, 5);
    all.pin();
    all.files.pins.erase(bpf::buffers_path);
    bool const of_all = GENERATE(false, true);
    dmabuf::sample_options const wanted{
        .unheld = true, .origins = of_all, .origins_of_unheld = !of_all};
    auto const now = all.sample(wanted);
    CHECK_FALSE(now.coverage.buffers_compared());
    CHECK(now.watch.tells_unheld);
    REQUIRE(now.unheld.size() == 2);
    CHECK(told_of(now, 6) == "made_by 217 krita runs");
    CHECK(told_of(now, 599) == "made_by 217 krita runs");
    CHECK(now.unheld_bytes == 8192);
    SECTION("what may be left over is not told") {
        all.count(&dmabuf_bpf_watch::missed_ends, DMABUF_BPF_UNKNOWN);
        all.pin();
        all.files.pins.erase(bpf::buffers_path);
        CHECK(all.sample(wanted).unheld.size() == 2);
        all.pin(DMABUF_BPF_NO_NAMES); // the program cannot tell whether a buffer is gone
        all.files.pins.erase(bpf::buffers_path);
        auto const doubtful = all.sample(wanted);
        CHECK(doubtful.unheld.empty());
        CHECK_FALSE(doubtful.watch.tells_unheld);
    }
    SECTION("nor without a clock of boot time") {
        all.files.boot_ns = 0;
        CHECK(all.sample(wanted).unheld.empty());
    }
    SECTION("a list tells all") {
        all.pin();
        auto const listed = all.sample(wanted);
        CHECK(listed.unheld.size() == 4);
        CHECK_FALSE(listed.watch.tells_unheld);
    }
    SECTION("nobody asked") {
        CHECK(all.sample({.origins = true}).unheld.empty());
    }
}

TEST_CASE("origins: of a thousand buffers in the order of a hash") {
    watched_scene all;
    for (std::uint64_t at = 0; at < 1000; ++at)
        all.made(1 + at * 577 % 1009, krita);
    auto const now = all.pinned_sample();
    CHECK(now.origins.size() == 1000);
    for (auto const& told : now.origins) {
        CHECK(told.state == origin_state::made_by);
        CHECK(told.made_ns == told.inode * 1'000'000'000);
    }
}
