// SPDX-License-Identifier: MIT
#include "pins.hpp"

#include <fmt/format.h>

#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace dmabuf_pin {

namespace {

constexpr long bpffs_magic = 0xcafe4a11; // BPF_FS_MAGIC, include/uapi/linux/magic.h

std::string failed(std::string_view doing, std::string const& what) {
    return fmt::format("cannot {} {}: {}", doing, what, std::strerror(errno));
}

std::string file_of(std::string const& path, std::string_view name) {
    return fmt::format("{}/{}", path, name);
}

/// Until the end nobody but root may read it: bpffs makes files with mode 0600.
template<class Pin>
std::string pin_as(std::string const& file, options const& chosen, Pin pin) {
    auto const fresh = file + "_new";
    if (::unlink(fresh.c_str()) != 0 && errno != ENOENT) return failed("replace", fresh);
    if (pin(fresh.c_str()) != 0) return failed("pin", fresh);
    if (::chown(fresh.c_str(), 0, chosen.group.value_or(0)) != 0 ||
        ::chmod(fresh.c_str(), chosen.mode) != 0 || std::rename(fresh.c_str(), file.c_str()) != 0) {
        auto const wrong = failed("set up", fresh);
        ::unlink(fresh.c_str());
        return wrong;
    }
    return {};
}

} // namespace

std::string prepare_directory(std::string const& path) {
    auto const parent = path.substr(0, path.find_last_of('/') + 1);
    struct ::statfs system{};
    if (::statfs(parent.empty() ? "." : parent.c_str(), &system) != 0)
        return failed("look at", parent);
    if ((system.f_type & 0xffffffffL) != bpffs_magic)
        return fmt::format("{} is not on a bpffs (mount -t bpf bpf /sys/fs/bpf)", path);
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return failed("make", path);
    struct ::stat status{};
    if (::lstat(path.c_str(), &status) != 0) return failed("look at", path);
    if (!S_ISDIR(status.st_mode) || status.st_uid != 0 || (status.st_mode & 0022U) != 0)
        return fmt::format("{} is not a directory that only root can change", path);
    return {};
}

std::string pin_iterator(iterator const& one, options const& chosen) {
    auto const link = [&](char const* file) { return bpf_link__pin(one.link.get(), file); };
    auto const program = [&](char const* file) { return bpf_program__pin(one.program, file); };
    auto wrong = pin_as(file_of(chosen.path, one.name), chosen, link);
    if (wrong.empty() && one.name != "buffers")
        wrong = pin_as(file_of(chosen.path, one.name) + "_of", chosen, program);
    return wrong;
}

std::string unpin(std::string const& path) {
    for (auto const name : pin_names)
        for (auto const* const suffix : {"", "_new"})
            if (auto const file = file_of(path, name) + suffix;
                ::unlink(file.c_str()) != 0 && errno != ENOENT)
                return failed("unpin", file);
    // Somebody else may keep pins there, too: then it stays.
    if (::rmdir(path.c_str()) != 0 && errno != ENOENT && errno != ENOTEMPTY)
        return failed("remove", path);
    return {};
}

bool is_pinned(std::string const& path) {
    struct ::stat status{};
    return ::stat(file_of(path, pin_names[0]).c_str(), &status) == 0;
}

} // namespace dmabuf_pin
