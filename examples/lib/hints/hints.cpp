// SPDX-License-Identifier: MIT
#include "hints.hpp"

#include <dmabuf/fmt.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

namespace hints {

namespace {

namespace fs = std::filesystem;

std::string read(fs::path const& file) {
    std::ifstream text(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(text), {}};
}

std::string target_of(fs::path const& link) {
    std::error_code failed;
    return fs::read_symlink(link, failed).string();
}

std::string escaped(std::string_view bytes) {
    std::string text;
    dmabuf::escape(bytes, std::back_inserter(text));
    return text;
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

/// The entries of a directory, none where it may not be listed.
std::vector<fs::path> entries_of(fs::path const& directory) {
    std::vector<fs::path> entries;
    std::error_code failed;
    for (fs::directory_iterator at(directory, failed), end; !failed && at != end;
         at.increment(failed))
        entries.push_back(at->path());
    return entries;
}

/// A process, as sentences name it.
struct process {
    std::string pid;
    std::string comm;

    [[nodiscard]] std::string words() const {
        return fmt::format("process {} ({})", pid, escaped(comm));
    }
};

/// The descriptors of all processes that may be read, by the path that each link shows.
class open_files {
public:
    explicit open_files(std::string const& proc) {
        for (auto const& directory : entries_of(proc))
            if (is_number(directory.filename().string())) add(directory);
    }

    /// Calls `take(process, path, fdinfo)` for each.
    template<class Take>
    void each(Take take) const {
        for (auto const& one : all_)
            take(one.who, one.path, one.fdinfo);
    }

private:
    struct file {
        process who;
        std::string path;
        fs::path fdinfo;
    };

    void add(fs::path const& directory) {
        auto comm = read(directory / "comm");
        if (comm.ends_with('\n')) comm.pop_back();
        process const who{directory.filename().string(), comm};
        for (auto const& link : entries_of(directory / "fd"))
            all_.push_back({who, target_of(link), directory / "fdinfo" / link.filename()});
    }

    std::vector<file> all_;
};

/// The name of the device behind a node of /dev, as attachments have it; empty: none.
std::string device_behind(std::string_view node, std::string const& sys) {
    static constexpr struct {
        std::string_view directory, subsystem;
    } kinds[] = {{"/dev/dri/", "drm"}, {"/dev/video", "video4linux"}, {"/dev/accel/", "accel"}};
    for (auto const& kind : kinds) {
        if (!node.starts_with(kind.directory)) continue;
        auto const name = fs::path(node).filename();
        return fs::path(target_of(fs::path(sys) / "class" / kind.subsystem / name / "device"))
            .filename()
            .string();
    }
    return {};
}

/// The buffers that processes do not explain.
std::set<std::uint64_t> unexplained(dmabuf::snapshot const& now) {
    std::set<std::uint64_t> inodes;
    for (auto const& one : now.unheld)
        inodes.insert(one.inode);
    for (auto const& one : now.counts)
        if (one.others_known && one.other_references != 0) inodes.insert(one.inode);
    return inodes;
}

/// The buffers of each attached device.
std::map<std::string, std::vector<std::uint64_t>> attached(dmabuf::snapshot const& now,
                                                           std::set<std::uint64_t> const& inodes) {
    std::map<std::string, std::vector<std::uint64_t>> found;
    for (auto const& one : now.attachments)
        if (inodes.contains(one.inode)) found[std::string(one.device.view())].push_back(one.inode);
    return found;
}

/// The buffers that DRM's common export made: the handle of an object holds them without a device.
std::vector<std::uint64_t> exported_by_drm(dmabuf::snapshot const& now,
                                           std::set<std::uint64_t> const& inodes) {
    std::vector<std::uint64_t> found;
    for (auto const* all : {&now.buffers, &now.unheld})
        for (auto const& one : *all)
            if (inodes.contains(one.inode) && now.exporter_of(one) == "drm")
                found.push_back(one.inode);
    std::ranges::sort(found);
    return found;
}

std::string list_of(std::vector<std::uint64_t> const& inodes) {
    return fmt::format("{} {}", inodes.size() == 1 ? "buffer" : "buffers", fmt::join(inodes, ", "));
}

} // namespace

unsigned count_ring_files(std::string_view fdinfo) {
    unsigned found = 0;
    bool in_files = false;
    while (!fdinfo.empty()) {
        auto line = dmabuf::detail::take_until(fdinfo, '\n');
        if (!line.starts_with(' ')) {
            in_files = line.starts_with("UserFiles:");
            continue;
        }
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        auto const number = dmabuf::detail::take_until(line, ':');
        bool const is_dmabuf = line == " dmabuf" || line.starts_with(" /dmabuf:");
        found += in_files && is_number(number) && is_dmabuf;
    }
    return found;
}

std::vector<std::string> find(dmabuf::snapshot const& now, roots const& where) {
    auto const inodes = unexplained(now);
    if (inodes.empty()) return {};
    auto const devices = attached(now, inodes);
    auto const drm = exported_by_drm(now, inodes);
    std::set<std::string> sentences; // a process may have a device open twice
    open_files const files(where.proc);
    files.each([&](process const& who, std::string const& path, fs::path const& fdinfo) {
        if (path == "anon_inode:[io_uring]") {
            if (auto const count = count_ring_files(read(fdinfo)); count != 0)
                sentences.insert(
                    fmt::format("Hint: a ring of {} has {} fixed {}.", who.words(), count,
                                count == 1 ? "file that is a DMA-BUF" : "files that are DMA-BUFs"));
            return;
        }
        auto const shown = escaped(path);
        if (!drm.empty() && path.starts_with("/dev/dri/"))
            sentences.insert(fmt::format("Hint: {} has {} open, and DRM exported {}.", who.words(),
                                         shown, list_of(drm)));
        auto const device = device_behind(path, where.sys);
        auto const at = devices.find(device);
        if (at != devices.end())
            sentences.insert(fmt::format("Hint: {} has {} open, whose device {} is attached to {}.",
                                         who.words(), shown, escaped(device), list_of(at->second)));
    });
    return {sentences.begin(), sentences.end()};
}

} // namespace hints
