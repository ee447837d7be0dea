// SPDX-License-Identifier: MIT
//
// The pinned BPF iterators: the account out of their records, and every way in which they may not
// serve. Whatever happens, the walk over /proc stands behind them.
#include "harness.hpp"
#include "systems/bpf_stream.hpp"

namespace {

using dmabuf::source;
using system_with_pins = bpf::pinned<fake::system>;
using pinned_sampler = dmabuf::basic_sampler<system_with_pins>;

struct scene {
    fake::kernel kernel;
    bpf::bpffs files;
    bpf::walks walks;

    /// Pins what `processes` hold.
    void pin(std::vector<int> const& pids, std::size_t piece = 32768) {
        std::vector<fake::process const*> processes;
        for (int const pid : pids)
            processes.push_back(&kernel.at(pid));
        walks = bpf::of(kernel, processes);
        files.pins[bpf::descriptors_path] = bpf::pin::of(walks.descriptors, piece);
        files.pins[bpf::mappings_path] = bpf::pin::of(walks.mappings, piece);
    }

    dmabuf::snapshot sample(dmabuf::sample_options options = {}) {
        pinned_sampler sampler(options, system_with_pins{{&kernel}, &files});
        dmabuf::snapshot now;
        auto const done = sampler.sample(now);
        INFO(describe(done.error()).c_str());
        REQUIRE(done);
        CHECK(broken_invariant(now) == "");
        CHECK(files.open.empty());
        return now;
    }
};

/// Threads with tables of their own, shared tables, a dead leader, dup, O_PATH, mappings.
void populate(scene& all) {
    auto& kernel = all.kernel;
    auto const shared = kernel.buffer(1, 10'000'001, "system", "shared");
    auto const own = kernel.buffer(2, 4096, "udmabuf");
    auto const third = kernel.buffer(3, 8192, "system", "a\nsize:\t1\n");
    auto const mapped = kernel.buffer(4, 100, "i915", "");
    auto& compositor = kernel.add(100, "compositor", 1000);
    compositor.open(kernel.regular("/etc/passwd"));
    compositor.open(shared);
    compositor.open(shared);
    compositor.open(own);
    compositor.map(shared, 4096);
    compositor.map(shared, 8192);
    auto& camera = kernel.add(200, "a) S 1 (b", 7);
    camera.open(shared);
    camera.open(third, true);
    auto const worker = std::make_shared<fake::table>();
    fake::process::open_in(*worker, own);
    camera.add_thread(450, worker); // between the tasks of others
    camera.add_thread(451, worker);
    camera.add_thread(452);
    auto& headless = kernel.add(300, "headless", 0);
    headless.open(third);
    headless.open(mapped);
    headless.map(mapped, 4096);
    headless.add_thread(301, headless.leader().files);
    headless.add_thread(302, headless.leader().files);
    headless.end_leader();
    auto& sharing = kernel.add(400, "sharing", 1000);
    sharing.leader().files = compositor.leader().files;
    kernel.add(500, "mapper", 1000).map(mapped, 65536);
}

constexpr auto all_holders = {100, 200, 300, 400, 500};

} // namespace

TEST_CASE("bpf: the account is the truth, in reads of any size") {
    scene all;
    populate(all);
    auto const piece = GENERATE(std::size_t{32768}, std::size_t{1000}, std::size_t{7});
    all.pin(all_holders, piece);
    // Nobody looks at a process: the caller has no right at all.
    all.kernel.caller = fake::rights::user(4711);
    all.kernel.hidepid = GENERATE(0, 2);
    auto const now = all.sample();
    CHECK(now.coverage.found_by == source::bpf_iterator);
    CHECK(now.coverage.why_no_bpf.error == 0);
    CHECK_COMPLETE(now, all.kernel);
    CHECK(now.coverage.processes == 5);
    CHECK(now.coverage.processes_seen == 5);
    CHECK(now.coverage.tables == 5);
    CHECK(now.coverage.buffers_undescribed == 0);
    CHECK(holder_of(now, 200).comm == "a) S 1 (b");
    CHECK(holder_of(now, 200).uid == 7);
    CHECK(holder_of(now, 200).start_ticks == all.kernel.at(200).start_ticks);
    CHECK(buffer_of(now, 4).named);
    CHECK(buffer_of(now, 2).name_known);
    CHECK_FALSE(buffer_of(now, 2).named);
}

