// SPDX-License-Identifier: MIT
//
// Descriptors, paths and small files, opened relative to a directory and read into memory that the
// caller gives.
#pragma once

#include <dmabuf/kernel/system.hpp>

#include <utility>

namespace dmabuf {
inline namespace v0 {

namespace detail {

/// Repeats `call` while signals interrupt it.
template<class Call>
auto uninterrupted(Call call) {
    for (;;) {
        auto const returned = call();
        if (returned != -EINTR) return returned;
    }
}

// The calls that several places make. A lambda in each place would be compiled for each.

template<system System>
long uninterrupted_read(System const& system, int fd, std::span<char> into) {
    return uninterrupted([&] { return system.read(fd, into); });
}

template<system System>
long uninterrupted_readlink(System const& system, int directory, char const* path,
                            std::span<char> into) {
    return uninterrupted([&] { return system.readlink(directory, path, into); });
}

template<system System>
int uninterrupted_status(System const& system, int directory, char const* path, int flags,
                         file_status& into) {
    return uninterrupted([&] { return system.status(directory, path, flags, into); });
}

template<system System>
long uninterrupted_filesystem_type(System const& system, int fd) {
    return uninterrupted([&] { return system.filesystem_type(fd); });
}

/// A number that stands in a path in hexadecimal.
struct hex {
    std::uint64_t number;
};

/// A path relative to a directory descriptor, built in place: path("task/", tid, "/fd").
class path {
public:
    path(auto const&... parts) { (add(parts), ...); }
    [[nodiscard]] char const* c_str() const { return text_.c_str(); }

private:
    void add(std::string_view part) { text_.append(part); }
    void add(std::integral auto number) { text_.append_number(number); }
    void add(hex number) { text_.append_number(number.number, 16); }

    inline_text<95> text_;
};

} // namespace detail

/// Owns a descriptor of `System`. Move-only.
template<system System = live_system>
class unique_fd {
public:
    unique_fd() = default;
    unique_fd(System system, int fd)
        : system_(system)
        , fd_(fd) {}
    unique_fd(unique_fd&& other) noexcept
        : system_(other.system_)
        , fd_(std::exchange(other.fd_, -1)) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        if (this != &other) {
            reset();
            system_ = other.system_;
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~unique_fd() { reset(); }

    /// The descriptor, or -1 where none is open.
    /// Lifetime: until `reset()`, a move or the end of this object.
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    /// Closes the descriptor, if one is open.
    /// Cost: one system call.
    void reset() {
        if (fd_ >= 0) system_.close(std::exchange(fd_, -1));
    }

private:
    [[no_unique_address]] System system_{};
    int fd_ = -1;
};

/// Opens `path` relative to the descriptor `directory`, always with O_CLOEXEC.
/// Cost: one system call.
/// Errors: those of openat(2), at `where`.
template<system System>
result<unique_fd<System>> open_at(System system, int directory, char const* path, int flags,
                                  place where) {
    int const fd = detail::uninterrupted([&] { return system.open(directory, path, flags); });
    if (fd < 0) return failure{operation::open, -fd, where};
    return unique_fd<System>(system, fd);
}

namespace detail {

/// The path of a file that a range opens later. A copy: the caller's text may be gone by then.
using kept_path = inline_text<255>;

/// Opens a kept path.
/// Errors: those of `open_at`; ENAMETOOLONG for a path that was too long to be kept.
template<system System>
result<unique_fd<System>> open_kept(System system, kept_path const& path, int flags, place where) {
    if (path.truncated()) return failure{operation::open, ENAMETOOLONG, where};
    return open_at(system, AT_FDCWD, path.c_str(), flags, where);
}

} // namespace detail

/// Whether the text of a file so far is all of it. Not a type parameter: each would be one more
/// `read_file()` to compile.
using whole_test = bool (*)(std::string_view);

/// Use for a file whose only end mark is end-of-file.
constexpr bool ends_at_end(std::string_view) {
    return false;
}
/// Use for a file of one line. Its newline ends it, which spares the read that sees end-of-file.
constexpr bool ends_at_newline(std::string_view text) {
    return text.ends_with('\n');
}

/// Reads into `space` until `is_whole(text so far)`, until the space is full, or until the file
/// ends. One read of a /proc file may return less than there is.
/// Cost: one read or more, and one that sees the end unless `is_whole` tells it. No allocation.
/// Errors: those of read(2), at `where`.
/// Lifetime: the text lies in `space`.
template<system System>
result<std::string_view> read_some(System system, int fd, std::span<char> space, place where,
                                   whole_test is_whole = ends_at_end) {
    std::size_t filled = 0;
    while (filled < space.size() && !is_whole(detail::text_at(space.data(), filled))) {
        long const got = detail::uninterrupted_read(system, fd, space.subspan(filled));
        if (got < 0) return failure{operation::read, static_cast<int>(-got), where};
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    return detail::text_at(space.data(), filled);
}

/// Opens, reads and closes a small file.
/// Cost: three system calls, and a fourth that sees the end unless `is_whole` tells it. No
/// allocation.
/// Errors: those of openat(2) and read(2); EOVERFLOW for a text that does not fit `space`, which is
/// never cut.
/// Lifetime: the text lies in `space`.
template<system System>
result<std::string_view> read_file(System system, int directory, char const* path,
                                   std::span<char> space, place where,
                                   whole_test is_whole = ends_at_end) {
    auto const file = open_at(system, directory, path, O_RDONLY, where);
    if (!file) return file.error();
    auto const text = read_some(system, file->get(), space, where, is_whole);
    if (text && text->size() == space.size()) return failure{operation::read, EOVERFLOW, where};
    return text;
}

/// An uninitialised byte buffer. Pages that are never read into are never touched.
class raw_bytes {
public:
    raw_bytes() = default;
    /// A buffer of `size` bytes.
    /// Cost: one allocation.
    explicit raw_bytes(std::size_t size)
        : bytes_(new char[size])
        , size_(size) {}
    raw_bytes(raw_bytes&& other) noexcept
        : bytes_(std::exchange(other.bytes_, nullptr))
        , size_(std::exchange(other.size_, 0)) {}
    raw_bytes& operator=(raw_bytes other) noexcept {
        bytes_ = std::exchange(other.bytes_, bytes_);
        size_ = std::exchange(other.size_, size_);
        return *this;
    }
    ~raw_bytes() { delete[] bytes_; }

    /// The bytes.
    /// Lifetime: that of the buffer.
    template<class = detail::if_called>
    operator std::span<char>() const& {
        return std::span(bytes_, size_);
    }
    template<class = detail::if_called>
    operator std::span<char>() const&& = delete;
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    char* bytes_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace v0
} // namespace dmabuf
