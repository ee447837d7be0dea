// SPDX-License-Identifier: MIT
//
// The references that the kernel counts, those that processes have, and those that no process
// explains. The expected values come from what each test makes.
#include "harness.hpp"

namespace {

constexpr std::optional<std::uint64_t> unknown;

dmabuf::sample_options counting(bool list) {
    dmabuf::sample_options options;
    options.bpf = false;
    options.counts = true;
    options.unheld = options.bufinfo = list;
    return options;
}

dmabuf::buffer some_buffer(std::uint64_t inode) {
    dmabuf::buffer one;
    one.inode = inode;
    return one;
}

std::optional<std::uint64_t> count_of(dmabuf::snapshot const& now, std::uint64_t inode) {
    auto const one = some_buffer(inode);
    auto const* const found = now.count_of(one);
    return found ? std::optional(found->count) : unknown;
}

std::optional<std::uint64_t> others_of(dmabuf::snapshot const& now, std::uint64_t inode) {
    auto const one = some_buffer(inode);
    auto const* const found = now.count_of(one);
    return found && found->others_known ? std::optional(found->other_references) : unknown;
}

/// The names of the buffers: ? where it is unknown, - where there is none.
std::string names_in(dmabuf::snapshot const& now) {
    std::string names;
    for (auto const& one : now.buffers)
        names += !one.name_known ? "?" : one.named ? "[" + std::string(one.name.view()) + "]" : "-";
    return names;
}

} // namespace

TEST_CASE("counts: what drivers, sockets and rings refer to is what no process explains") {
    fake::kernel kernel;
    kernel.debugfs = GENERATE(false, true);
    auto const plain = kernel.buffer(1, 4096);
    auto const gem = kernel.buffer(2, 4096, "drm");
    auto const flying = kernel.buffer(3, 4096);
    auto const path = kernel.buffer(4, 4096);
    gem->driver_references = 2; // the object's own, and a PRIME cache's
    flying->driver_references = 1;
    auto& one = kernel.add(10, "one");
    auto& two = kernel.add(20, "two");
    one.open(plain);
    one.open(plain);
    two.open(plain);
    two.map(plain, 4096);
    two.map(plain, 4096);
    one.open(gem);
    two.open(flying);
    one.open(path);
    one.open(path, true); // a file of its own
    auto const now = sampled(kernel, counting(kernel.debugfs));
    CHECK_COMPLETE(now, kernel);
    CHECK(count_of(now, 1) == 5U);
    CHECK(others_of(now, 1) == 0U);
    CHECK(count_of(now, 2) == 3U);
    CHECK(others_of(now, 2) == 2U);
    CHECK(count_of(now, 3) == 2U);
    CHECK(others_of(now, 3) == 1U);
    CHECK(count_of(now, 4) == 1U);
    CHECK(others_of(now, 4) == 0U);
    CHECK(now.counts.size() == 4);
}

TEST_CASE("counts: all references to a buffer that no process holds are others") {
    fake::kernel kernel;
    kernel.debugfs = true;
    kernel.buffer(1, 4096, "drm")->driver_references = 2;
    kernel.add(10, "p").open(kernel.buffer(2, 4096));
    kernel.dmabuf_fds = GENERATE(false, true); // which marks no O_PATH
    auto const now = sampled(kernel, counting(true));
    REQUIRE(now.unheld.size() == 1);
    CHECK(count_of(now, 1) == 2U);
    CHECK(others_of(now, 1) == 2U);
    CHECK(others_of(now, 2) == (kernel.dmabuf_fds ? unknown : std::optional(std::uint64_t{0})));
}

