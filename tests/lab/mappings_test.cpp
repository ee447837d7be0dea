// SPDX-License-Identifier: MIT
//
// Buffers that a process has mapped, with a descriptor or without one.
#include "scene.hpp"

#include <sys/utsname.h>

using namespace scene;

namespace {

void* map(int fd, std::uint64_t bytes, std::uint64_t offset = 0) {
    void* const at =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return at;
}

void allow_large_udmabufs() {
    lab::descriptor limit(lab::check(
        ::open("/sys/module/udmabuf/parameters/size_limit_mb", O_WRONLY), "size_limit_mb"));
    lab::check(::write(limit.get(), "8192", 4), "size_limit_mb");
}

struct seen {
    bool holder;
    bool size_known;
    std::uint64_t rss_bytes;
    std::uint64_t mapped_bytes;
    std::uint32_t unsized_buffers;
    bool complete;
};

} // namespace

TEST_CASE("a buffer that is only mapped has its true size, not the mapping's") {
    if (!mappings_hold()) return skip_mappings();
    actor const one([] {
        auto const buffer = lab::alloc_heap(8 * page);
        lab::set_name(buffer.get(), "line\nfeed");
        map(buffer.get(), 2 * page, page);
        map(buffer.get(), 3 * page, 4 * page);
        return std::vector{lab::inode_of(buffer.get())};
    });
    auto const now = sample();
    auto const& buffer = buffer_of(now, one.inode());
    CHECK(buffer.size_known);
    CHECK(buffer.size_bytes == 8 * page);
    CHECK(buffer.name == "line\nfeed");
    auto const& reference = reference_of(now, one.pid(), one.inode());
    CHECK(reference.descriptors == 0);
    CHECK(reference.mappings == 2);
    CHECK(reference.mapped_bytes == 5 * page);
    CHECK(holder_of(now, one.pid()).rss_bytes == 8 * page);
    CHECK(holder_of(now, one.pid()).mapped_bytes == 5 * page);
}

TEST_CASE("names of mapped buffers that look alike in maps are told apart") {
    if (!mappings_hold()) return skip_mappings();
    auto const mapped = [](char const* name) {
        return [=] {
            auto const buffer = lab::alloc_heap(page);
            lab::set_name(buffer.get(), name);
            map(buffer.get(), page);
            return std::vector{lab::inode_of(buffer.get())};
        };
    };
    actor const newline(mapped("line\nfeed"));
    actor const digits(mapped("line\\012feed"));
    auto const now = sample();
    CHECK(buffer_of(now, newline.inode()).name == "line\nfeed");
    lab::descriptor const maps(
        lab::check(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC), "open maps"));
    dmabuf::mapping found;
    if (dmabuf::live_system{}.query_mapping(maps.get(), 0, found, {}) == -ENOTTY)
        std::puts("SKIPPED: exact names of mapped buffers: this kernel has no PROCMAP_QUERY");
    else
        CHECK(buffer_of(now, digits.inode()).name == "line\\012feed");
}

TEST_CASE("a private mapping of a buffer holds it too") {
    if (!mappings_hold(MAP_PRIVATE)) return skip_mappings();
    actor const one([] {
        auto const buffer = lab::alloc_heap(page);
        if (::mmap(nullptr, page, PROT_READ, MAP_PRIVATE, buffer.get(), 0) == MAP_FAILED)
            throw std::system_error(errno, std::generic_category(), "mmap");
        return std::vector{lab::inode_of(buffer.get())};
    });
    CHECK(reference_of(sample(), one.pid(), one.inode()).mappings == 1);
}