TEST_CASE("bpf: a walk over /proc gives the same account") {
    scene all;
    populate(all);
    all.pin(all_holders);
    auto const walked = all.sample({.force = source::fd_walk});
    CHECK(walked.coverage.found_by == source::fd_walk);
    CHECK(walked.coverage.why_no_bpf.error == 0);
    CHECK(words(account_of(walked)) == words(account_of(all.sample())));
    CHECK(all.sample({.bpf = false}).coverage.found_by == source::fd_walk);
}

TEST_CASE("bpf: a snapshot is a handful of calls, whatever the number of processes") {
    scene all;
    populate(all);
    all.pin(all_holders);
    pinned_sampler sampler({}, system_with_pins{{&all.kernel}, &all.files});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now)); // probes as well
    auto const before = all.kernel.calls();
    all.files.calls = 0;
    REQUIRE(sampler.sample(now));
    CHECK(all.kernel.calls() == before);
    CHECK(all.files.calls == 8); // open, statfs, read, close, each twice
}

TEST_CASE("bpf: what does not serve is named, and the walk serves") {
    scene all;
    populate(all);
    all.pin(all_holders);
    auto const& text = all.walks.descriptors;
    // Found anew each time: some rows take it away.
    auto const pin = [&]() -> bpf::pin& { return all.files.pins[bpf::descriptors_path]; };
    struct row {
        char const* what;
        std::function<void()> make;
        dmabuf::operation doing;
        int error;
    };
    using dmabuf::operation;
    auto const begun_by = [&](std::string const& head) {
        return [&, head] { pin() = bpf::pin::of(head + text.substr(sizeof(dmabuf_bpf_header))); };
    };
    std::vector<row> const rows = {
        {"not pinned", [&] { all.files.pins.clear(); }, operation::open, ENOENT},
        {"only one pinned", [&] { all.files.pins.erase(bpf::mappings_path); }, operation::open,
         ENOENT},
        {"denied", [&] { pin().open_error = EACCES; }, operation::open, EACCES},
        {"another file system", [&] { pin().filesystem = 0x01021994; }, operation::identify,
         ENODEV},
        {"statfs fails", [&] { pin().filesystem = -EIO; }, operation::statfs, EIO},
        {"empty", [&] { pin().answers.clear(); }, operation::parse, EBADMSG},
        {"text", [&] { pin() = bpf::pin::of("1\n4096\nname\nsystem\n"); }, operation::parse,
         EBADMSG},
        {"another magic", begun_by(bpf::header(2, 0, DMABUF_BPF_VERSION, 42)), operation::parse,
         EBADMSG},
        {"another version", begun_by(bpf::header(2, 0, DMABUF_BPF_VERSION + 1)),
         operation::identify, EPROTONOSUPPORT},
        {"another byte order", begun_by(bpf::of_other_byte_order(bpf::header(2))),
         operation::identify, EILSEQ},
        {"another walk", begun_by(bpf::header(3)), operation::parse, EBADMSG},
        {"another pid namespace", begun_by(bpf::header(2, DMABUF_BPF_IN_PID_NAMESPACE)),
         operation::identify, EXDEV},
        {"another user namespace", begun_by(bpf::header(2, DMABUF_BPF_IN_USER_NAMESPACE)),
         operation::identify, EXDEV},
        {"another time namespace", begun_by(bpf::header(2, DMABUF_BPF_IN_TIME_NAMESPACE)),
         operation::identify, EXDEV},
        {"a record of no process",
         [&] {
             auto broken = text;
             broken.replace(sizeof(dmabuf_bpf_header) + offsetof(dmabuf_bpf_reference, holder.tgid),
                            4, 4, '\0');
             pin() = bpf::pin::of(broken);
         },
         operation::parse, EBADMSG},
        {"no end", [&] { pin() = bpf::pin::of(text.substr(0, text.size() - 8)); }, operation::parse,
         EBADMSG},
        {"read fails", [&] { pin().answers.emplace_front(EIO); }, operation::read, EIO},
        {"read fails later",
         [&] {
             pin() = bpf::pin::of(text, 1024);
             pin().answers.insert(pin().answers.begin() + 1, ENOMEM);
         },
         operation::read, ENOMEM},
        {"never an answer", [&] { pin().answers.assign(5000, EAGAIN); }, operation::read, EAGAIN},
    };
    for (auto const& row : rows) {
        INFO(row.what);
        all.pin(all_holders);
        row.make();
        auto const now = all.sample();
        CHECK(now.coverage.found_by == source::fd_walk);
        CHECK(now.coverage.why_no_bpf.doing == row.doing);
        CHECK(now.coverage.why_no_bpf.error == row.error);
        CHECK_COMPLETE(now, all.kernel);
    }
}