TEST_CASE("counts: a table or memory map that two processes share counts once") {
    fake::kernel kernel;
    kernel.debugfs = GENERATE(false, true);
    auto const opened = kernel.buffer(1, 4096);
    auto const mapped = kernel.buffer(2, 4096);
    auto const both = kernel.buffer(3, 4096);
    auto& one = kernel.add(10, "one");
    one.open(opened);
    one.open(both);
    one.open(both, true);
    one.map(mapped, 4096);
    one.map(both, 4096);
    both->driver_references = 1;
    auto& files = kernel.add(20, "CLONE_FILES");
    files.leader().files = one.leader().files;
    auto& memory = kernel.add(30, "CLONE_VM");
    memory.share_memory(one);
    auto& own = kernel.add(40, "fork"); // which has the same, but of its own
    own.open(opened);
    own.open(both);
    own.map(mapped, 4096);
    own.map(both, 4096);
    auto& third = kernel.add(50, "both");
    third.leader().files = one.leader().files;
    third.share_memory(one);
    kernel.kcmp = GENERATE(true, false);
    auto const now = sampled(kernel, counting(kernel.debugfs));
    CHECK(now.coverage.complete());
    CHECK(count_of(now, 1) == 2U);
    CHECK(count_of(now, 2) == (kernel.debugfs ? std::optional(std::uint64_t{2}) : unknown));
    CHECK(count_of(now, 3) == 5U);
    CHECK(others_of(now, 1) == (kernel.kcmp ? std::optional(std::uint64_t{0}) : unknown));
    CHECK(others_of(now, 2) ==
          (kernel.kcmp && kernel.debugfs ? std::optional(std::uint64_t{0}) : unknown));
    CHECK(others_of(now, 3) == (kernel.kcmp ? std::optional(std::uint64_t{1}) : unknown));
}

TEST_CASE("counts: other references are unknown where anything may be missed, and never negative") {
    fake::kernel kernel;
    kernel.debugfs = true;
    auto& one = kernel.add(10, "one");
    auto const buffer = kernel.buffer(1, 4096);
    one.open(buffer);
    auto& two = kernel.add(20, "two", 2000);
    two.open(buffer);
    auto options = counting(true);
    SECTION("somebody may not be read") {
        kernel.debugfs = false;
        kernel.caller = fake::rights::user(1000);
    }
    SECTION("O_PATH is not asked for") {
        options.path_descriptors = false;
    }
    SECTION("O_PATH is not marked") {
        kernel.dmabuf_fds = true;
    }
    SECTION("mappings are not read") {
        options.mappings = false;
    }
    SECTION("a descriptor was made after the list was read") {
        kernel.event = [&](fake::call_event const& event) {
            if (event.kind == fake::call::open && event.path == "/proc/10/stat") two.open(buffer);
        };
    }
    SECTION("a process that shares its table may have ended when another was compared") {
        kernel.event = [&](fake::call_event const& event) {
            if (event.kind == fake::call::open && event.path == "/proc/20/stat" && kernel.has(10))
                kernel.add(30, "its table's").leader().files = one.leader().files, kernel.exit(10);
        };
    }
    auto const now = sampled(kernel, options);
    CHECK(count_of(now, 1) == 2);
    CHECK(others_of(now, 1) == unknown);
}

TEST_CASE("counts: devices are told by the kernel's list, each with how often it is attached") {
    fake::kernel kernel;
    kernel.debugfs = GENERATE(true, false);
    auto const one = kernel.buffer(1, 4096, "drm");
    one->devices = {"vimc.0", "0000:00:02.0", "vimc.0"};
    auto const none = kernel.buffer(2, 4096);
    auto const many = kernel.buffer(3, 4096); // of no process
    for (int i = 0; i < 600; ++i)
        many->devices.push_back("device" + std::to_string(i % 100));
    auto& process = kernel.add(10, "p");
    process.open(one);
    process.open(none);
    auto const now = sampled(kernel, counting(kernel.debugfs));
    std::string text;
    for (auto const inode : {1U, 2U, 3U}) {
        auto const buffer = some_buffer(inode);
        auto const* const known = now.count_of(buffer);
        text += std::to_string(inode) + (known && known->devices_known ? ":" : "?");
        for (auto const& each : now.attachments_of(buffer))
            text += " " + std::string(each.device.view()) + " " + std::to_string(each.times);
        text += "\n";
    }
    auto const* const listed = "1: 0000:00:02.0 1 vimc.0 2\n2:\n3? device0 6 device1 6 device2 6 "
                               "device3 6 device4 6 device5 6 device6 6 device7 6\n";
    CHECK(text == (kernel.debugfs ? listed : "1?\n2?\n3?\n"));
}

