// SPDX-License-Identifier: MIT
//
// The seam to the kernel: the system calls of the library, and their concept. A recording and a
// faulty system model that concept too.
#pragma once

#include <dmabuf/result.hpp>
#include <dmabuf/text.hpp>

#include <climits>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <linux/kcmp.h>
#include <linux/types.h>
#include <span>
#include <string_view>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

namespace dmabuf {
inline namespace v0 {

/// A device number as the kernel prints it. Anonymous devices have major 0.
struct device_number {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;

    constexpr bool operator==(device_number const&) const = default;
};

/// The status of a file, by statx. The call asks the file system to refresh nothing.
struct file_status {
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    device_number device;
    std::uint32_t mode = 0; ///< with the file type bits; a DMA-BUF has none
    std::uint32_t links = 0;
    std::uint32_t uid = 0;
};

/// One mapping, as /proc/P/maps or PROCMAP_QUERY shows it.
struct mapping {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool shared = false;
    device_number device;
    std::uint64_t inode = 0;
    std::string_view path; ///< empty where it was not asked for; any file may be called "/dmabuf:x"

    [[nodiscard]] constexpr std::uint64_t size_bytes() const { return end - begin; }
};

/// The calls that the library makes. Each returns the result of the system call, or the negative
/// errno for a failure, and never throws. A system is a cheap handle that can be copied.
template<class System>
concept system = std::copyable<System> && std::default_initializable<System> &&
                 requires(System s, int fd, char const* path, std::span<char> space,
                          file_status& status, mapping& found) {
                     { s.open(fd, path, int{}) } -> std::same_as<int>;
                     { s.close(fd) } -> std::same_as<int>;
                     { s.read(fd, space) } -> std::same_as<long>;
                     { s.list(fd, space) } -> std::same_as<long>;
                     { s.status(fd, path, int{}, status) } -> std::same_as<int>;
                     { s.readlink(fd, path, space) } -> std::same_as<long>;
                     { s.filesystem_type(fd) } -> std::same_as<long>;
                     { s.query_mapping(fd, std::uint64_t{}, found, space) } -> std::same_as<int>;
                     {
                         s.compare_descriptor_tables(std::int32_t{}, std::int32_t{})
                     } -> std::same_as<int>;
                     { s.compare_memory_maps(std::int32_t{}, std::int32_t{}) } -> std::same_as<int>;
                     { s.process_id() } -> std::same_as<std::int32_t>;
                     { s.clock_ns() } -> std::same_as<std::uint64_t>;
                 };

/// A system that can also walk one process by a pinned BPF program. By others the library reads
/// /proc.
template<class System>
concept bpf_system = system<System> && requires(System s, char const* path) {
    { s.open_program(path) } -> std::same_as<int>;
    { s.open_walk(int{}, std::int32_t{}) } -> std::same_as<int>;
};

/// A system that also has the clock of boot time, which goes on while the machine sleeps: ages of
/// buffers are told by it. By others they are unknown.
template<class System>
concept boot_clock_system = system<System> && requires(System s) {
    { s.boot_clock_ns() } -> std::same_as<std::uint64_t>;
};

namespace detail {

/// struct statx of include/uapi/linux/stat.h. Copied here, because <linux/stat.h> and <sys/stat.h>
/// cannot be included together with every C library.
struct statx_buffer {
    __u32 mask, blksize;
    __u64 attributes;
    __u32 nlink, uid, gid;
    __u16 mode, spare0;
    __u64 ino, size, blocks, attributes_mask;
    __u64 times[8];
    __u32 rdev_major, rdev_minor, dev_major, dev_minor;
    __u64 spare[14];
};
static_assert(sizeof(statx_buffer) == 256);

/// struct procmap_query of include/uapi/linux/fs.h, which older headers lack.
struct procmap_query {
    __u64 size, query_flags, query_addr;
    __u64 vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
    __u32 dev_major, dev_minor, vma_name_size, build_id_size;
    __u64 vma_name_addr, build_id_addr;
};
static_assert(sizeof(procmap_query) == 104);

/// bpf(2) with the part of union bpf_attr (include/uapi/linux/bpf.h) that a command takes. Copied
/// here, because older headers lack the newer fields.
template<class Attributes>
int call_bpf(int command, Attributes attributes) noexcept {
    long const returned = ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
    return returned < 0 ? -errno : static_cast<int>(returned);
}

struct bpf_object_get {
    __u64 path;
    __u32 fd;
    __u32 flags;
};

struct bpf_link_create {
    __u32 program;
    __u32 target;
    __u32 attach_type;
    __u32 flags;
    __u64 iterator;
    __u32 iterator_bytes;
    __u32 unused;
};

struct bpf_iterator_create {
    __u32 link;
    __u32 flags;
};

/// union bpf_iter_link_info: at most one of the three.
struct bpf_iterator_task {
    __u32 tid;
    __u32 pid;
    __u32 pid_fd;
};

inline constexpr std::uint64_t procmap_shared = 0x08;
inline constexpr std::uint64_t procmap_next_of_a_file =
    0x10 | 0x20; // COVERING_OR_NEXT, FILE_BACKED

// AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT: neither synchronises nor mounts anything.
inline constexpr int statx_passive = 0x4000 | 0x800;
inline constexpr std::uint32_t mode_type_mask = 0170000; // S_IFMT

inline long or_errno(long returned) noexcept {
    return returned < 0 ? -errno : returned;
}

} // namespace detail

/// The kernel that this program runs on.
struct live_system {
    /// openat, always with O_CLOEXEC.
    int open(int directory, char const* path, int flags) const noexcept {
        return static_cast<int>(detail::or_errno(::openat(directory, path, flags | O_CLOEXEC)));
    }
    /// close. Linux closes the descriptor even where it answers EINTR.
    int close(int fd) const noexcept { return static_cast<int>(detail::or_errno(::close(fd))); }
    /// read.
    long read(int fd, std::span<char> space) const noexcept {
        return detail::or_errno(::read(fd, space.data(), space.size()));
    }
    /// getdents64.
    long list(int fd, std::span<char> space) const noexcept {
        return detail::or_errno(::syscall(SYS_getdents64, fd, space.data(), space.size()));
    }
    /// statx with an empty mask, AT_STATX_DONT_SYNC and AT_NO_AUTOMOUNT: the kernel answers from
    /// its cache and asks no FUSE or NFS server (9p ignores the flag). `flags` may hold
    /// AT_SYMLINK_NOFOLLOW, or with an empty `path` AT_EMPTY_PATH.
    int status(int directory, char const* path, int flags, file_status& status) const noexcept {
        detail::statx_buffer raw;
        long const returned =
            ::syscall(SYS_statx, directory, path, flags | detail::statx_passive, 0U, &raw);
        if (returned < 0) return -errno;
        status = {raw.ino, raw.size, {raw.dev_major, raw.dev_minor}, raw.mode, raw.nlink, raw.uid};
        return 0;
    }
    /// readlinkat: the length of the target in `space`, without a NUL at its end.
    long readlink(int directory, char const* path, std::span<char> space) const noexcept {
        return detail::or_errno(::readlinkat(directory, path, space.data(), space.size()));
    }
    /// fstatfs: the magic number of the superblock.
    long filesystem_type(int fd) const noexcept {
        struct ::statfs raw;
        if (::fstatfs(fd, &raw) < 0) return -errno;
        // The number has 32 bits. A long of 32 bits has to hold failures too.
        return static_cast<long>(static_cast<std::uintmax_t>(raw.f_type) & UINT32_MAX & LONG_MAX);
    }
    /// PROCMAP_QUERY on an open /proc/P/maps: the first mapping of a file that ends behind `from`.
    /// A `space` that is not empty gets the raw path.
    /// Kernel: 6.11.
    /// Errors: ENOENT where there is no such mapping; ENAMETOOLONG where the path does not fit;
    /// ESRCH where there is no memory map; ENOTTY before 6.11.
    int query_mapping(int fd, std::uint64_t from, mapping& found,
                      std::span<char> space) const noexcept {
        detail::procmap_query raw{};
        raw.size = sizeof raw;
        raw.query_flags = detail::procmap_next_of_a_file;
        raw.query_addr = from;
        raw.vma_name_size = detail::in_32_bits(space.size());
        if (!space.empty()) raw.vma_name_addr = reinterpret_cast<std::uintptr_t>(space.data());
        if (::syscall(SYS_ioctl, fd, _IOWR('f', 17, detail::procmap_query), &raw) < 0)
            return -errno;
        std::size_t const length = raw.vma_name_size == 0 ? 0 : raw.vma_name_size - 1; // with a NUL
        found = {raw.vma_start,
                 raw.vma_end,
                 (raw.vma_flags & detail::procmap_shared) != 0,
                 {raw.dev_major, raw.dev_minor},
                 raw.inode,
                 detail::text_at(space.data(), length)};
        return 0;
    }
    /// kcmp(KCMP_FILES): 0 where both tasks use one descriptor table, 1 and 2 for their order.
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const noexcept {
        return static_cast<int>(detail::or_errno(::syscall(SYS_kcmp, a, b, KCMP_FILES, 0L, 0L)));
    }
    /// kcmp(KCMP_VM): the same of memory maps.
    int compare_memory_maps(std::int32_t a, std::int32_t b) const noexcept {
        return static_cast<int>(detail::or_errno(::syscall(SYS_kcmp, a, b, KCMP_VM, 0L, 0L)));
    }
    /// BPF_OBJ_GET of a pinned program, to be run and not to be changed.
    int open_program(char const* path) const noexcept {
        constexpr int object_get = 7;       // BPF_OBJ_GET
        constexpr __u32 read_only = 1 << 3; // BPF_F_RDONLY
        return detail::call_bpf(
            object_get,
            detail::bpf_object_get{reinterpret_cast<std::uintptr_t>(path), 0, read_only});
    }
    /// A walk of an iterator's program over the thread group `pid` of the caller's pid namespace.
    /// The link goes with the walk.
    /// Kernel: BPF_LINK_CREATE with a task, since 6.1; E2BIG before.
    int open_walk(int program, std::int32_t pid) const noexcept {
        constexpr int link_create = 28;          // BPF_LINK_CREATE
        constexpr int iterator_create = 33;      // BPF_ITER_CREATE
        constexpr __u32 attach_to_iterator = 28; // BPF_TRACE_ITER
        detail::bpf_iterator_task const task{0, static_cast<__u32>(pid), 0};
        int const link = detail::call_bpf(
            link_create,
            detail::bpf_link_create{static_cast<__u32>(program), 0, attach_to_iterator, 0,
                                    reinterpret_cast<std::uintptr_t>(&task), sizeof task, 0});
        if (link < 0) return link;
        int const walk = detail::call_bpf(iterator_create,
                                          detail::bpf_iterator_create{static_cast<__u32>(link), 0});
        ::close(link);
        return walk;
    }
    /// getpid.
    std::int32_t process_id() const noexcept { return ::getpid(); }
    /// CLOCK_MONOTONIC, which stands still while the machine sleeps.
    std::uint64_t clock_ns() const noexcept { return time_of(CLOCK_MONOTONIC); }
    /// CLOCK_BOOTTIME, which goes on while the machine sleeps.
    std::uint64_t boot_clock_ns() const noexcept { return time_of(CLOCK_BOOTTIME); }

private:
    static std::uint64_t time_of(::clockid_t clock) noexcept {
        timespec now{};
        ::clock_gettime(clock, &now);
        return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
               static_cast<std::uint64_t>(now.tv_nsec);
    }
};
static_assert(bpf_system<live_system> && boot_clock_system<live_system>);

} // namespace v0
} // namespace dmabuf