TEST_CASE("bpf: where /proc has other numbers, because pidns= mounted it, the walk serves") {
    scene all;
    populate(all);
    all.pin(all_holders);
    all.kernel.shows_caller = GENERATE(false, true);
    all.kernel.add(2, "second", 0);
    auto const now = all.sample();
    CHECK((now.coverage.found_by == source::bpf_iterator) == all.kernel.shows_caller);
    CHECK(now.coverage.why_no_bpf.error == (all.kernel.shows_caller ? 0 : EXDEV));
    CHECK(now.coverage.complete() == all.kernel.shows_caller);
}

TEST_CASE("bpf: pins, lists and processes are found below other roots") {
    scene all;
    populate(all);
    all.pin(all_holders);
    auto& kernel = all.kernel;
    kernel.proc_root = "/host/proc";
    kernel.sys_root = "/host/sys";
    kernel.debugfs = true;
    kernel.sysfs_buffers = GENERATE(false, true);
    bool const own_bpffs = GENERATE(false, true);
    all.files.root = own_bpffs ? "/pins" : "/host/sys/fs/bpf";
    std::vector<std::string> elsewhere;
    kernel.event = [&](fake::call_event const& event) {
        if (event.path.starts_with("/") && !event.path.starts_with("/host/"))
            elsewhere.push_back(event.path);
    };
    dmabuf::sample_options options{.cgroups = true,
                                   .unheld = true,
                                   .bufinfo = true,
                                   .counts = true,
                                   .proc = "/host/proc",
                                   .sys = "/host/sys"};
    if (own_bpffs) options.bpffs = "/pins";
    auto const now = all.sample(options);
    CHECK(now.coverage.found_by == source::bpf_iterator);
    CHECK(now.coverage.cgroups_unknown == 0);
    CHECK(now.coverage.listed_by ==
          (kernel.sysfs_buffers ? dmabuf::listing::sysfs : dmabuf::listing::bufinfo));
    all.files.pins[bpf::buffers_path] = bpf::pin::of(bpf::list_of({kernel.buffers().at(1)}));
    options.bufinfo = false;
    if (!kernel.sysfs_buffers)
        CHECK(all.sample(options).coverage.listed_by == dmabuf::listing::bpf_iterator);
    all.files.pins.clear();
    options.bufinfo = true;
    auto const walked = all.sample(options);
    CHECK_COMPLETE(walked, kernel);
    CHECK(walked.coverage.found_by == source::fd_walk);
    CHECK(elsewhere == std::vector<std::string>{});
}

TEST_CASE("bpf: a walk cut off anywhere is never taken for a whole one") {
    scene all;
    populate(all);
    all.pin(all_holders);
    auto const text = all.walks.descriptors;
    for (std::size_t size = 0; size < text.size(); ++size) {
        all.files.pins[bpf::descriptors_path] = bpf::pin::of(text.substr(0, size));
        auto const now = all.sample();
        INFO(size);
        REQUIRE(now.coverage.found_by == source::fd_walk);
    }
}

TEST_CASE("bpf: what a walk said that was cut off is not believed by the next source") {
    scene all;
    all.kernel.dmabuf_fds = all.kernel.sysfs_buffers = true;
    populate(all);
    all.pin(all_holders);
    dmabuf::sample_options options; // and then sizes are asked for once
    options.names = options.mappings = false;
    pinned_sampler sampler(options, system_with_pins{{&all.kernel}, &all.files});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    CHECK(now.coverage.found_by == source::bpf_iterator);
    auto text =
        all.walks.descriptors; // of which each buffer's size is made another, and the end taken
    for (std::size_t at = sizeof(dmabuf_bpf_header); at + sizeof(dmabuf_bpf_head) < text.size();) {
        dmabuf_bpf_head head;
        std::memcpy(&head, text.data() + at, sizeof head);
        std::uint64_t const wrong = 12345;
        auto const size_at = at + offsetof(dmabuf_bpf_reference, buffer.size_bytes);
        std::memcpy(text.data() + size_at, &wrong, sizeof wrong);
        at += head.length;
    }
    text.resize(text.size() - sizeof(dmabuf_bpf_head));
    all.files.pins[bpf::descriptors_path] = bpf::pin::of(text);
    REQUIRE(sampler.sample(now));
    CHECK(now.coverage.found_by == source::dmabuf_fds);
    CHECK(now.buffers.size() == 4);
    for (auto const& buffer : now.buffers)
        CHECK(buffer.size_bytes == all.kernel.buffers().at(buffer.inode)->size_bytes);
}