TEST_CASE("without the right to ask, the size of a buffer that is only mapped is sysfs's, or "
          "unknown") {
    if (!mappings_hold()) return skip_mappings();
    actor const one([] {
        auto const buffer = lab::alloc_heap(8 * page);
        map(buffer.get(), 2 * page);
        auto const inode = lab::inode_of(buffer.get());
        lab::check(::setresuid(1000, 1000, 1000), "setresuid");
        lab::check(::prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
        return std::vector{inode};
    });
    // Its device is known only by a descriptor of a process that uid 1000 may look at.
    actor const other([] {
        auto const inode = keep(lab::alloc_heap(page));
        lab::check(::setresuid(1000, 1000, 1000), "setresuid");
        lab::check(::prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
        return std::vector{inode};
    });
    auto const answer = elsewhere<seen>([&] {
        lab::check(::setresuid(1000, 1000, 1000), "setresuid");
        auto const now = sample();
        auto const* holder = find_holder(now, one.pid());
        auto const* buffer = find_buffer(now, one.inode());
        if (!holder || !buffer) return seen{};
        return seen{true,
                    buffer->size_known,
                    holder->rss_bytes,
                    holder->mapped_bytes,
                    holder->unsized_buffers,
                    now.coverage.complete()};
    });
    CHECK(answer.holder);
    CHECK(answer.size_known == has_sysfs());
    CHECK(answer.rss_bytes == (has_sysfs() ? 8 * page : 0));
    CHECK(answer.mapped_bytes == 2 * page);
    CHECK(answer.unsized_buffers == (has_sysfs() ? 0 : 1));
    CHECK_FALSE(answer.complete);
}

TEST_CASE("where no descriptor tells the device of the buffers, a mapping's own file does") {
    if (!mappings_hold()) return skip_mappings();
    actor const only([] {
        auto const buffer = lab::alloc_heap(4 * page);
        map(buffer.get(), page);
        return std::vector{lab::inode_of(buffer.get())};
    });
    auto const now = sample();
    REQUIRE(now.buffers.size() == 1); // nothing else holds buffers here
    CHECK(buffer_of(now, only.inode()).size_bytes == 4 * page);
    CHECK(now.coverage.undecided == 0);
}

TEST_CASE("a mapped file that is called like a buffer is none") {
    actor const impostor([] {
        auto const file = lab::check(::open("/dmabuf:y", O_RDWR | O_CREAT, 0600), "open /dmabuf:y");
        lab::check(::ftruncate(file, 1 << 20), "ftruncate");
        map(file, page);
        return std::vector<std::uint64_t>{};
    });
    auto const alone = sample();
    CHECK_FALSE(find_holder(alone, impostor.pid()));
    actor const real([] { return std::vector{keep(lab::alloc_heap(page))}; });
    auto const now = sample();
    CHECK_FALSE(find_holder(now, impostor.pid()));
    CHECK(find_holder(now, real.pid()));
    ::unlink("/dmabuf:y");
}

TEST_CASE("a buffer of more than 4 GiB, mapped whole") {
    constexpr std::uint64_t part = 32 << 20;
    constexpr std::uint32_t parts = 130; // 4.06 GiB of 32 MiB of memory
    if (!lab::is_there(lab::udmabuf_path)) return skip("a buffer of more than 4 GiB: no udmabuf");
    allow_large_udmabufs();
    try { // 6.1 keeps the pages in one array from kmalloc(), which ends at 4 MiB
        lab::alloc_udmabuf(part, parts);
    } catch (std::system_error const& error) {
        utsname kernel;
        ::uname(&kernel);
        CAPTURE(kernel.release, error.what());
        REQUIRE(std::string_view(kernel.release).starts_with("6.1."));
        std::printf("SKIPPED: a buffer of more than 4 GiB: %s\n", error.what());
        return;
    }
    actor const one([&] {
        auto const buffer = lab::alloc_udmabuf(part, parts);
        map(buffer.get(), part * parts);
        return std::vector{lab::inode_of(buffer.get())};
    });
    auto const now = sample();
    CHECK(buffer_of(now, one.inode()).size_bytes == part * parts);
    CHECK(holder_of(now, one.pid()).rss_bytes == part * parts);
    CHECK(holder_of(now, one.pid()).mapped_bytes == part * parts);
}

TEST_CASE("without mappings asked for, coverage is not complete") {
    auto const now = sample({.mappings = false});
    CHECK_FALSE(now.coverage.mappings_read);
    CHECK_FALSE(now.coverage.complete());
}
