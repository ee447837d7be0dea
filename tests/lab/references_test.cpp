// SPDX-License-Identifier: MIT
//
// The references to a buffer that no process explains: of GEM objects, rings and sockets. The
// numbers come from what each test made, and from the kernel's own rules.
#include "scene.hpp"

#include <linux/io_uring.h>
#include <sched.h>
#include <sys/syscall.h>

namespace {

using namespace scene;

/// Looks as root, with all that the kernel lists.
dmabuf::snapshot counted(bool list = true) {
    dmabuf::sample_options options;
    options.bpf = false;
    options.force = dmabuf::source::fd_walk; // which marks O_PATH
    options.counts = true;
    options.unheld = options.bufinfo = list;
    return sample(options);
}

dmabuf::reference_count count_of(dmabuf::snapshot const& now, std::uint64_t inode) {
    for (auto const& one : now.counts)
        if (one.inode == inode) return one;
    FAIL("nothing told the count of buffer " << inode);
    return {};
}

bool is_unheld(dmabuf::snapshot const& now, std::uint64_t inode) {
    for (auto const& one : now.unheld)
        if (one.inode == inode) return true;
    return false;
}

#define CHECK_COUNT(now, which, references, others)            \
    do {                                                       \
        auto const told = count_of(now, which);                \
        CHECK(told.count == std::uint64_t{references});        \
        CHECK(told.others_known);                              \
        CHECK(told.other_references == std::uint64_t{others}); \
    } while (false)

/// A vgem object with a handle and a descriptor.
lab::descriptor exported(lab::descriptor const& card, std::uint64_t size_bytes) {
    lab::drm_dumb_buffer made{};
    made.width = static_cast<std::uint32_t>(size_bytes);
    made.height = 1;
    made.bits_per_pixel = 8;
    lab::check(::ioctl(card.get(), lab::drm_create_dumb, &made), "DRM_IOCTL_MODE_CREATE_DUMB");
    lab::drm_prime_handle handle{made.handle, O_CLOEXEC | O_RDWR, -1};
    lab::check(::ioctl(card.get(), lab::drm_handle_to_fd, &handle), "DRM_IOCTL_PRIME_HANDLE_TO_FD");
    return lab::descriptor(handle.fd);
}

bool has_vgem() {
    return lab::is_there(lab::vgem_path);
}

/// `dmabuf_ps --hints` says this of the test's own process.
void check_hint(std::string const& before, std::string const& behind) {
    auto const text = output_of("dmabuf_ps --hints");
    CAPTURE(text);
    auto const hint = "Hint: " + before + std::to_string(::getpid()) + " (lab_tests) " + behind;
    CHECK(text.find(hint) != text.npos);
}

/// A ring with these files registered; nothing where the kernel allows none.
lab::descriptor ring_with(std::vector<int> const& files) {
    io_uring_params parameters{};
    auto const made = ::syscall(SYS_io_uring_setup, 4, &parameters);
    if (made < 0) return {};
    lab::descriptor ring(static_cast<int>(made));
    lab::check(::syscall(SYS_io_uring_register, ring.get(), IORING_REGISTER_FILES, files.data(),
                         static_cast<unsigned>(files.size())),
               "IORING_REGISTER_FILES");
    return ring;
}

int body_of_clone(void*) {
    for (;;)
        ::pause();
}

/// A process that shares parts of this one, by the flags of clone(2).
class relative {
public:
    explicit relative(int flags)
        : pid_(lab::check(::clone(body_of_clone, stack_ + sizeof stack_, flags | SIGCHLD, nullptr),
                          "clone")) {}
    relative(relative const&) = delete;
    relative& operator=(relative const&) = delete;
    ~relative() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    alignas(16) char stack_[65536];
    pid_t pid_;
};

} // namespace

TEST_CASE("a heap's buffer has no references but those of processes", "[references]") {
    auto const buffer = lab::alloc_heap(3 * page);
    auto const inode = lab::inode_of(buffer.get());
    lab::descriptor const again(::dup(buffer.get()));
    auto const link = "/proc/self/fd/" + std::to_string(buffer.get());
    lab::descriptor const path(lab::check(::open(link.c_str(), O_PATH | O_CLOEXEC), "O_PATH"));
    actor const other(
        [&] { return std::vector{lab::inode_of(buffer.get())}; }); // two more, by fork
    for (bool const list : {false, true}) {
        auto const now = counted(list);
        CHECK(buffer_of(now, inode).descriptors == 6);
        CHECK_COUNT(now, inode, 4U, 0U);
    }
    if (!mappings_hold()) return skip_mappings();
    void* const at = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, buffer.get(), 0);
    REQUIRE(at != MAP_FAILED);
    CHECK_COUNT(counted(), inode, 5U, 0U);
    ::munmap(at, page);
}