TEST_CASE("bpf: a million files without a DMA-BUF, and a signal, only take another read") {
    scene all;
    populate(all);
    all.pin(all_holders);
    all.files.pins[bpf::descriptors_path].answers.push_front(EAGAIN);
    all.files.pins[bpf::mappings_path].answers.push_front(EINTR);
    auto const now = all.sample();
    CHECK(now.coverage.found_by == source::bpf_iterator);
    CHECK_COMPLETE(now, all.kernel);
}

TEST_CASE("bpf: under lockdown there are no names") {
    scene all;
    all.kernel.add(100, "a").open(all.kernel.buffer(1, 4096, "system", "name"));
    dmabuf_bpf_buffer buffer{1, 4096, 11, 0, {}, 0};
    all.files.pins[bpf::descriptors_path] =
        bpf::pin::of(bpf::header(2, DMABUF_BPF_NO_NAMES) +
                     bpf::reference(2, bpf::holder_of(all.kernel.at(100), 100), buffer, nullptr,
                                    DMABUF_BPF_UNDESCRIBED) +
                     bpf::end());
    all.files.pins[bpf::mappings_path] = bpf::pin::of(bpf::header(3) + bpf::end());
    auto const now = all.sample();
    CHECK(now.coverage.found_by == source::bpf_iterator);
    CHECK(now.coverage.complete());
    CHECK(now.coverage.buffers_undescribed == 1);
    CHECK(now.total_bytes == 4096);
    CHECK_FALSE(buffer_of(now, 1).name_known);
    CHECK(now.exporter_of(buffer_of(now, 1)).empty());
}

TEST_CASE("bpf: exporters with names of up to 63 bytes, and what is longer is nobody else's") {
    scene all;
    auto const common = std::string("mtk_sapu_engine_shm_region-aligned");
    auto const longest = common + std::string(63 - common.size(), 'x');
    auto& process = all.kernel.add(100, "p");
    for (auto const& [inode, exporter] : std::map<std::uint64_t, std::string>{
             {1, common}, {2, longest}, {3, longest}, {4, longest + "y"}, {5, longest + "y"}})
        process.open(all.kernel.buffer(inode, 4096 * inode, exporter));
    all.pin({100});
    auto const now = all.sample();
    CHECK(now.coverage.found_by == source::bpf_iterator);
    REQUIRE(now.exporters.size() == 4);
    CHECK(now.exporter_of(buffer_of(now, 1)) == common);
    CHECK(now.exporter_of(buffer_of(now, 2)).view() == longest);
    CHECK_FALSE(now.exporter_of(buffer_of(now, 2)).truncated());
    CHECK(buffer_of(now, 2).exporter == buffer_of(now, 3).exporter);
    CHECK(now.exporter_of(buffer_of(now, 4)).view() == longest);
    CHECK(now.exporter_of(buffer_of(now, 4)).truncated());
    CHECK(buffer_of(now, 4).exporter != buffer_of(now, 5).exporter);
    CHECK(buffer_of(now, 4).exporter != buffer_of(now, 2).exporter);
}

TEST_CASE("bpf: a number used again during the walk is the later process's") {
    scene all;
    auto& kernel = all.kernel;
    auto const first = kernel.buffer(1, 4096);
    auto const second = kernel.buffer(2, 8192);
    auto& process = kernel.add(100, "later");
    process.open(second);
    auto holder = bpf::holder_of(process, 100);
    auto earlier = holder;
    earlier.start_ns -= 20'000'000;
    earlier.set = 77;
    all.files.pins[bpf::descriptors_path] =
        bpf::pin::of(bpf::header(2) + bpf::reference(2, earlier, bpf::buffer_of(*first), nullptr) +
                     bpf::reference(2, holder, bpf::buffer_of(*second), nullptr) + bpf::end());
    all.files.pins[bpf::mappings_path] = bpf::pin::of(bpf::header(3) + bpf::end());
    CHECK_COMPLETE(all.sample(), kernel);
}

