// SPDX-License-Identifier: MIT
//
// One descriptor table, by the kernel's list: who is asked for what it does not tell.
#include "parts.hpp"

namespace {

using parts::bench;
using parts::outcome;
using parts::paths;

/// Process 10 with two buffers at 0 and 1.
struct scene {
    explicit scene(fake::kernel& kernel, dmabuf::sample_options wanted = {})
        : first(kernel.buffer(77, 4096, "system", "camera"))
        , second(kernel.buffer(78, 8192, "udmabuf"))
        , holder(kernel.add(10, "p"))
        , on((kernel.dmabuf_fds = true, kernel), wanted) {
        holder.open(first);
        holder.open(second);
    }

    outcome read() {
        auto const process = on.open(10);
        return table.read(process, 10);
    }
    paths asked() {
        auto const process = on.open(10);
        return on.asked_by([&] { CHECK(table.read(process, 10) == outcome::seen); });
    }

    fake::file_ptr first, second;
    fake::process& holder;
    bench on;
    std::vector<std::uint64_t> inodes;
    dmabuf::listed_table<parts::system> table{on.sample, inodes};
};

constexpr char const* list = "10/task/10/dmabuf_fds";
constexpr char const* fds = "10/task/10/fd";
constexpr char const* pinned = "/sys/fs/bpf/dmabuf/buffers";
constexpr char const* android = "/sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf";
std::string sysfs(int inode, char const* what) {
    return "/sys/kernel/dmabuf/buffers/" + std::to_string(inode) + "/" + what;
}

dmabuf::sample_options without_names() {
    dmabuf::sample_options wanted;
    wanted.names = false;
    return wanted;
}

TEST_CASE("listed table: without sysfs its descriptors are walked, and nothing twice") {
    fake::kernel kernel;
    scene s(kernel);
    s.on.meet_dmabufs();
    CHECK(s.asked() == paths{list, pinned, android, fds, "10/task/10/fd/1", "10/task/10/fdinfo/1",
                             "10/task/10/fd/0", "10/task/10/fdinfo/0"});
    CHECK(s.on.times(s.first) == 1);
    CHECK(s.on.buffer(s.first).name.view() == "camera");
    CHECK(s.on.has_exporter(s.second, "udmabuf"));
    CHECK(s.on.buffer(s.second).size_bytes == 8192);
    CHECK(s.asked() == paths{list}); // all is known by now
    CHECK(s.on.times(s.first) == 1);
}

TEST_CASE("listed table: where names are wanted, the walk spares sysfs") {
    fake::kernel kernel;
    kernel.sysfs_buffers = true;
    scene s(kernel);
    s.on.meet_dmabufs();
    CHECK(s.asked() == paths{list, fds, "10/task/10/fd/1", "10/task/10/fdinfo/1", "10/task/10/fd/0",
                             "10/task/10/fdinfo/0"});
}

TEST_CASE("listed table: where they are not, sysfs spares the walk") {
    fake::kernel kernel;
    kernel.sysfs_buffers = true;
    auto wanted = without_names();
    wanted.exporters = GENERATE(false, true);
    scene s(kernel, wanted);
    s.on.meet_dmabufs();
    CHECK(s.asked() == (wanted.exporters
                            ? paths{list, sysfs(77, "size"), sysfs(77, "exporter_name"),
                                    sysfs(78, "size"), sysfs(78, "exporter_name")}
                            : paths{list, sysfs(77, "size"), sysfs(78, "size")}));
    CHECK(s.on.buffer(s.second).size_bytes == 8192);
    CHECK(s.on.has_exporter(s.second, "udmabuf") == wanted.exporters);
}

TEST_CASE("listed table: the device of DMA-BUFs is learned of one descriptor, for the mappings") {
    fake::kernel kernel;
    kernel.sysfs_buffers = true;
    auto wanted = parts::only_sizes();
    wanted.mappings = GENERATE(false, true);
    scene s(kernel, wanted);
    paths expected{list, sysfs(77, "size"), sysfs(78, "size")};
    if (wanted.mappings) // a statx, and what was opened with O_PATH tells its superblock
        for (auto const* const path :
             {fds, "10/task/10/fd/1", "10/task/10/fd/1", "10/task/10/fdinfo/1"})
            expected.emplace_back(path);
    CHECK(s.asked() == expected);
    CHECK(s.on.session.known.device().has_value() == wanted.mappings);
    CHECK(s.asked() == paths{list});
}

TEST_CASE("listed table: the walk stops at the last buffer that is unknown") {
    fake::kernel kernel;
    auto wanted = parts::only_sizes();
    wanted.highest_first = GENERATE(false, true);
    scene s(kernel, wanted);
    s.on.meet_dmabufs();
    s.holder.open(kernel.regular("/x"));
    std::string const first = "10/task/10/fd/0", second = "10/task/10/fd/1",
                      other = "10/task/10/fd/2";
    SECTION("the second") {
        s.on.build.set_size(s.on.build.buffer_at(77), 4096);
        CHECK(s.asked() == (wanted.highest_first
                                ? paths{list, pinned, android, fds, other, second}
                                : paths{list, pinned, android, fds, first, second}));
    }
    SECTION("the first") {
        s.on.build.set_size(s.on.build.buffer_at(78), 8192);
        CHECK(s.asked() == (wanted.highest_first
                                ? paths{list, pinned, android, fds, other, second, first}
                                : paths{list, pinned, android, fds, first}));
    }
    CHECK(s.on.buffer(s.first).size_bytes == 4096);
    CHECK(s.on.buffer(s.second).size_bytes == 8192);
}

TEST_CASE("listed table: what was closed since it was listed is taken back") {
    fake::kernel kernel;
    kernel.sysfs_buffers = GENERATE(false, true);
    dmabuf::sample_options wanted;
    wanted.names = GENERATE(false, true);
    scene s(kernel, wanted);
    s.on.meet_dmabufs();
    bool const by_sysfs = kernel.sysfs_buffers && !wanted.names;
    s.on.before(by_sysfs ? "/77/size" : "/task/10/fd", [&] { kernel.release(s.first); });
    CHECK(s.read() == outcome::seen);
    CHECK(s.on.times(s.first) == 0);
    CHECK(s.on.times(s.second) == 1);
    CHECK(s.on.counted().descriptors_gone == 1);
    CHECK(s.table.saw_gone());
    CHECK(s.read() == outcome::seen);
    CHECK_FALSE(s.table.saw_gone());
}

TEST_CASE("listed table: what still is listed stays, of unknown size") {
    fake::kernel kernel;
    kernel.caller = fake::rights::ptrace_only(5);
    scene s(kernel);
    auto const path_only = kernel.buffer(79, 100);
    s.holder.open(path_only, true);
    CHECK(s.read() == outcome::seen);
    CHECK(s.on.times(path_only) == 1);
    CHECK_FALSE(s.on.buffer(path_only).size_known);
    CHECK(s.on.buffer(s.first).size_bytes == 4096); // fdinfo told that
    CHECK(s.on.counted().descriptors_gone == 0);
    CHECK_FALSE(s.table.saw_gone());
}

TEST_CASE("listed table: of what is O_PATH alone, sysfs tells the exporter after the walk") {
    fake::kernel kernel;
    kernel.sysfs_buffers = true;
    scene s(kernel);
    s.on.meet_dmabufs();
    s.holder.files().erase(1);
    s.holder.files()[0].path = true;
    CHECK(s.asked() == paths{list, fds, "10/task/10/fd/0", "10/task/10/fdinfo/0", "10/task/10/fd/0",
                             "10/task/10/fd/0", // its link, and whose it is
                             sysfs(77, "exporter_name")});
    CHECK(s.on.buffer(s.first).size_bytes == 4096);
    CHECK(s.on.buffer(s.first).name.view() == "camera");
    CHECK(s.on.has_exporter(s.first, "system"));
}

TEST_CASE("listed table: where fd is denied, fdinfo is walked as far as the last unknown") {
    fake::kernel kernel;
    kernel.caller = fake::rights::ptrace_only(5);
    scene s(kernel);
    s.on.meet_dmabufs();
    auto& at = s.holder.files();
    auto const buffer = at[0];
    at[0].file = kernel.regular("/x");
    at[2] = buffer;
    CHECK(s.asked() == paths{list, pinned, android, fds, "10/task/10/fdinfo", "10/task/10/fdinfo/2",
                             "10/task/10/fdinfo/1"});
    CHECK(s.on.has_exporter(s.second, "udmabuf"));
}

TEST_CASE("listed table: an empty one asks nobody") {
    fake::kernel kernel;
    kernel.sysfs_buffers = GENERATE(false, true);
    scene s(kernel);
    s.holder.files().clear();
    s.holder.open(kernel.regular("/x"));
    CHECK(s.asked() == paths{list});
}

TEST_CASE("listed table: a list that cannot be read") {
    fake::kernel kernel;
    scene s(kernel);
    auto const process = s.on.open(10);
    SECTION("is denied") {
        kernel.caller = fake::rights::user(5);
        CHECK(s.table.read(process, 10) == outcome::denied);
    }
    SECTION("is gone with its task") {
        kernel.exit(10);
        CHECK(s.table.read(process, 10) == outcome::gone);
    }
    SECTION("fails") {
        s.on.fail(GENERATE(1U, 2U), EIO);
        CHECK(s.table.read(process, 10) == outcome::failed);
        CHECK(s.on.counted().first_failure.where.what == dmabuf::object::dmabuf_fds);
    }
    CHECK(s.on.build.table_is_empty());
}

} // namespace
