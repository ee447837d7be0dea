// SPDX-License-Identifier: MIT
#include "pin_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace dmabuf_pin {

namespace {

constexpr long bpffs_magic = 0xcafe4a11; // BPF_FS_MAGIC, include/uapi/linux/magic.h

std::string failed(std::string_view doing, std::string const& what) {
    return fmt::format("cannot {} {}: {}", doing, what, std::strerror(errno));
}

bool is_on_bpffs(int fd) {
    struct ::statfs system{};
    return ::fstatfs(fd, &system) == 0 && (system.f_type & 0xffffffffL) == bpffs_magic;
}

/// Whether nobody but root and the caller can rename entries of theirs in this directory.
bool keeps_entries(int directory) {
    struct ::stat status{};
    if (::fstat(directory, &status) != 0) return false;
    bool const others_write = (status.st_mode & 0022U) != 0;
    return (status.st_uid == 0 || status.st_uid == ::geteuid()) &&
           (!others_write || (status.st_mode & S_ISVTX) != 0);
}

bool is_roots_alone(int directory) {
    struct ::stat status{};
    return ::fstat(directory, &status) == 0 && status.st_uid == 0 && (status.st_mode & 0022U) == 0;
}

enum class kind : std::uint8_t { unknown, ours, foreign };

/// Lines of fdinfo by which a link to one of the pinned iterators, or a program of their type, is
/// told.
constexpr std::array<std::string_view, 5> signs_of_iterators = {
    "target_name:\ttask_file", "target_name:\ttask_vma", "target_name:\tdmabuf",
    "target_name:\tbpf_map_elem", "prog_type:\t26"};

/// And of the objects that keep the watch going: links, hash maps and an array.
constexpr std::array<std::string_view, 2> signs_of_links = {"link_type:\ttracing",
                                                            "link_type:\tperf"};
constexpr std::array<std::string_view, 1> signs_of_notes = {"map_type:\t1"};
constexpr std::array<std::string_view, 1> signs_of_state = {"map_type:\t2"};

std::span<std::string_view const> signs_of(std::string_view name) {
    if (!name.starts_with("watch_")) return signs_of_iterators;
    if (name.starts_with("watch_state")) return signs_of_state;
    if (name.starts_with("watch_made") || name.starts_with("watch_attached")) return signs_of_notes;
    return signs_of_links;
}

/// The kind of an open BPF object that is pinned as `name`. Unknown, with errno, where that cannot
/// be read.
kind kind_of(int object, std::string_view name) {
    std::ifstream text(fmt::format("/proc/self/fdinfo/{}", object));
    if (!text) return kind::unknown;
    static_assert(BPF_PROG_TYPE_TRACING == 26);
    auto const signs = signs_of(name);
    for (std::string line; std::getline(text, line);)
        if (std::find(signs.begin(), signs.end(), line) != signs.end()) return kind::ours;
    return kind::foreign;
}

} // namespace

pin_directory::pin_directory(std::string path)
    : path_(std::move(path))
    , name_(path_.substr(path_.find_last_of('/') + 1)) {}

std::string pin_directory::open() {
    if (auto wrong = open_parent(); !wrong.empty()) return wrong;
    return open_itself();
}

std::string pin_directory::make() {
    if (auto wrong = open_parent(); !wrong.empty()) return wrong;
    if (::mkdirat(parent_.get(), name_.c_str(), 0755) != 0 && errno != EEXIST)
        return failed("make", path_);
    return open_itself();
}

std::string pin_directory::open_parent() {
    if (name_.empty() || name_ == "." || name_ == "..")
        return fmt::format("'{}' does not end with the name of a directory", path_);
    auto parent = path_.substr(0, path_.size() - name_.size());
    if (parent.empty()) parent = ".";
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_NO_SYMLINKS;
    auto const fd = ::syscall(SYS_openat2, AT_FDCWD, parent.c_str(), &how, sizeof how);
    if (fd < 0) return failed("open", parent);
    parent_ = {{}, static_cast<int>(fd)};
    if (!is_on_bpffs(parent_.get()))
        return fmt::format("{} is not on a bpffs (mount -t bpf bpf /sys/fs/bpf)", path_);
    if (!keeps_entries(parent_.get()))
        return fmt::format("{} is a directory where others can exchange {}", parent, name_);
    return {};
}

std::string pin_directory::open_itself() {
    int const fd =
        ::openat(parent_.get(), name_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? std::string() : failed("open", path_);
    dmabuf::unique_fd<> opened({}, fd);
    if (!is_on_bpffs(fd)) return fmt::format("{} is not on a bpffs", path_);
    if (!is_roots_alone(fd))
        return fmt::format("{} is not a directory that only root can change", path_);
    directory_ = std::move(opened);
    return {};
}

std::string pin_directory::reach(std::string const& name) const {
    return fmt::format("/proc/self/fd/{}/{}", directory_.get(), name);
}

std::string pin_directory::file(std::string const& name) const {
    return fmt::format("{}/{}", path_, name);
}

bool pin_directory::has(std::string const& name) const {
    return ::faccessat(directory_.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

std::string pin_directory::check_entry(std::string const& name) const {
    struct ::stat status{};
    if (::fstatat(directory_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? std::string() : failed("look at", file(name));
    auto what = kind::foreign;
    if (S_ISREG(status.st_mode)) {
        dmabuf::unique_fd<> const object({}, bpf_obj_get(reach(name).c_str()));
        what = object.is_open() ? kind_of(object.get(), name) : kind::unknown;
        if (what == kind::unknown) return failed("look at", file(name));
    }
    if (what == kind::ours) return {};
    return fmt::format("{} was not pinned by dmabuf_pin: it stays, and so do the others",
                       file(name));
}

std::string pin_directory::set_rights(std::string const& name, ::gid_t group, ::mode_t mode) const {
    if (::fchownat(directory_.get(), name.c_str(), 0, group, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fchmodat(directory_.get(), name.c_str(), mode, 0) != 0)
        return failed("set the rights of", file(name));
    return {};
}

std::string pin_directory::rename(std::string const& from, std::string const& to) const {
    if (::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) != 0)
        return failed("name", file(to));
    return {};
}

std::string pin_directory::remove(std::string const& name) const {
    if (::unlinkat(directory_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
        return failed("unpin", file(name));
    return {};
}

std::string pin_directory::remove_if_empty() const {
    if (::unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT &&
        errno != ENOTEMPTY)
        return failed("remove", path_);
    return {};
}

} // namespace dmabuf_pin