TEST_CASE("bpf: a table that one thread shows in part and another whole is whole, once") {
    scene all;
    auto& process = all.kernel.add(100, "threads");
    auto const first = all.kernel.buffer(1, 4096);
    process.open(first);
    process.open(first);
    auto holder = bpf::holder_of(process, 101);
    auto const at = [&](int tid, std::uint64_t fd) {
        holder.tid = tid;
        holder.item = fd;
        return bpf::reference(2, holder, bpf::buffer_of(*first), nullptr);
    };
    all.files.pins[bpf::descriptors_path] = bpf::pin::of(bpf::header(2) + at(101, 0) + at(102, 0) +
                                                         at(102, 1) + at(103, 1) + bpf::end());
    all.files.pins[bpf::mappings_path] = bpf::pin::of(bpf::header(3) + bpf::end());
    auto const now = all.sample();
    CHECK_COMPLETE(now, all.kernel);
    CHECK(now.coverage.tables == 1);
}

TEST_CASE("bpf: a table whose threads lie apart, another process between them, is whole, once") {
    scene all;
    auto& kernel = all.kernel;
    auto const first = kernel.buffer(1, 4096);
    auto const second = kernel.buffer(2, 8192);
    auto& threads = kernel.add(100, "threads");
    threads.open(first);
    threads.open(second);
    auto& between = kernel.add(200, "between");
    between.open(second);
    auto holder = bpf::holder_of(threads, 100);
    auto const at = [&](std::uint64_t fd, auto const& buffer) {
        holder.item = fd;
        return bpf::reference(2, holder, bpf::buffer_of(*buffer), nullptr);
    };
    auto const other =
        bpf::reference(2, bpf::holder_of(between, 200), bpf::buffer_of(*second), nullptr);
    all.files.pins[bpf::descriptors_path] = bpf::pin::of(bpf::header(2) + at(0, first) + other +
                                                         at(0, first) + at(1, second) + bpf::end());
    all.files.pins[bpf::mappings_path] = bpf::pin::of(bpf::header(3) + bpf::end());
    auto const now = all.sample();
    CHECK_COMPLETE(now, kernel);
    CHECK(now.coverage.tables == 2);
}

TEST_CASE("bpf: cgroups are asked of /proc, of the process that was seen") {
    scene all;
    all.kernel.add(100, "a").open(all.kernel.buffer(1, 4096));
    all.pin({100});
    auto const now = all.sample({.cgroups = true});
    CHECK(now.coverage.found_by == source::bpf_iterator);
    CHECK(now.coverage.complete());
}

TEST_CASE("bpf: a pinned list of all buffers tells what nobody holds, and sizes") {
    scene all;
    auto const held = all.kernel.buffer(1, 4096, "system");
    auto const mapped = all.kernel.buffer(2, 8192, "udmabuf");
    auto const unheld = all.kernel.buffer(3, 16384, "i915");
    auto& process = all.kernel.add(100, "a");
    process.open(held);
    process.map(mapped, 4096);
    all.kernel.caller = fake::rights{1000, false, false, false};
    std::string text;
    for (auto const& file : {held, mapped, unheld})
        text += std::to_string(file->inode) + "\n" + std::to_string(file->size_bytes) + "\n\n" +
                file->exporter + "\n";
    bool const android = GENERATE(true, false);
    if (android)
        all.files.pins[bpf::android_path] = bpf::pin::of(text);
    else
        all.files.pins[bpf::buffers_path] = bpf::pin::of(bpf::list_of({held, mapped, unheld}));
    auto const now = all.sample({.unheld = true});
    CHECK(now.coverage.listed_by ==
          (android ? dmabuf::listing::android_bpf : dmabuf::listing::bpf_iterator));
    CHECK(now.coverage.why_no_list.error == 0);
    REQUIRE(now.unheld.size() == 1);
    CHECK(now.unheld[0].inode == 3);
    CHECK(now.unheld_bytes == 16384);
    CHECK(now.exporter_of(now.unheld[0]) == "i915");
    CHECK(buffer_of(now, 2).size_bytes == 8192);
    CHECK(now.exporter_of(buffer_of(now, 2)) == "udmabuf");
    CHECK(now.coverage.buffers_unsized == 0);
}

