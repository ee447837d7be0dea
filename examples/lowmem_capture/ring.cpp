// SPDX-License-Identifier: MIT
#include "ring.hpp"

#include <algorithm>
#include <climits>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace lowmem_capture {

namespace {

constexpr auto part_name = ".lowmem.part";
constexpr std::string_view prefix = "lowmem-";
constexpr std::string_view suffix = ".json";
constexpr std::size_t digits = 10;

/// "lowmem-0000000042-20261124T145501Z.json". The number goes first: clocks are set, and on some
/// devices start at the same moment with every boot.
ring::file_name name_of(std::uint64_t number) {
    std::time_t const now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 64> text;
    auto const end =
        fmt::format_to_n(text.data(), text.size(), "{}{:0{}}-{:04}{:02}{:02}T{:02}{:02}{:02}Z{}",
                         prefix, number, digits, utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                         utc.tm_hour, utc.tm_min, utc.tm_sec, suffix);
    return ring::file_name({text.data(), static_cast<std::size_t>(end.out - text.data())});
}

/// 0 where the file is none of ours.
std::uint64_t number_of(std::string_view name) {
    std::uint64_t number = 0;
    bool const ours = name.size() < 64 && name.starts_with(prefix) && name.ends_with(suffix) &&
                      name.size() > prefix.size() + digits && name[prefix.size() + digits] == '-' &&
                      dmabuf::detail::parse_number(name.substr(prefix.size(), digits), number);
    return ours ? number : 0;
}

/// mkdir -p
int make_directories(std::string const& path) {
    if (path.size() >= PATH_MAX) return ENAMETOOLONG;
    std::array<char, PATH_MAX> part{};
    for (std::size_t at = 1; at <= path.size(); ++at) {
        if (at != path.size() && path[at] != '/') continue;
        path.copy(part.data(), at);
        if (::mkdir(part.data(), 0700) != 0 && errno != EEXIST) return errno;
    }
    return 0;
}

} // namespace

trouble ring::open() {
    directory_.reset();
    if (int const error = make_directories(path_); error != 0) return {"make the directory", error};
    int const fd = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return {"open the directory", errno};
    dmabuf::unique_fd<> directory(dmabuf::live_system{}, fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return {"lock the directory", errno};
    directory_ = std::move(directory);
    auto const listed = list();
    if (listed.error != 0) directory_.reset();
    return listed;
}

trouble ring::list() {
    names_.clear();
    alignas(::dirent64) std::array<char, 8192> space;
    for (;;) {
        long const got = dmabuf::live_system{}.list(directory_.get(), space);
        if (got < 0) return {"list the directory", static_cast<int>(-got)};
        if (got == 0) break;
        for (long at = 0; at < got;) {
            auto const* const entry = reinterpret_cast<::dirent64 const*>(space.data() + at);
            at += entry->d_reclen;
            if (number_of(entry->d_name) != 0) names_.emplace_back(std::string_view(entry->d_name));
        }
    }
    std::ranges::sort(names_);
    if (!names_.empty()) last_number_ = std::max(last_number_, number_of(newest().view()));
    return {};
}

/// Whether the path still leads to the directory that is open.
bool ring::is_in_place() const {
    struct ::stat open, there;
    return directory_.is_open() && ::fstat(directory_.get(), &open) == 0 &&
           ::stat(path_.c_str(), &there) == 0 && open.st_dev == there.st_dev &&
           open.st_ino == there.st_ino;
}

trouble ring::begin() {
    if (!is_in_place()) {
        say("{} is not there any more: making it again", path_);
        if (auto const failed = open(); failed.error != 0) return failed;
    }
    ::unlinkat(directory_.get(), part_name, 0); // of a program that was killed
    int const fd = ::openat(directory_.get(), part_name,
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return {"make a file", errno};
    part_ = {dmabuf::live_system{}, fd};
    return {};
}

trouble ring::end(int write_error) {
    auto const failed = commit(write_error);
    part_.reset();
    if (failed.error != 0)
        ::unlinkat(directory_.get(), part_name, 0);
    else
        drop_oldest();
    return failed;
}

trouble ring::commit(int write_error) {
    if (write_error != 0) return {"write", write_error};
    if (::fsync(part_.get()) != 0) return {"write (fsync)", errno};
    auto const name = name_of(last_number_ + 1);
    if (::renameat(directory_.get(), part_name, directory_.get(), name.c_str()) != 0)
        return {"rename", errno};
    ++last_number_;
    names_.push_back(name);
    if (::fsync(directory_.get()) != 0) say("{}: cannot fsync: {}", path_, words(errno));
    return {};
}

void ring::drop_oldest() {
    while (names_.size() > keep_) {
        auto const& oldest = names_.front();
        if (::unlinkat(directory_.get(), oldest.c_str(), 0) != 0 && errno != ENOENT)
            say("cannot delete {}/{}: {}", path_, oldest.view(), words(errno));
        names_.erase(names_.begin());
    }
}

} // namespace lowmem_capture
