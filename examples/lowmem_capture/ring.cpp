// SPDX-License-Identifier: MIT
#include "ring.hpp"

#include "files/new_file.hpp"

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
constexpr std::size_t digits = 10;
constexpr std::uint64_t last_of_all = 9'999'999'999;
constexpr std::string_view form_of_time = "-00000000T000000Z.json";

/// Whether `text` is `form` with any digits in place of the zeros.
bool has_form(std::string_view text, std::string_view form) {
    return std::ranges::equal(text, form, [](char one, char of_form) {
        return of_form == '0' ? dmabuf::detail::is_digit(one) : one == of_form;
    });
}

std::uint64_t number_in(std::string_view name, std::string_view prefix) {
    std::uint64_t number = 0;
    dmabuf::detail::parse_number(name.substr(prefix.size() + 1, digits), number);
    return number;
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

bool file_series::includes(std::string_view name) const {
    std::size_t const begin = prefix_.size() + 1;
    return name.size() == begin + digits + form_of_time.size() && name.starts_with(prefix_) &&
           name[prefix_.size()] == '-' && has_form(name.substr(begin, digits), "0000000000") &&
           has_form(name.substr(begin + digits), form_of_time);
}

void file_series::sort() {
    std::ranges::sort(names_);
    if (!names_.empty()) last_number_ = std::max(last_number_, number_in(newest(), prefix_));
}

file_series::file_name file_series::next() const {
    std::time_t const now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 64> text;
    auto const number = std::min(last_number_ + 1, last_of_all);
    auto const end = fmt::format_to_n(text.data(), text.size(),
                                      "{}-{:0{}}-{:04}{:02}{:02}T{:02}{:02}{:02}Z.json", prefix_,
                                      number, digits, utc.tm_year + 1900, utc.tm_mon + 1,
                                      utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    return file_name({text.data(), static_cast<std::size_t>(end.out - text.data())});
}

bool file_series::has(file_name const& name) const {
    return std::ranges::find(names_, name) != names_.end();
}

void file_series::add(file_name const& name) {
    names_.push_back(name);
    last_number_ = number_in(name, prefix_);
}

file_series::file_name file_series::take_oldest() {
    auto const oldest = names_.front();
    names_.erase(names_.begin());
    return oldest;
}

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
    captures_.clear();
    failures_.clear();
    alignas(::dirent64) std::array<char, 8192> space;
    for (;;) {
        long const got = dmabuf::live_system{}.list(directory_.get(), space);
        if (got < 0) return {"list the directory", static_cast<int>(-got)};
        if (got == 0) break;
        for (long at = 0; at < got;) {
            auto const* const entry = reinterpret_cast<::dirent64 const*>(space.data() + at);
            at += entry->d_reclen;
            sort_in(entry->d_name);
        }
    }
    captures_.sort();
    failures_.sort();
    return {};
}

/// Takes a file of the ring by its name. A link, a directory or a pipe of such a name was not made
/// here.
void ring::sort_in(char const* name) {
    for (auto* const files : {&captures_, &failures_}) {
        struct ::stat status;
        if (files->includes(name) &&
            ::fstatat(directory_.get(), name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            files->found(name);
    }
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
    int const fd = files::make_new(directory_.get(), part_name);
    if (fd < 0) return {"make a file", errno};
    part_ = {dmabuf::live_system{}, fd};
    return {};
}

trouble ring::end(file_series& files, int write_error) {
    auto const failed = commit(files, write_error);
    part_.reset();
    if (failed.error != 0)
        ::unlinkat(directory_.get(), part_name, 0);
    else
        drop_oldest(files);
    return failed;
}

trouble ring::commit(file_series& files, int write_error) {
    if (write_error != 0) return {"write", write_error};
    if (::fsync(part_.get()) != 0) return {"write (fsync)", errno};
    auto const name = files.next();
    if (files.has(name)) return {"name it", EEXIST};
    if (::renameat(directory_.get(), part_name, directory_.get(), name.c_str()) != 0)
        return {"rename", errno};
    files.add(name);
    if (::fsync(directory_.get()) != 0) say("{}: cannot fsync: {}", path_, words(errno));
    return {};
}

void ring::drop_oldest(file_series& files) {
    while (files.is_too_long()) {
        auto const oldest = files.take_oldest();
        if (::unlinkat(directory_.get(), oldest.c_str(), 0) != 0 && errno != ENOENT)
            say("cannot delete {}/{}: {}", path_, oldest.view(), words(errno));
    }
}

} // namespace lowmem_capture