TEST_CASE("a buffer in flight over a socket has one reference that no process explains",
          "[references]") {
    auto const ends = lab::make_socket_pair();
    auto sent = lab::alloc_heap(page);
    auto const inode = lab::inode_of(sent.get());
    lab::send_fd(ends.here.get(), sent.get());
    CHECK_COUNT(counted(), inode, 2U, 1U);
    sent.reset();
    auto const now = counted();
    CHECK(is_unheld(now, inode));
    CHECK_COUNT(now, inode, 1U, 1U);
}

TEST_CASE("a file of a ring is a reference that no process explains", "[references]") {
    auto buffer = lab::alloc_heap(page);
    auto const inode = lab::inode_of(buffer.get());
    auto const ring = ring_with({buffer.get()});
    if (ring.get() < 0) return skip("a ring: this kernel allows no io_uring");
    CHECK_COUNT(counted(), inode, 2U, 1U);
    buffer.reset();
    auto const now = counted();
    CHECK(is_unheld(now, inode));
    CHECK_COUNT(now, inode, 1U, 1U);
    check_hint("a ring of process ", "has 1 fixed file that is a DMA-BUF.\n");
}

TEST_CASE("an exported GEM object has two references that no process explains", "[references]") {
    if (!has_vgem()) return skip("GEM objects: vgem is not loaded");
    auto const card = lab::open_device(lab::vgem_path);
    auto buffer = exported(card, 5 * page);
    auto const inode = lab::inode_of(buffer.get());
    CHECK_COUNT(counted(false), inode, 3U, 2U);
    CHECK_COUNT(counted(), inode, 3U, 2U);
    buffer.reset(); // the handle keeps the object, and so its memory
    auto const now = counted();
    CHECK(is_unheld(now, inode));
    CHECK_COUNT(now, inode, 2U, 2U);
    check_hint("process ", "has " + std::string(lab::vgem_path) +
                               " open, and DRM exported buffer " + std::to_string(inode) + ".\n");
}

TEST_CASE("a table or memory map that two processes share is counted once", "[references]") {
    auto const buffer = lab::alloc_heap(page);
    auto const inode = lab::inode_of(buffer.get());
    bool const mapped = mappings_hold();
    void* const at =
        mapped ? ::mmap(nullptr, page, PROT_READ, MAP_SHARED, buffer.get(), 0) : nullptr;
    REQUIRE(at != MAP_FAILED);
    std::uint64_t const mappings = mapped ? 1 : 0;
    CHECK_COUNT(counted(), inode, 1 + mappings, 0U);
    {
        relative const files(CLONE_FILES); // and a copy of the memory map
        CHECK_COUNT(counted(), inode, 1 + 2 * mappings, 0U);
        relative const memory(CLONE_VM); // and a copy of the table
        CHECK_COUNT(counted(), inode, 2 + 2 * mappings, 0U);
        relative const both(CLONE_FILES | CLONE_VM);
        auto const now = counted();
        CHECK_COUNT(now, inode, 2 + 2 * mappings, 0U);
        CHECK(buffer_of(now, inode).holders == 4);
        CHECK(buffer_of(now, inode).descriptors == 4);
    }
    if (mapped) ::munmap(at, page);
}

TEST_CASE("the mappings of a process that waits for its vfork are counted once", "[references]") {
    if (!mappings_hold()) return skip_mappings();
    lab::child waits([](lab::ready& done) {
        auto const buffer = lab::alloc_heap(page);
        void* const at = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, buffer.get(), 0);
        if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
        done.tell(std::to_string(lab::inode_of(buffer.get())));
        if (::vfork() == 0)
            for (;;)
                ::pause();
    });
    auto const inode = std::stoull(waits.wait_ready());
    auto now = counted();
    while (buffer_of(now, inode).holders != 2)
        now = counted();
    CHECK(buffer_of(now, inode).mappings == 2);
    CHECK_COUNT(now, inode, 3U, 0U); // two descriptors, one mapping
    for (auto const& who : now.holders)
        if (who.pid != waits.pid()) ::kill(who.pid, SIGKILL);
}