namespace {

/// Patched, without a sysfs tree, as Linux 7 is: ten processes, each with a buffer of its own that
/// a list shows.
struct listing_scene : scene {
    std::vector<fake::file_ptr> listed;
    unsigned tables_walked = 0;
    unsigned fdinfos_read = 0;

    listing_scene() {
        kernel.dmabuf_fds = true;
        for (unsigned i = 0; i < 10; ++i) {
            listed.push_back(kernel.buffer(1 + i, 4096 * (1 + i), "system", "n"));
            kernel.add(100 + static_cast<int>(i), "p").open(listed.back());
        }
        kernel.event = [this](fake::call_event const& event) {
            if (event.kind != fake::call::open) return;
            tables_walked += event.path.ends_with("/fd");
            fdinfos_read += event.path.find("/fdinfo/") != event.path.npos;
        };
    }

    void pin_list() { files.pins[bpf::buffers_path] = bpf::pin::of(bpf::list_of(listed)); }

    dmabuf::snapshot look(dmabuf::sample_options options = {}) {
        auto now = sample(options);
        CHECK(now.coverage.found_by == source::dmabuf_fds);
        CHECK(now.coverage.complete());
        for (auto const& [inode, file] : kernel.buffers()) {
            CHECK(buffer_of(now, inode).size_bytes == file->size_bytes);
            CHECK(now.exporter_of(buffer_of(now, inode)) == file->exporter);
            bool const named = options.names && file->name;
            CHECK(buffer_of(now, inode).name == (named ? *file->name : ""));
        }
        return now;
    }
};

} // namespace

TEST_CASE("bpf: without sysfs a pinned list tells sizes, exporters and names of what is listed") {
    listing_scene all;
    all.pin_list();
    bool const names = GENERATE(false, true);
    CHECK(all.look({.names = names}).coverage.sized_by == dmabuf::sizing::bpf_buffers);
    // One descriptor tells the device, by which mappings are told.
    CHECK(all.tables_walked == 1);
    CHECK(all.fdinfos_read == 1);
    SECTION("without mappings none is asked") {
        all.tables_walked = all.fdinfos_read = 0;
        auto const now = all.sample({.names = names, .mappings = false});
        CHECK(now.coverage.sized_by == dmabuf::sizing::bpf_buffers);
        CHECK(all.tables_walked + all.fdinfos_read == 0);
    }
    SECTION("where the list may not be asked, descriptors tell") {
        all.tables_walked = all.fdinfos_read = 0;
        auto const now = all.look({.names = names, .bpf = false});
        CHECK(now.coverage.sized_by == dmabuf::sizing::descriptors);
        CHECK(all.tables_walked == 10);
        CHECK(all.fdinfos_read == 10);
    }
}

TEST_CASE("bpf: what a pinned list lacks is told by the descriptors of its holder") {
    listing_scene all;
    all.pin_list();
    all.kernel.add(300, "late").open(all.kernel.buffer(60, 100, "i915", "made since"));
    CHECK(all.look().coverage.sized_by == dmabuf::sizing::bpf_buffers);
    CHECK(all.tables_walked == 2);
    all.kernel.at(101).open(all.kernel.buffer(50, 8192, "udmabuf"), true); // O_PATH is in no list
    CHECK(buffer_of(all.sample(), 50).size_bytes == 8192);
}

TEST_CASE("bpf: a list that breaks off tells no size") {
    listing_scene all;
    auto reads = bpf::list_of(all.listed);
    reads.back().resize(reads.back().size() - 1);
    all.files.pins[bpf::buffers_path] = bpf::pin::of(reads);
    CHECK(all.look().coverage.sized_by == dmabuf::sizing::descriptors);
    CHECK(all.tables_walked == 10);
}

TEST_CASE("bpf: a list is no help where an inode may be used again") {
    listing_scene all;
    all.pin_list();
    all.kernel.major = 5;
    all.kernel.minor = 17;
    bool const unheld = GENERATE(false, true); // the list is then read, and asked for no size
    CHECK(all.look({.unheld = unheld}).coverage.sized_by == dmabuf::sizing::descriptors);
}

