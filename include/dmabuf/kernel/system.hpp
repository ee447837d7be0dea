// SPDX-License-Identifier: MIT
//
// The seam to the kernel: the few system calls that the library makes, the concept that a
// recording or a faulty system models too, and the helpers that every reader shares.
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
#include <optional>
#include <span>
#include <string_view>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace dmabuf {
inline namespace v0 {

/// A device number as the kernel prints it: the anonymous ones have major 0.
struct device_number {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;

    constexpr bool operator==(device_number const&) const = default;
};

/// What statx tells of a file without asking its file system to refresh anything.
struct file_status {
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    device_number device;
    std::uint32_t mode = 0; ///< with the file type bits, which a DMA-BUF does not have
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
    std::string_view path; ///< where it was asked for; anything may be called "/dmabuf:x"

    [[nodiscard]] constexpr std::uint64_t size_bytes() const { return end - begin; }
};

/// The calls that the library makes. Each returns what the system call does, with the negative
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
                     { s.process_id() } -> std::same_as<std::int32_t>;
                     { s.clock_ns() } -> std::same_as<std::uint64_t>;
                 };

namespace detail {

/// struct statx of include/uapi/linux/stat.h. Spelled out, because <linux/stat.h> and <sys/stat.h>
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

inline constexpr std::uint64_t procmap_shared = 0x08;
inline constexpr std::uint64_t procmap_next_of_a_file =
    0x10 | 0x20; // COVERING_OR_NEXT, FILE_BACKED

// AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT: a look that sets nothing in motion.
inline constexpr int statx_passive = 0x4000 | 0x800;
inline constexpr std::uint32_t mode_type_mask = 0170000; // S_IFMT

inline long or_errno(long returned) noexcept {
    return returned < 0 ? -errno : returned;
}

} // namespace detail