TEST_CASE("counts: nothing is told, and nothing asked, unless it is wanted") {
    fake::kernel kernel;
    kernel.debugfs = true;
    auto const buffer = kernel.buffer(1, 4096);
    buffer->devices = {"vimc.0"};
    kernel.add(10, "p").open(buffer);
    kernel.add(20, "q").open(buffer);
    auto options = counting(true);
    options.counts = false;
    unsigned compared = 0;
    kernel.event = [&](fake::call_event const& event) {
        compared += event.kind == fake::call::compare;
    };
    auto const now = sampled(kernel, options);
    CHECK(now.counts.empty());
    CHECK(now.attachments.empty());
    CHECK(compared == 0);
}

TEST_CASE("counts: asked anew in every sample, since they change") {
    fake::kernel kernel;
    auto const buffer = kernel.buffer(1, 4096);
    kernel.add(10, "p").open(buffer);
    auto options = counting(false);
    options.names = false;
    fake_sampler sampler(options, fake::system{&kernel});
    dmabuf::snapshot now;
    for (std::uint64_t const references : {0U, 3U, 1U}) {
        buffer->driver_references = references;
        REQUIRE(sampler.sample(now));
        CHECK(others_of(now, 1) == references);
    }
}

TEST_CASE("counts: of two buffers with one inode, nobody tells which count is whose") {
    dmabuf::snapshot now;
    now.buffers = {some_buffer(1), some_buffer(2)};
    now.coverage.proc_shows = dmabuf::visibility::everything;
    now.coverage.mappings_read = true;
    dmabuf::reference_counts counts;
    for (bool const twice : {false, true}) {
        now.counts.clear();
        counts.begin();
        counts.told_by_descriptor(0, 1, 7); // replaced by the list
        counts.told_by_list(1, 3, true);
        counts.told_by_list(2, 4, true);
        if (twice) counts.told_by_list(1, 5, true);
        counts.finish(now);
        CHECK(count_of(now, 1) == (twice ? unknown : std::optional(std::uint64_t{3})));
        CHECK(count_of(now, 2) == 4U);
    }
}

TEST_CASE("counts: a list that the sample has read is not read again") {
    fake::kernel kernel;
    kernel.debugfs = true;
    auto const held = kernel.buffer(1, 4096);
    kernel.add(10, "p").open(held);
    bool const unheld = GENERATE(false, true);
    if (unheld) kernel.buffer(2, 4096)->devices = {"vimc.0"};
    unsigned reads = 0;
    kernel.event = [&](fake::call_event const& event) {
        reads += event.kind == fake::call::open && event.path.ends_with("bufinfo");
    };
    auto const now = sampled(kernel, counting(true));
    CHECK(reads == (unheld ? 2 : 1)); // again to see that it is unheld still
    CHECK(now.unheld.size() == (unheld ? 1 : 0));
    CHECK(count_of(now, 1) == 1U);
    CHECK(now.attachments.size() == (unheld ? 1 : 0));
}