TEST_CASE("bpf: bufinfo tells sizes where it may be asked, and the list is read once") {
    listing_scene all;
    all.kernel.debugfs = true;
    unsigned lists = 0;
    auto const before = all.kernel.event;
    all.kernel.event = [&](fake::call_event const& event) {
        before(event);
        lists += event.kind == fake::call::open && event.path.ends_with("/bufinfo");
    };
    CHECK(all.look({.names = false, .bufinfo = true}).coverage.sized_by == dmabuf::sizing::bufinfo);
    CHECK(all.tables_walked == 1);
    CHECK(lists == 1);
}

TEST_CASE("bpf: a sampler says what told the sizes that it remembers") {
    listing_scene all;
    all.pin_list();
    pinned_sampler sampler({.names = false}, system_with_pins{{&all.kernel}, &all.files});
    dmabuf::snapshot now;
    REQUIRE(sampler.sample(now));
    auto const calls = all.files.calls;
    REQUIRE(sampler.sample(now));
    CHECK(now.coverage.sized_by == dmabuf::sizing::bpf_buffers);
    // The iterators of descriptors are asked for again, and are not there.
    if (remembers) CHECK(all.files.calls == calls + 1);
}

TEST_CASE("bpf: where the way to the pins is closed, Android's list is not the one that is named") {
    scene all;
    all.kernel.add(100, "a");
    all.files.pins[bpf::buffers_path].open_error = EACCES;
    bool const closed = GENERATE(true, false); // bpffs has mode 0700, or the list alone 0400
    if (closed) all.files.pins[bpf::android_path].open_error = EACCES;
    auto const now = all.sample({.unheld = true});
    CHECK(now.coverage.why_no_list.error == EACCES);
    CHECK(now.coverage.why_no_list.where.what == dmabuf::object::bpf_buffers);
}

TEST_CASE("bpf: a list of all buffers that breaks off says nothing") {
    scene all;
    auto const held = all.kernel.buffer(1, 4096, "system");
    all.kernel.add(100, "a").open(held);
    auto const [text, error] = GENERATE(std::pair<char const*, int>{"1\n4096\n\n", EBADMSG},
                                        std::pair<char const*, int>{"x\n4096\n\n\n", EBADMSG},
                                        std::pair<char const*, int>{"1\n40", EBADMSG});
    all.files.pins[bpf::android_path] = bpf::pin::of(text);
    auto const now = all.sample({.unheld = true});
    CHECK(now.coverage.listed_by == dmabuf::listing::none);
    CHECK(now.coverage.why_no_list.error == error);
    CHECK(now.coverage.why_no_list.where.what == dmabuf::object::bpf_android_buffers);
    CHECK(now.unheld.empty());
}

namespace {

/// One process that holds `count` buffers, and a list of them and of one more, the first made.
void hold_all_but_one(scene& all, std::size_t count, bool goes_on) {
    std::vector buffers{all.kernel.buffer(1, 16384, "i915", "in flight")};
    auto& process = all.kernel.add(100, "a");
    for (std::size_t i = 0; i < count; ++i)
        process.open(buffers.emplace_back(all.kernel.buffer(i + 2, 4096, "system", "name")));
    auto reads = bpf::list_of(buffers);
    if (!goes_on) reads.resize(1);
    all.pin({100});
    all.files.pins[bpf::buffers_path] = bpf::pin::of(reads);
}

} // namespace

TEST_CASE("bpf: a pinned list without a buffer is an empty file, and complete") {
    scene all;
    all.kernel.add(100, "a");
    all.pin({100});
    all.files.pins[bpf::buffers_path];
    auto const now = all.sample({.unheld = true});
    CHECK(now.coverage.found_by == source::bpf_iterator);
    CHECK(now.coverage.listed_by == dmabuf::listing::bpf_iterator);
    CHECK(now.coverage.why_no_list.error == 0);
    CHECK(now.buffers.empty());
    CHECK(now.unheld.empty());
}

TEST_CASE("bpf: the end of an empty list is not read again, where a buffer may be by then") {
    bpf::bpffs files;
    auto& pin = files.pins[bpf::buffers_path];
    pin.answers.emplace_back("");
    fake::kernel kernel;
    pin.answers.emplace_back(bpf::list_of({kernel.buffer(1, 4096)}).front());
    std::array<char, 4096> space;
    dmabuf::bpf_walk<system_with_pins> walk({{&kernel}, &files}, dmabuf::bpf_content::buffers,
                                            space);
    auto const header = walk.begin();
    REQUIRE(header);
    CHECK(header->content == dmabuf::bpf_content::buffers);
    auto const end = walk.next();
    REQUIRE(end);
    CHECK(end->is_end());
}

