// SPDX-License-Identifier: MIT
//
// Beyond single processes: users, cgroups, buffers that nobody holds, and what changed meanwhile.
#include "scene.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sys/mount.h>
#include <sys/stat.h>

using namespace scene;

namespace {

void write_file(std::string const& path, std::string const& text) {
    lab::descriptor const file(
        lab::check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), path.c_str()));
    lab::check(::write(file.get(), text.data(), text.size()), path.c_str());
}

/// The inodes of each list of all buffers, read as it stands.
struct all_lists {
    std::vector<std::uint64_t> sysfs;
    std::vector<std::uint64_t> bufinfo;
    std::vector<std::uint64_t> pinned;
};

/// Reads every list that this kernel has, that of the pinned iterator too.
all_lists list_all_buffers() {
    all_lists all;
    if (auto const tree = dmabuf::open_sysfs_buffers())
        for (auto const& one : dmabuf::read_sysfs_buffers(*tree))
            all.sysfs.push_back(one.value().inode);
    for (auto const& one : dmabuf::read_bufinfo())
        all.bufinfo.push_back(one.value().inode);
    if (!has_buffer_iterator()) return all;
    REQUIRE(std::system("dmabuf_pin > /dev/null") == 0);
    static std::array<char, 65536> space;
    dmabuf::buffer_list<> listed;
    listed.read_only(dmabuf::listing::bpf_iterator, dmabuf::live_system{}, space);
    CHECK(listed.listed_by() == dmabuf::listing::bpf_iterator);
    for (auto const& one : listed.rows())
        all.pinned.push_back(one.inode);
    REQUIRE(std::system("dmabuf_pin --unpin") == 0);
    return all;
}

/// A process of `uid` that holds `shared` and a buffer of its own.
actor member(lab::descriptor const& shared, std::uint64_t own_pages, uid_t uid) {
    return actor([&] {
        auto const own = keep(lab::alloc_heap(own_pages * page));
        lab::check(::setresuid(uid, uid, uid), "setresuid");
        return std::vector{own, lab::inode_of(shared.get())};
    });
}

} // namespace

TEST_CASE("a user's processes count what they share once") {
    auto shared = lab::alloc_heap(10 * page);
    actor const a = member(shared, 1, 1000);
    actor const b = member(shared, 2, 1000);
    actor const c = member(shared, 4, 1001);
    shared.reset();
    auto const now = sample();
    auto const users = by_user(now);
    REQUIRE(users.size() == 2);
    auto const& both = users[0].group == 1000 ? users[0] : users[1];
    auto const& other = users[0].group == 1000 ? users[1] : users[0];
    CHECK(both.holders == 2);
    CHECK(both.buffers == 3);
    CHECK(both.rss_bytes == 13 * page);
    CHECK(both.uss_bytes == 3 * page);
    CHECK(other.group == 1001);
    CHECK(other.rss_bytes == 14 * page);
    CHECK(other.uss_bytes == 4 * page);
    CHECK(*both.pss_bytes + *other.pss_bytes == 17 * page);

    // Together they are all there is: then the shared buffer is nobody else's.
    auto const all = by_group(now, [](dmabuf::holder const&) { return 0U; });
    REQUIRE(all.size() == 1);
    CHECK(all[0].uss_bytes == 17 * page);
}

TEST_CASE("holders are told by cgroup") {
    auto const root = GENERATE("/sys/fs/cgroup", "/tmp/cgroup-v1");
    std::string const base = root;
    if (base == "/tmp/cgroup-v1") {
        ::mkdir(root, 0755);
        // v2 has all controllers, but uses none here: v1 can have it.
        if (::mount("cgroup", root, "cgroup", 0, "memory") < 0) {
            std::printf("SKIPPED: cgroup v1: this kernel has no memory controller for it (%s)\n",
                        std::strerror(errno));
            return;
        }
    }
    CAPTURE(root);
    auto const held_in = [&](char const* group, std::uint64_t pages) {
        ::mkdir((base + group).c_str(), 0755);
        return actor([&] {
            write_file(base + group + "/cgroup.procs", "0");
            return std::vector{keep(lab::alloc_heap(pages * page))};
        });
    };
    {
        auto const a = held_in("/video", 3);
        auto const b = held_in("/video", 5);
        auto const c = held_in("/audio", 1);
        auto const now = sample({.cgroups = true});
        CHECK(now.cgroup_name(holder_of(now, a.pid()).cgroup) == "/video");
        CHECK(now.cgroup_name(holder_of(now, c.pid()).cgroup) == "/audio");
        auto const groups = by_cgroup(now);
        REQUIRE(groups.size() == 2);
        CHECK(now.cgroup_name(groups[0].group) == "/video");
        CHECK(groups[0].rss_bytes == 8 * page);
        CHECK(groups[0].holders == 2);
        CHECK(groups[1].uss_bytes == page);
    }
    ::rmdir((base + "/video").c_str());
    ::rmdir((base + "/audio").c_str());
    if (base == "/tmp/cgroup-v1") ::umount2(root, MNT_DETACH);
}