/// The kernel that this program runs on.
struct live_system {
    int open(int directory, char const* path, int flags) const noexcept {
        return static_cast<int>(detail::or_errno(::openat(directory, path, flags | O_CLOEXEC)));
    }
    int close(int fd) const noexcept { return static_cast<int>(detail::or_errno(::close(fd))); }
    long read(int fd, std::span<char> space) const noexcept {
        return detail::or_errno(::read(fd, space.data(), space.size()));
    }
    /// getdents64.
    long list(int fd, std::span<char> space) const noexcept {
        return detail::or_errno(::syscall(SYS_getdents64, fd, space.data(), space.size()));
    }
    /// statx with an empty mask, AT_STATX_DONT_SYNC and AT_NO_AUTOMOUNT: the kernel answers from
    /// what it knows and asks no FUSE or NFS server (9p ignores the flag). `flags` may hold
    /// AT_SYMLINK_NOFOLLOW, or, where `path` is empty, AT_EMPTY_PATH.
    int status(int directory, char const* path, int flags, file_status& status) const noexcept {
        detail::statx_buffer raw;
        long const returned =
            ::syscall(SYS_statx, directory, path, flags | detail::statx_passive, 0U, &raw);
        if (returned < 0) return -errno;
        status = {raw.ino, raw.size, {raw.dev_major, raw.dev_minor}, raw.mode, raw.nlink, raw.uid};
        return 0;
    }
    long readlink(int directory, char const* path, std::span<char> space) const noexcept {
        return detail::or_errno(::readlinkat(directory, path, space.data(), space.size()));
    }
    /// The superblock's magic number.
    long filesystem_type(int fd) const noexcept {
        struct ::statfs raw;
        if (::fstatfs(fd, &raw) < 0) return -errno;
        // A number of 32 bits, which long may have to hold beside failures.
        return static_cast<long>(static_cast<std::uint32_t>(raw.f_type) & std::uintmax_t{LONG_MAX});
    }
    /// PROCMAP_QUERY on an open /proc/P/maps: the first mapping of a file that ends behind `from`;
    /// its path, raw, in `space` if that is not empty. ENOENT: there is none. ENAMETOOLONG: the
    /// path does not fit. ESRCH: no memory map. Linux 6.11; before that ENOTTY.
    int query_mapping(int fd, std::uint64_t from, mapping& found,
                      std::span<char> space) const noexcept {
        detail::procmap_query raw{};
        raw.size = sizeof raw;
        raw.query_flags = detail::procmap_next_of_a_file;
        raw.query_addr = from;
        raw.vma_name_size = static_cast<__u32>(space.size());
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
    /// kcmp(KCMP_FILES): 0 when both tasks use one descriptor table.
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const noexcept {
        return static_cast<int>(detail::or_errno(::syscall(SYS_kcmp, a, b, KCMP_FILES, 0L, 0L)));
    }
    std::int32_t process_id() const noexcept { return ::getpid(); }
    std::uint64_t clock_ns() const noexcept {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
               static_cast<std::uint64_t>(now.tv_nsec);
    }
};
static_assert(system<live_system>);

namespace detail {

/// Makes `call` again while a signal interrupts it.
template<class Call>
auto uninterrupted(Call call) {
    for (;;) {
        auto const returned = call();
        if (returned != -EINTR) return returned;
    }
}

/// A number that a path shows in hexadecimal.
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

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    void reset() {
        if (fd_ >= 0) system_.close(std::exchange(fd_, -1));
    }

private:
    [[no_unique_address]] System system_{};
    int fd_ = -1;
};

/// Opens `path` relative to the descriptor `directory`, always with O_CLOEXEC.
/// Cost: one system call. Errors: `failure` at `where`.
template<system System>
result<unique_fd<System>> open_at(System system, int directory, char const* path, int flags,
                                  place where) {
    int const fd = detail::uninterrupted([&] { return system.open(directory, path, flags); });
    if (fd < 0) return failure{operation::open, -fd, where};
    return unique_fd<System>(system, fd);
}

namespace detail {

/// The path of a file that a range opens later: copied, since the caller's may be gone by then.
using kept_path = inline_text<255>;

/// Errors: those of `open_at`; ENAMETOOLONG for a path that was too long to be kept.
template<system System>
result<unique_fd<System>> open_kept(System system, kept_path const& path, int flags, place where) {
    if (path.truncated()) return failure{operation::open, ENAMETOOLONG, where};
    return open_at(system, AT_FDCWD, path.c_str(), flags, where);
}

} // namespace detail

/// For a file that nothing but its end tells to be whole.
inline constexpr auto ends_at_end = [](std::string_view) { return false; };
/// For a file of one line: its newline tells, and spares the read that sees the end.
inline constexpr auto ends_at_newline = [](std::string_view text) { return text.ends_with('\n'); };

/// Reads into `space` until `is_whole(text so far)`, until the space is full or the file ends; a
/// /proc file may hand out less than asked.
/// Cost: at least one read, and one more that sees the end where nothing else tells of it. No
/// allocation. Lifetime: the text lies in `space`.
template<system System, class IsWhole = decltype(ends_at_end)>
result<std::string_view> read_some(System system, int fd, std::span<char> space, place where,
                                   IsWhole is_whole = {}) {
    std::size_t filled = 0;
    while (filled < space.size() && !is_whole(detail::text_at(space.data(), filled))) {
        long const got =
            detail::uninterrupted([&] { return system.read(fd, space.subspan(filled)); });
        if (got < 0) return failure{operation::read, static_cast<int>(-got), where};
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    return detail::text_at(space.data(), filled);
}

/// Opens, reads and closes a small file. Text that does not fit `space` is refused with EOVERFLOW
/// rather than cut. Cost: three system calls, and a fourth where only the end tells that the text
/// is whole; no allocation. Lifetime: the text lies in `space`.
template<system System, class IsWhole = decltype(ends_at_end)>
result<std::string_view> read_file(System system, int directory, char const* path,
                                   std::span<char> space, place where, IsWhole is_whole = {}) {
    auto const file = open_at(system, directory, path, O_RDONLY, where);
    if (!file) return file.error();
    auto const text = read_some(system, file->get(), space, where, is_whole);
    if (text && text->size() == space.size()) return failure{operation::read, EOVERFLOW, where};
    return text;
}

/// The end of every reader. Not std::default_sentinel_t: <iterator> would add 11,000 lines to the
/// 39,000 that including the library takes (libstdc++ 12), and a fifth of the time.
struct end_of_reader {};

/// The iterator of every reader: a single-pass std::input_iterator, ended by `end_of_reader`.
/// All I/O happens in `begin()` and `++`, never in `*`.
template<class Reader>
class reader_iterator {
public:
    using value_type = typename Reader::item;
    using reference = value_type const&;
    using pointer = value_type const*;
    using difference_type = std::ptrdiff_t;

    reader_iterator() = default;
    explicit reader_iterator(Reader& reader)
        : reader_(&reader) {}

    reference operator*() const { return reader_->current(); }
    pointer operator->() const { return &reader_->current(); }
    reader_iterator& operator++() {
        reader_->advance();
        return *this;
    }
    void operator++(int) { ++*this; }
    [[nodiscard]] bool operator==(end_of_reader) const { return reader_->done(); }

private:
    Reader* reader_ = nullptr;
};

/// Base of every reader. `Derived` gives `void next(std::optional<Item>&)`, whose first call opens
/// the file, and which leaves empty what it is given where nothing more is there.
/// A reader is a move-only, single-pass range of `Item`, usually a `result`: a bad entry is an
/// item, it neither ends the range nor disappears. `begin()` starts the range, once.
template<class Derived, class Item>
class reader {
public:
    using item = Item;
    using iterator = reader_iterator<reader>;

    reader() = default;
    reader(reader&&) = default;
    reader& operator=(reader&&) = default;

    iterator begin() & {
        advance();
        return iterator(*this);
    }
    void begin() && = delete; // what it points to goes with the reader
    end_of_reader end() const { return {}; }

private:
    friend iterator;
    [[nodiscard]] Item const& current() const { return *current_; }
    [[nodiscard]] bool done() const { return !current_.has_value(); }
    void advance() {
        current_.reset();
        static_cast<Derived&>(*this).next(current_);
    }

    std::optional<Item> current_;
};

/// Bytes that nobody clears: of what is never read into, no page is ever touched.
class raw_bytes {
public:
    raw_bytes() = default;
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

/// Memory that a reader reads into: the caller's, which costs nothing, or else its own.
class read_space {
public:
    static constexpr std::size_t default_bytes = 16384;

    read_space() = default;
    explicit read_space(std::span<char> borrowed)
        : borrowed_(borrowed) {}

    template<class = detail::if_called>
    std::span<char> get() & {
        if (!borrowed_.empty()) return borrowed_;
        if (own_.size() == 0) own_ = raw_bytes(default_bytes);
        return own_;
    }

private:
    std::span<char> borrowed_;
    raw_bytes own_;
};

/// Hands out a text file line by line, however the kernel cuts it into reads.
/// Cost: one read per bufferful and one that sees the end. No allocation of its own.
template<system System = live_system>
class line_reader {
public:
    line_reader(unique_fd<System> file, System system, read_space space, place where)
        : system_(system)
        , file_(std::move(file))
        , space_(std::move(space))
        , where_(where) {}

    /// The next line without its newline, or nothing at the end of the file.
    /// Errors: EOVERFLOW for a line that does not fit the space, behind which the next one follows;
    /// from read, and EBADMSG for a file that ends within a line: then the file has ended.
    /// Lifetime: until the next call.
    std::optional<result<std::string_view>> next() {
        for (;;) {
            if (auto const end = unread_.find('\n'); end != unread_.npos) {
                auto const line = unread_.substr(0, end);
                unread_.remove_prefix(end + 1);
                if (!std::exchange(too_long_, false)) return line;
            } else if (!file_.is_open()) {
                return std::nullopt;
            } else if (unread_.size() == space_.get().size()) {
                unread_ = {};
                if (!std::exchange(too_long_, true))
                    return failure{operation::read, EOVERFLOW, where_};
            } else if (auto more = refill(); !more) {
                file_.reset();
                unread_ = {};
                return more.error();
            }
        }
    }

private:
    /// Keeps the beginning of a line that a read cut off, and reads on behind it.
    result<void> refill() {
        auto const space = space_.get();
        std::size_t const kept = unread_.size();
        if (kept != 0) __builtin_memmove(space.data(), unread_.data(), kept);
        long const got =
            detail::uninterrupted([&] { return system_.read(file_.get(), space.subspan(kept)); });
        if (got < 0) return failure{operation::read, static_cast<int>(-got), where_};
        unread_ = detail::text_at(space.data(), kept + static_cast<std::size_t>(got));
        if (got == 0 && kept != 0) return failure{operation::parse, EBADMSG, where_};
        if (got == 0) file_.reset();
        return {};
    }

    [[no_unique_address]] System system_;
    unique_fd<System> file_;
    read_space space_;
    place where_;
    std::string_view unread_;
    bool too_long_ = false; ///< what is read belongs to a line that does not fit
};

/// A text file through a parser of its lines, which has `line(text, out)` and `finish(out)`.
/// Opened by `begin()`. Cost: one open, one read per bufferful and one that sees the end, one
/// close. No allocation. Errors: an item each, from open, read and the parser.
template<class Parser, class Item, system System = live_system>
class parsed_lines : public reader<parsed_lines<Parser, Item, System>, result<Item>> {
public:
    /// `path` is absolute.
    parsed_lines(System system, char const* path, int flags, place where, read_space space)
        : system_(system)
        , path_(path)
        , flags_(flags)
        , where_(where)
        , space_(std::move(space)) {}

private:
    friend reader<parsed_lines, result<Item>>;

    void next(std::optional<result<Item>>& out) {
        if (!std::exchange(opened_, true) && !open(out)) return;
        while (lines_ && !out) {
            auto const line = lines_->next();
            if (!line) return parser_.finish(out);
            if (*line)
                parser_.line(**line, out);
            else
                fail((*line).error(), out);
        }
    }

    void fail(failure const& why, std::optional<result<Item>>& out) {
        out = why;
        if (why.error != EOVERFLOW) lines_.reset();
    }

    bool open(std::optional<result<Item>>& out) {
        auto file = detail::open_kept(system_, path_, flags_, where_);
        if (file)
            lines_.emplace(std::move(file).value(), system_, std::move(space_), where_);
        else
            out = file.error();
        return lines_.has_value();
    }

    [[no_unique_address]] System system_;
    detail::kept_path path_;
    int flags_;
    place where_;
    read_space space_;
    Parser parser_;
    std::optional<line_reader<System>> lines_;
    bool opened_ = false;
};

/// A directory whose entries are numbers (processes, tasks, descriptors, inodes): yields the
/// numbers in the kernel's order and passes over every other name. Opened by `begin()`, relative to
/// a descriptor that must outlive the range. Cost: one open, one getdents64 per bufferful and one
/// that sees the end, one close. Errors: one failure that ends the range, from open or getdents64.
template<class Number, system System = live_system>
class number_directory : public reader<number_directory<Number, System>, result<Number>> {
public:
    number_directory(System system, int parent, detail::path path, place where,
                     read_space space = {})
        : system_(system)
        , parent_(parent)
        , path_(path)
        , where_(where)
        , space_(std::move(space)) {}

    /// The open directory, relative to which the entries can be reached; -1 before and after.
    [[nodiscard]] int descriptor() const { return directory_.get(); }
    /// The current entry as the kernel wrote it. Lifetime: until the range moves on.
    [[nodiscard]] char const* name() const { return name_; }

    /// Calls `take` with every number until it returns false, instead of begin(): what is cheaper
    /// where there are many.
    template<class Take>
    result<void> for_each(Take take) {
        std::optional<result<Number>> failed;
        while (!unread_.empty() || read_more(failed)) {
            Number number = 0;
            auto const what = take_entry(number);
            if (what == entry::broken) return failure{operation::list, EBADMSG, where_};
            if (what == entry::number && !take(number)) break;
        }
        return failed ? result<void>(failed->error()) : result<void>();
    }

private:
    friend reader<number_directory, result<Number>>;

    void next(std::optional<result<Number>>& out) {
        while (!unread_.empty() || read_more(out)) {
            Number number = 0;
            auto const what = take_entry(number);
            if (what == entry::broken) return fail(out, operation::list, EBADMSG);
            if (what == entry::number) return void(out.emplace(number));
        }
    }

    enum class entry : std::uint8_t { number, other, broken };

    entry take_entry(Number& taken) {
        constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Number>::max());
        auto rest = take_name();
        name_ = rest.data();
        std::uint64_t number = 0;
        if (detail::take_number(rest, number) && rest.starts_with('\0') && number <= most)
            return taken = static_cast<Number>(number), entry::number;
        return rest.find('\0') == rest.npos ? entry::broken : entry::other;
    }

    void open(std::optional<result<Number>>& out) {
        opened_ = true;
        auto directory = open_at(system_, parent_, path_.c_str(), O_RDONLY | O_DIRECTORY, where_);
        if (directory)
            directory_ = std::move(directory).value();
        else
            out = directory.error();
    }

    /// False when there is nothing more, or a failure, which is then in `out`.
    bool read_more(std::optional<result<Number>>& out) {
        if (!opened_) open(out);
        if (!directory_.is_open()) return false;
        auto const space = space_.get();
        long const got =
            detail::uninterrupted([&] { return system_.list(directory_.get(), space); });
        if (got < 0) fail(out, operation::list, static_cast<int>(-got));
        if (got <= 0) return directory_.reset(), false;
        unread_ = detail::text_at(space.data(), static_cast<std::size_t>(got));
        return true;
    }

    void fail(std::optional<result<Number>>& out, operation doing, int error) {
        unread_ = {};
        directory_.reset();
        out = failure{doing, error, where_};
    }

    /// struct linux_dirent64: u64 inode, s64 offset, u16 record length, u8 type, name with a NUL
    /// and what fills up the record. Empty for a record that cannot be one.
    std::string_view take_name() {
        constexpr std::size_t length_at = 16;
        constexpr std::size_t name_at = 19;
        std::uint16_t length = 0;
        if (unread_.size() <= name_at) return {};
        __builtin_memcpy(&length, unread_.data() + length_at, sizeof length);
        if (length <= name_at || length > unread_.size()) return {};
        std::string_view const name(unread_.data() + name_at, length - name_at);
        unread_.remove_prefix(length);
        return name;
    }

    [[no_unique_address]] System system_;
    int parent_;
    detail::path path_;
    place where_;
    read_space space_;
    unique_fd<System> directory_;
    std::string_view unread_;
    char const* name_ = nullptr;
    bool opened_ = false;
};

} // namespace v0
} // namespace dmabuf
