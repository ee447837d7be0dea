// SPDX-License-Identifier: GPL-2.0-only
//
// Real DMA-BUFs and processes that hold them: what the workload and the tests in the lab are made
// of. Whatever cannot be had is a std::system_error that names the call.
#ifndef LAB_BUFFERS_HPP
#define LAB_BUFFERS_HPP

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <signal.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace lab {

template<class Result>
Result check(Result result, char const* call) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), call);
    return result;
}

// Owns one file descriptor.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int number)
        : number_(number) {}
    descriptor(descriptor&& other) noexcept
        : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~descriptor() { reset(); }

    int get() const { return number_; }
    int release() { return std::exchange(number_, -1); }
    void reset() {
        if (number_ >= 0) ::close(release());
    }

private:
    int number_ = -1;
};

// --- buffers ---

// The kernel hands out whole pages, and says so in the buffer's size.
inline std::uint64_t whole_pages(std::uint64_t size_bytes) {
    auto const page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return (size_bytes + page - 1) / page * page;
}

// The identity of a buffer, asked of a descriptor of one's own.
inline std::uint64_t inode_of(int fd) {
    struct stat status;
    check(::fstat(fd, &status), "fstat");
    return status.st_ino;
}

// Kernels that have neither heaps nor udmabuf, as Debian's 5.10 and 6.1, have vgem instead: the lab
// loads it there, and it makes the buffers of both.
constexpr char const* heap_path = "/dev/dma_heap/system";
constexpr char const* udmabuf_path = "/dev/udmabuf";
constexpr char const* vgem_path = "/dev/dri/card0";

inline bool is_there(char const* path) {
    return ::access(path, F_OK) == 0;
}

inline descriptor open_device(char const* path) {
    if (!is_there(path)) path = vgem_path;
    return descriptor(check(::open(path, O_RDWR | O_CLOEXEC), path));
}

// The kernel's name for the exporter of a buffer that alloc_heap() makes.
inline char const* heap_exporter() {
    return is_there(heap_path) ? "system" : "drm";
}
inline char const* udmabuf_exporter() {
    return is_there(udmabuf_path) ? "udmabuf" : "drm";
}

// drm/drm.h and drm/drm_mode.h as far as they go here: Debian's headers of the kernel leave them
// out.
struct drm_dumb_buffer {
    std::uint32_t height, width, bits_per_pixel, flags, handle, pitch;
    std::uint64_t size_bytes;
};
struct drm_prime_handle {
    std::uint32_t handle, flags;
    std::int32_t fd;
};
struct drm_gem_handle {
    std::uint32_t handle, padding;
};
constexpr auto drm_close_handle = _IOW('d', 0x09, drm_gem_handle);
constexpr auto drm_handle_to_fd = _IOWR('d', 0x2d, drm_prime_handle);
constexpr auto drm_fd_to_handle = _IOWR('d', 0x2e, drm_prime_handle);
constexpr auto drm_create_dumb = _IOWR('d', 0xb2, drm_dumb_buffer);

// A buffer of the exporter "drm". Its handle is closed: descriptors and mappings alone hold it.
inline descriptor alloc_vgem(descriptor const& card, std::uint64_t size_bytes) {
    drm_dumb_buffer made{};
    made.width = static_cast<std::uint32_t>(size_bytes);
    made.height = 1;
    made.bits_per_pixel = 8;
    if (made.width != size_bytes)
        throw std::system_error(EFBIG, std::generic_category(), "DRM_IOCTL_MODE_CREATE_DUMB");
    check(::ioctl(card.get(), drm_create_dumb, &made), "DRM_IOCTL_MODE_CREATE_DUMB");
    drm_prime_handle exported{made.handle, O_CLOEXEC | O_RDWR, -1};
    check(::ioctl(card.get(), drm_handle_to_fd, &exported), "DRM_IOCTL_PRIME_HANDLE_TO_FD");
    drm_gem_handle handle{made.handle, 0};
    check(::ioctl(card.get(), drm_close_handle, &handle), "DRM_IOCTL_GEM_CLOSE");
    return descriptor(exported.fd);
}

// Attaches vgem's device to a buffer of another exporter, until `card` is closed.
inline void import_into_vgem(descriptor const& card, int buffer) {
    drm_prime_handle imported{0, 0, buffer};
    check(::ioctl(card.get(), drm_fd_to_handle, &imported), "DRM_IOCTL_PRIME_FD_TO_HANDLE");
}

inline descriptor open_heap() {
    return open_device(heap_path);
}

// A buffer of the exporter heap_exporter().
inline descriptor alloc_heap(descriptor const& heap, std::uint64_t size_bytes) {
    if (!is_there(heap_path)) return alloc_vgem(heap, size_bytes);
    dma_heap_allocation_data request{};
    request.len = size_bytes;
    request.fd_flags = O_RDWR | O_CLOEXEC;
    check(::ioctl(heap.get(), DMA_HEAP_IOCTL_ALLOC, &request), "DMA_HEAP_IOCTL_ALLOC");
    return descriptor(static_cast<int>(request.fd));
}

inline descriptor alloc_heap(std::uint64_t size_bytes) {
    return alloc_heap(open_heap(), size_bytes);
}