TEST_CASE("memory that the kernel charges to a cgroup for a buffer is not counted twice") {
    std::ifstream parameter("/sys/module/dma_heap/parameters/mem_accounting");
    if (parameter.get() != 'Y')
        return skip("heaps that charge cgroups: dma_heap.mem_accounting is not on");
    std::string const group = "/sys/fs/cgroup/charged";
    write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
    ::mkdir(group.c_str(), 0755);
    {
        constexpr std::uint64_t pages = 2048;
        actor const one([&] {
            write_file(group + "/cgroup.procs", "0");
            return std::vector{keep(lab::alloc_heap(pages * page))};
        });
        std::uint64_t charged = 0;
        std::string key;
        for (std::ifstream stat(group + "/memory.stat"); stat >> key >> charged && key != "kernel";)
            ;
        CHECK(charged >= pages * page);
        auto const now = sample({.cgroups = true});
        CHECK(holder_of(now, one.pid()).rss_bytes == pages * page);
        auto const groups = by_cgroup(now);
        REQUIRE(groups.size() == 1);
        CHECK(now.cgroup_name(groups[0].group) == "/charged");
        CHECK(groups[0].rss_bytes == pages * page);
        CHECK(now.total_bytes == pages * page);
    }
    ::rmdir(group.c_str());
    write_file("/sys/fs/cgroup/cgroup.subtree_control", "-memory");
}

TEST_CASE("a buffer in flight over a socket is listed, and held by nobody") {
    auto const ends = lab::make_socket_pair();
    std::uint64_t in_flight = 0;
    {
        auto const sent = lab::alloc_heap(11 * page);
        in_flight = lab::inode_of(sent.get());
        lab::send_fd(ends.here.get(), sent.get());
    }
    actor const holds([] { return std::vector{keep(lab::alloc_heap(page))}; });
    auto const now = sample({.unheld = true, .bufinfo = true});
    CHECK(now.coverage.listed_by != dmabuf::listing::none);
    REQUIRE(now.unheld.size() == 1);
    CHECK(now.unheld[0].inode == in_flight);
    CHECK(now.unheld[0].size_bytes == 11 * page);
    CHECK(now.exporter_of(now.unheld[0]).view() == lab::heap_exporter());
    CHECK(now.unheld_bytes == 11 * page);
    CHECK(find_buffer(now, holds.inode()));
    CHECK(now.total_bytes == page);

    auto const received = lab::recv_fd(ends.there.get());
    CHECK(sample({.unheld = true, .bufinfo = true}).unheld.empty());
}

TEST_CASE("without a list, nothing is said of buffers that nobody holds") {
    auto const now = sample({.unheld = true});
    if (has_sysfs()) return skip("a kernel without a list: this one has sysfs's");
    CHECK(now.coverage.listed_by == dmabuf::listing::none);
    CHECK(now.coverage.why_no_list.error == ENOENT);
    CHECK(path_of(now.coverage.why_no_list.where) == "/sys/fs/bpf/dmabuf/buffers");
    CHECK(now.unheld.empty());
}