TEST_CASE("bpf: a pinned list of one bufferful and of several is whole") {
    auto const count = GENERATE(std::size_t{0}, std::size_t{15}, std::size_t{600});
    scene all;
    hold_all_but_one(all, count, true);
    auto const now = all.sample({.unheld = true});
    CHECK(now.coverage.listed_by == dmabuf::listing::bpf_iterator);
    CHECK(now.buffers.size() == count);
    REQUIRE(now.unheld.size() == 1);
    CHECK(now.unheld[0].inode == 1);
    CHECK(now.unheld_bytes == 16384);
}

TEST_CASE("bpf: a pinned list that the kernel cut at its buffer is not taken for a whole one") {
    scene all;
    hold_all_but_one(all, 600, false);
    auto const now = all.sample({.unheld = true});
    CHECK(now.coverage.listed_by == dmabuf::listing::none);
    CHECK(now.coverage.why_no_list.error == ENOBUFS);
    CHECK(now.coverage.why_no_list.where.what == dmabuf::object::bpf_buffers);
    CHECK(now.unheld.empty());
}

TEST_CASE("bpf: a pinned list that ends within a record says nothing") {
    scene all;
    auto const held = all.kernel.buffer(1, 4096, "system", "name");
    auto const text = bpf::list_of({held}).front();
    all.kernel.add(100, "a").open(held);
    for (std::size_t size = 1; size < text.size(); ++size) {
        if (size == sizeof(dmabuf_bpf_header)) continue; // a list that ends with its header
        INFO(size);
        all.files.pins[bpf::buffers_path] = bpf::pin::of(text.substr(0, size));
        auto const now = all.sample({.unheld = true});
        CHECK(now.coverage.listed_by == dmabuf::listing::none);
        CHECK(now.coverage.why_no_list.error == EBADMSG);
    }
}

TEST_CASE("bpf: an end alone, or another walk's records, are no list of all buffers") {
    scene all;
    auto& process = all.kernel.add(100, "a");
    process.open(all.kernel.buffer(1, 4096));
    all.pin({100});
    for (auto const& text : {bpf::end(), all.walks.descriptors, std::string(8, '\0')}) {
        all.files.pins[bpf::buffers_path] = bpf::pin::of(text);
        auto const now = all.sample({.unheld = true});
        CHECK(now.coverage.listed_by == dmabuf::listing::none);
        CHECK(now.coverage.why_no_list.error == EBADMSG);
    }
}

TEST_CASE("bpf: counts cost nothing, and what two processes share counts once") {
    scene all;
    auto const opened = all.kernel.buffer(1, 4096);
    auto const mapped = all.kernel.buffer(2, 4096, "drm");
    auto const path = all.kernel.buffer(3, 4096);
    mapped->driver_references = 2;
    auto& one = all.kernel.add(10, "one");
    one.open(opened);
    one.open(path, true); // tells no count
    one.map(mapped, 4096);
    auto& files = all.kernel.add(20, "CLONE_FILES");
    files.leader().files = one.leader().files;
    files.map(mapped, 4096);
    auto& memory = all.kernel.add(30, "CLONE_VM");
    memory.share_memory(one);
    all.pin({10, 20, 30});
    dmabuf::sample_options options;
    unsigned const calls = [&] {
        all.files.calls = 0;
        (void)all.sample(options);
        return all.files.calls;
    }();
    all.files.calls = 0;
    options.counts = true;
    auto const now = all.sample(options);
    CHECK(all.files.calls == calls + 1); // the list of all buffers, which is not pinned
    REQUIRE(now.coverage.found_by == dmabuf::source::bpf_iterator);
    REQUIRE(now.counts.size() == 2);
    CHECK(now.counts[0].inode == 1);
    CHECK(now.counts[0].count == 1);
    CHECK(now.counts[0].others_known);
    CHECK(now.counts[0].other_references == 0);
    CHECK(now.counts[1].inode == 2);
    CHECK(now.counts[1].count == 4);
    CHECK(now.counts[1].others_known);
    CHECK(now.counts[1].other_references == 2);
}