// udmabuf wants memory that cannot shrink below it.
inline descriptor sealed_memory(std::uint64_t size_bytes) {
    descriptor memory(
        check(::memfd_create("udmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
    check(::ftruncate(memory.get(), static_cast<off_t>(size_bytes)), "ftruncate");
    check(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK), "F_ADD_SEALS");
    return memory;
}

// A buffer of the exporter udmabuf_exporter(): `repeat` times the same memory one after the other,
// which makes a large buffer of little memory.
inline descriptor alloc_udmabuf(std::uint64_t size_bytes, std::uint32_t repeat = 1) {
    descriptor const device = open_device(udmabuf_path);
    std::uint64_t const size = whole_pages(size_bytes);
    if (!is_there(udmabuf_path)) return alloc_vgem(device, size * repeat);
    descriptor memory = sealed_memory(size);
    std::vector<std::byte> storage(sizeof(udmabuf_create_list) +
                                   repeat * sizeof(udmabuf_create_item));
    udmabuf_create_item const item{static_cast<std::uint32_t>(memory.get()), 0, 0, size};
    std::uint32_t const head[] = {UDMABUF_FLAGS_CLOEXEC, repeat};
    static_assert(sizeof head == sizeof(udmabuf_create_list));
    std::memcpy(storage.data(), head, sizeof head);
    for (std::uint32_t i = 0; i < repeat; ++i)
        std::memcpy(storage.data() + sizeof head + i * sizeof item, &item, sizeof item);
    return descriptor(
        check(::ioctl(device.get(), UDMABUF_CREATE_LIST, storage.data()), "UDMABUF_CREATE_LIST"));
}

// At most 31 bytes of any kind but zero.
inline void set_name(int buffer, std::string const& name) {
    check(::ioctl(buffer, DMA_BUF_SET_NAME_B, reinterpret_cast<std::uintptr_t>(name.c_str())),
          "DMA_BUF_SET_NAME");
}

// --- descriptors from process to process ---

struct socket_pair {
    descriptor here, there;
};

inline socket_pair make_socket_pair() {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
    return {descriptor(ends[0]), descriptor(ends[1])};
}

// One message with one byte and one descriptor.
class fd_message {
public:
    fd_message() {
        message_.msg_iov = &part_;
        message_.msg_iovlen = 1;
        message_.msg_control = control_;
        message_.msg_controllen = sizeof control_;
    }
    msghdr* header() { return &message_; }

private:
    char byte_ = 0;
    iovec part_{&byte_, 1};
    alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))] = {};
    msghdr message_{};
};

inline void send_fd(int socket, int fd) {
    fd_message message;
    cmsghdr* control = CMSG_FIRSTHDR(message.header());
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(control), &fd, sizeof fd);
    check(::sendmsg(socket, message.header(), MSG_NOSIGNAL), "sendmsg");
}

inline descriptor recv_fd(int socket) {
    fd_message message;
    auto const received = check(::recvmsg(socket, message.header(), MSG_CMSG_CLOEXEC), "recvmsg");
    cmsghdr* control = CMSG_FIRSTHDR(message.header());
    if (received == 0 || !control || control->cmsg_type != SCM_RIGHTS)
        throw std::runtime_error("recvmsg: no descriptor came");
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(control), sizeof fd);
    return descriptor(fd);
}

// --- processes ---

// The end of a child's work: it has done all it was made for, and stays as it is.
class ready {
public:
    explicit ready(descriptor pipe)
        : pipe_(std::move(pipe)) {}

    // Tells the parent, with a text for it that has no zero byte, and never returns.
    [[noreturn]] void operator()(std::string const& report = {}) {
        tell(report);
        for (;;)
            ::pause();
    }

    // Tells the parent and goes on.
    void tell(std::string const& report = {}) {
        std::size_t const size = report.size() + 1; // the zero byte says that all went well
        for (std::size_t done = 0; done < size;)
            done += static_cast<std::size_t>(
                check(::write(pipe_.get(), report.c_str() + done, size - done), "write"));
        pipe_.reset();
    }

    int fd() const { return pipe_.get(); }

private:
    descriptor pipe_;
};

// Asks the kernel to kill this process when its parent dies. Changing the user undoes this.
inline void die_with_parent(pid_t parent) {
    check(::prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
    if (::getppid() != parent) ::_exit(1); // it is dead already
}

// A child process that runs body(ready&) after fork(). It lives until this object goes; when its
// body returns or throws, it is over at once.
class child {
public:
    template<class Body>
    explicit child(Body&& body) {
        int ends[2];
        check(::pipe2(ends, O_CLOEXEC), "pipe2");
        report_ = descriptor(ends[0]);
        descriptor writer(ends[1]);
        pid_t const parent = ::getpid();
        pid_ = check(::fork(), "fork");
        if (pid_ == 0) {
            report_.reset();
            run(body, ready(std::move(writer)), parent);
        }
    }
    child(child&& other) noexcept
        : pid_(std::exchange(other.pid_, -1))
        , report_(std::move(other.report_)) {}
    child& operator=(child&& other) noexcept {
        std::swap(pid_, other.pid_);
        std::swap(report_, other.report_);
        return *this;
    }
    ~child() { end(); }

    pid_t pid() const { return pid_; }

    // Waits until the child has said that it is ready; returns its text.
    std::string wait_ready() {
        std::string text;
        for (char byte;;) {
            auto const got = ::read(report_.get(), &byte, 1);
            if (got < 0 && errno == EINTR) continue;
            if (check(got, "read") == 0)
                throw std::runtime_error("a child ended before it was ready");
            if (byte == 0) break;
            text += byte;
        }
        report_.reset();
        return text;
    }

    // Kills and reaps the child.
    void end() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }

private:
    template<class Body>
    [[noreturn]] static void run(Body& body, ready done, pid_t parent) {
        try {
            die_with_parent(parent);
            body(done);
        } catch (std::exception const& error) {
            std::fprintf(stderr, "child %d: %s\n", static_cast<int>(::getpid()), error.what());
            ::_exit(1);
        }
        ::_exit(0);
    }

    pid_t pid_ = -1;
    descriptor report_;
};

} // namespace lab

#endif