TEST_CASE("what O_PATH descriptors alone hold is in no list of all buffers but sysfs's") {
    actor const alone([] {
        auto const buffer = lab::alloc_heap(3 * page);
        auto const link = "/proc/self/fd/" + std::to_string(buffer.get());
        return std::vector{keep(
            lab::descriptor(lab::check(::open(link.c_str(), O_PATH | O_CLOEXEC), "open O_PATH")))};
    });
    actor const both([] { return std::vector{keep(lab::alloc_heap(page))}; });
    auto const list = list_all_buffers();
    auto const lists = [&](std::vector<std::uint64_t> const& inodes, actor const& one) {
        return std::count(inodes.begin(), inodes.end(), one.inode()) == 1;
    };
    CHECK(lists(list.bufinfo, both));
    CHECK_FALSE(lists(list.bufinfo, alone));
    CHECK(lists(list.sysfs, both) == has_sysfs());
    CHECK(lists(list.sysfs, alone) == has_sysfs());
    CHECK(lists(list.pinned, both) == has_buffer_iterator());
    CHECK_FALSE(lists(list.pinned, alone));
    if (has_list()) {
        std::ifstream table("/proc/" + std::to_string(alone.pid()) + "/task/" +
                            std::to_string(alone.pid()) + "/dmabuf_fds");
        std::uint64_t inode = 0;
        CHECK(table >> inode);
        CHECK(inode == alone.inode());
    }
    // It is held all the same, and its size known.
    auto const now = sample({.unheld = true, .bufinfo = true});
    CHECK(buffer_of(now, alone.inode()).size_bytes == 3 * page);
    CHECK(now.unheld.empty());
}

TEST_CASE("the kernel's list tells the exporter of what is only mapped, and size") {
    if (!mappings_hold()) return skip_mappings();
    actor const one([] {
        auto const buffer = lab::alloc_udmabuf(6 * page);
        lab::set_name(buffer.get(), "x\n\tAttached Devices:\n\tevil");
        void* const at = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, buffer.get(), 0);
        if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
        return std::vector{lab::inode_of(buffer.get())};
    });
    auto const now = sample({.bufinfo = true});
    CHECK(now.exporter_of(buffer_of(now, one.inode())).view() == lab::udmabuf_exporter());
    CHECK(buffer_of(now, one.inode()).size_bytes == 6 * page);
    CHECK(now.coverage.buffers_undescribed == 0);
    for (auto const& row : dmabuf::read_bufinfo()) {
        REQUIRE(row);
        CHECK(row->inode == one.inode());
        CHECK(row->attachments == 0);
    }
}

TEST_CASE("what changed between two snapshots") {
    dmabuf::sampler sampler;
    dmabuf::snapshot before;
    dmabuf::snapshot after;
    actor const stays([] { return std::vector{keep(lab::alloc_heap(page))}; });
    actor goes([] { return std::vector{keep(lab::alloc_heap(2 * page))}; });
    auto const gone = goes.pid();
    auto commands = lab::make_socket_pair();
    lab::child grows([&](lab::ready& done) {
        keep(lab::alloc_heap(4 * page));
        done.tell();
        keep(lab::recv_fd(commands.there.get()));
        lab::send_fd(commands.there.get(), 0);
        for (;;)
            ::pause();
    });
    grows.wait_ready();
    REQUIRE(sampler.sample(before));

    goes.kill();
    {
        auto const fresh = lab::alloc_heap(8 * page);
        lab::send_fd(commands.here.get(), fresh.get());
        lab::recv_fd(commands.here.get());
    }
    actor const appears([] { return std::vector{keep(lab::alloc_heap(16 * page))}; });
    REQUIRE(sampler.sample(after));

    auto const found = diff(before, after);
    CHECK(found.held_bytes.difference() == static_cast<std::int64_t>((8 + 16 - 2) * page));
    REQUIRE(found.holders.size() == 3);
    for (auto const& one : found.holders) {
        CAPTURE(one.pid);
        if (one.pid == gone) {
            CHECK(one.what == dmabuf::change::gone);
            CHECK(one.buffers_lost == 1);
        } else if (one.pid == grows.pid()) {
            CHECK(one.what == dmabuf::change::changed);
            CHECK(one.grew());
            CHECK(one.buffers_gained == 1);
            CHECK(one.rss_bytes.difference() == static_cast<std::int64_t>(8 * page));
        } else {
            CHECK(one.pid == appears.pid());
            CHECK(one.what == dmabuf::change::appeared);
            CHECK(one.rss_bytes.after.value == 16 * page);
        }
    }
    CHECK(found.buffers.size() == 3);
    CHECK(diff(after, after).holders.empty());
    CHECK(diff(after, after).buffers.empty());
}