TEST_CASE("counts: a list spares the fdinfo of each buffer, and its name stays exact") {
    fake::kernel kernel;
    kernel.debugfs = true;
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, 4096)); // its fdinfo tells the mount
    auto const unnamed = kernel.buffer(2, 4096);
    auto const empty = kernel.buffer(3, 4096);
    auto const named = kernel.buffer(4, 4096);
    auto const misleading = kernel.buffer(5, 4096);
    empty->name = "";
    named->name = "two\nlines";
    misleading->name = "<none>";
    unsigned fdinfos = 0;
    for (auto const& one : {unnamed, empty, named, misleading})
        process.open(one);
    kernel.event = [&](fake::call_event const& event) {
        fdinfos += event.kind == fake::call::open && event.path.find("/fdinfo/") != event.path.npos;
    };
    auto options = counting(true);
    options.names = options.exporters = true;
    auto const now = sampled(kernel, options);
    CHECK(fdinfos == 2); // the first, and the one whose name is empty
    REQUIRE(now.buffers.size() == 5);
    CHECK(names_in(now) == "--[][two\nlines][<none>]");
    CHECK(now.coverage.complete());
}

TEST_CASE("counts: behind each link is asked whose it was, whatever the list shows") {
    fake::kernel kernel;
    kernel.debugfs = kernel.dmabuf_fds = true;
    auto& process = kernel.add(10, "p");
    auto const add = [&](std::uint64_t inode, std::optional<std::string> const& name) {
        auto const buffer = kernel.buffer(inode, 4096);
        buffer->name = name;
        process.open(buffer);
    };
    add(1, {}); // the last that is asked
    add(2, "two\nlines");
    add(3, {});
    add(4, "<none>");
    add(5, {}); // its fdinfo tells the mount
    std::string linked;
    std::vector<std::string> looked_behind;
    kernel.event = [&](fake::call_event const& event) {
        if (event.kind == fake::call::status && event.path == linked)
            looked_behind.push_back(event.path);
        linked = event.kind == fake::call::readlink ? event.path : "";
    };
    auto options = counting(true);
    options.names = options.exporters = true;
    options.path_descriptors = false;
    auto const now = sampled(kernel, options);
    CHECK(names_in(now) == "-[two\nlines]-[<none>]-");
    std::vector<std::string>
        expected; // but of the first that is asked, whose fdinfo tells the mount
    for (auto const* const fd : {"3", "2", "1", "0"})
        expected.push_back(std::string("/proc/10/task/10/fd/") + fd);
    CHECK(looked_behind == expected);
}

TEST_CASE("counts: names that a list tells for certain cost no call, by a walk and by dmabuf_fds") {
    fake::kernel kernel;
    kernel.debugfs = true;
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.sysfs_buffers = GENERATE(false, true);
    auto& process = kernel.add(10, "p");
    process.open(kernel.buffer(1, 4096));
    auto const add = [&](std::uint64_t inode, std::string const& name) {
        auto const buffer = kernel.buffer(inode, 4096);
        buffer->name = name;
        process.open(buffer);
    };
    add(2, "camera");
    add(3, "tab\tand more");
    add(4, "x\n\tAttached Devices:");
    add(5, "31 bytes of a name: 0123456789a");
    std::vector<std::string> asked;
    kernel.event = [&](fake::call_event const& event) {
        bool const named =
            event.path.find("/fdinfo/") != event.path.npos || event.kind == fake::call::readlink;
        if (named) asked.push_back(event.path);
    };
    auto options = counting(true);
    options.names = options.exporters = true;
    options.path_descriptors = false;
    auto const now = sampled(kernel, options);
    CHECK(names_in(now) ==
          "-[camera][tab\tand more][x\n\tAttached Devices:][31 bytes of a name: 0123456789a]");
    // The first has no name, or `<none>` for a name. The fourth may be longer than its line. The
    // fdinfo of the one that is asked first tells the mount.
    auto const* const mount = kernel.dmabuf_fds ? "/fdinfo/4" : "/fdinfo/0";
    std::erase_if(asked, [&](auto const& path) {
        return path.find("/0") != path.npos || path.find(mount) != path.npos;
    });
    CHECK(asked == std::vector<std::string>{"/proc/10/task/10/fd/3"});
    CHECK(now.coverage.complete());
    CHECK(count_of(now, 5) == 1U);
}
