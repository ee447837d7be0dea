// SPDX-License-Identifier: MIT
//
// The walk over /proc/P/task/T/fd (or fdinfo), for kernels without `dmabuf_fds`: which descriptors
// of a task refer to DMA-BUFs, and to which.
#pragma once

#include <dmabuf/kernel/fdinfo.hpp>

namespace dmabuf {
inline namespace v0 {

/// What tells a DMA-BUF from every other file on the running kernel, learned on the way and true
/// until the next boot. A path that begins with "/dmabuf" proves nothing: any file may be called
/// so.
///
/// DMA-BUFs live on one kernel-internal file system, so their device number tells them apart. It is
/// asked of the superblock (its magic number), and only of files without type bits on an anonymous
/// device: those are kernel-internal, never on FUSE or NFS, so no server can delay or forge the
/// answer.
class dmabuf_filesystem {
public:
    enum class kind : std::uint8_t { other, dmabuf, unknown, anonymous_inode };

    static constexpr long dmabuf_magic = 0x444d4142; // DMA_BUF_MAGIC, include/uapi/linux/magic.h
    static constexpr long anonymous_inode_magic = 0x09041934; // ANON_INODE_FS_MAGIC

    /// What a file is by its status alone.
    [[nodiscard]] constexpr kind of(file_status const& status) const {
        if (device_ && status.device == *device_) return kind::dmabuf;
        if ((status.mode & detail::mode_type_mask) != 0 || status.device.major != 0)
            return kind::other;
        if (anonymous_inodes_ && status.device == *anonymous_inodes_) return kind::anonymous_inode;
        return device_ || rejects(status.device) ? kind::other : kind::unknown;
    }

    /// Takes the magic number of the superblock behind `device`.
    constexpr void learn(device_number device, long magic) {
        if (magic == dmabuf_magic)
            device_ = device;
        else if (magic == anonymous_inode_magic && before_5_3_)
            anonymous_inodes_ = device;
        else
            reject(device);
    }

    /// Opens `path`, which at every call may be another file's, and learns which kind it is. An
    /// O_PATH descriptor made here of another process's does not share its file: nobody's `count`
    /// changes. The buffer itself lives as long as it is open. Cost: four system calls.
    /// Returns 0, or a negative errno where even that cannot be told.
    template<system System>
    long look_up(System system, int directory, char const* path, file_status& status) {
        auto const file = open_at(system, directory, path, O_PATH, {});
        if (!file) return -file.error().error;
        int const error = detail::uninterrupted(
            [&] { return system.status(file->get(), "", AT_EMPTY_PATH, status); });
        if (error < 0) return error;
        if (of(status) != kind::unknown) return 0;
        long const magic =
            detail::uninterrupted([&] { return system.filesystem_type(file->get()); });
        if (magic < 0) return magic;
        learn(status.device, magic);
        return 0;
    }

    /// Something else was met on `device`, which then is DMA-BUFs' at no time: theirs is mounted
    /// from boot on and for ever (drivers/dma-buf/dma-buf.c, dma_buf_init()), and no two have one
    /// number at a time (fs/super.c, get_anon_bdev()). Of many, the last are remembered.
    constexpr void reject(device_number device) {
        if (!before_5_3_) rejected_[rejected_count_++ % rejected_.size()] = device;
    }

    [[nodiscard]] constexpr bool rejects(device_number device) const {
        for (std::size_t i = 0; i < rejected_count_ && i < rejected_.size(); ++i)
            if (rejected_[i] == device) return true;
        return false;
    }

    /// Before 5.3 a DMA-BUF was an anonymous inode without an inode of its own.
    constexpr void expect_before_5_3() { before_5_3_ = true; }

    [[nodiscard]] constexpr std::optional<device_number> device() const { return device_; }

    /// The mount that all DMA-BUFs are on, as fdinfo's `mnt_id` shows it.
    std::optional<std::int32_t> mount_id;

private:
    std::optional<device_number> device_;
    std::optional<device_number> anonymous_inodes_;
    std::array<device_number, 16> rejected_{};
    std::size_t rejected_count_ = 0;
    bool before_5_3_ = false;
};

/// A descriptor that refers to a DMA-BUF.
struct dmabuf_descriptor {
    std::int32_t fd = -1;
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    bool path = false; ///< opened with O_PATH: it pins the buffer all the same
};

/// How closely the walk looks.
struct fd_walk_options {
    /// For `dmabuf_descriptor::path`: one more statx per DMA-BUF descriptor, and the fdinfo of
    /// those that can neither read nor write.
    bool mark_path = true;
};

namespace detail {

/// What both walks share: every descriptor number of one task is shown to `Derived::look_at()`,
/// which leaves the item empty for what is not a DMA-BUF.
template<class Derived, system System, class Item>
class descriptor_walk : public reader<Derived, result<Item>> {
protected:
    using entry = std::optional<result<Item>>;

    descriptor_walk(process<System> const& process, std::int32_t tid, dmabuf_filesystem& known,
                    number_directory<std::int32_t, System> fds)
        : process_(&process)
        , tid_(tid)
        , known_(&known)
        , fds_(std::move(fds)) {}

    process<System> const* process_;
    std::int32_t tid_;
    dmabuf_filesystem* known_;
    number_directory<std::int32_t, System> fds_;

private:
    friend reader<Derived, result<Item>>;

    void next(entry& out) {
        if (std::exchange(started_, true))
            ++at_;
        else
            at_ = fds_.begin();
        for (; at_ != fds_.end(); ++at_) {
            if (*at_)
                static_cast<Derived&>(*this).look_at(**at_, out);
            else
                out = at_->error();
            if (out) return;
        }
    }

    typename number_directory<std::int32_t, System>::iterator at_;
    bool started_ = false;
};

} // namespace detail

/// The descriptors of one task's table that refer to DMA-BUFs.
/// Kernel: fs/proc/fd.c; following a link needs PTRACE_MODE_READ_FSCREDS.
/// Cost: the directory's, one statx per descriptor, one more per DMA-BUF where `mark_path` is set,
/// and three calls where that may be O_PATH; four calls per kind of kernel-internal file until the
/// DMA-BUFs' device is known. No allocation. Errors: an item each. ENOENT with a descriptor's
/// number: it was closed meanwhile. EACCES with a number: the links may not be followed. ENOTSUP: a
/// kernel before 5.3, whose DMA-BUFs have no inode. Lifetime: `process` and `known` must outlive
/// the range.
template<system System = live_system>
class fd_walk_reader
    : public detail::descriptor_walk<fd_walk_reader<System>, System, dmabuf_descriptor> {
    using base = detail::descriptor_walk<fd_walk_reader, System, dmabuf_descriptor>;
    using base::fds_, base::known_, base::process_, base::tid_, typename base::entry;

public:
    fd_walk_reader(process<System> const& process, std::int32_t tid, dmabuf_filesystem& known,
                   fd_walk_options options, read_space space)
        : base(process, tid, known, read_fds(process, tid, std::move(space)))
        , options_(options) {}

private:
    friend base;

    [[nodiscard]] failure failed(operation doing, long error, std::int32_t fd) const {
        return {doing, static_cast<int>(-error), process_->at(object::fd, tid_, fd)};
    }

    /// Leaves `out` empty for a descriptor of anything else.
    void look_at(std::int32_t fd, entry& out) {
        char const* const name = fds_.name();
        file_status status;
        int const error = detail::uninterrupted(
            [&] { return process_->system.status(fds_.descriptor(), name, 0, status); });
        if (error < 0) return void(out = failed(operation::status, error, fd));

        auto kind = known_->of(status);
        if (kind == dmabuf_filesystem::kind::unknown) {
            long const failure = known_->look_up(process_->system, fds_.descriptor(), name, status);
            if (failure < 0) return void(out = failed(operation::statfs, failure, fd));
            kind = known_->of(status);
        }
        if (kind == dmabuf_filesystem::kind::anonymous_inode) refuse_before_5_3(name, fd, out);
        if (kind != dmabuf_filesystem::kind::dmabuf) return;

        dmabuf_descriptor found{fd, status.inode, status.size_bytes, false};
        if (options_.mark_path && !is_path(name, fd, found.path, out)) return;
        out = found;
    }

    /// The link in /proc/P/fd is readable or writable as the descriptor is (fs/proc/fd.c,
    /// tid_fd_update_inode()), and an O_PATH one is neither. Nor is one of access mode 3, which
    /// some drivers give (O_ACCMODE, for ioctl(2) alone): the flags in fdinfo tell them apart.
    bool is_path(char const* name, std::int32_t fd, bool& path, entry& out) const {
        file_status link;
        int const error = detail::uninterrupted([&] {
            return process_->system.status(fds_.descriptor(), name, AT_SYMLINK_NOFOLLOW, link);
        });
        if (error < 0) return out = failed(operation::status, error, fd), false;
        path = (link.mode & 0700U) == 0;
        if (!path) return true;
        auto const info = read_fdinfo(*process_, tid_, fd);
        if (!info) return out = info.error(), false;
        path = info->is_path();
        return true;
    }

    void refuse_before_5_3(char const* name, std::int32_t fd, entry& out) const {
        std::array<char, 32> target;
        long const length = detail::uninterrupted(
            [&] { return process_->system.readlink(fds_.descriptor(), name, target); });
        if (length < 0)
            out = failed(operation::readlink, length, fd);
        else if (detail::text_at(target.data(), static_cast<std::size_t>(length)) ==
                 "anon_inode:dmabuf")
            out = failed(operation::identify, -ENOTSUP, fd);
    }

    fd_walk_options options_;
};

/// The range described above. Not to be moved once begun.
template<system System>
fd_walk_reader<System> walk_fds(process<System> const& process, std::int32_t tid,
                                dmabuf_filesystem& known, fd_walk_options options = {},
                                read_space space = {}) {
    return {process, tid, known, options, std::move(space)};
}
template<system System>
void walk_fds(process<System> const&& process, std::int32_t tid, dmabuf_filesystem& known,
              fd_walk_options options = {}, read_space space = {}) = delete;

/// A descriptor with all that its fdinfo tells.
struct described_descriptor {
    std::int32_t fd = -1;
    fdinfo info;
};

/// The same by way of /proc/P/task/T/fdinfo, which a caller with CAP_SYS_PTRACE alone may read
/// where `fd` is refused. Yields DMA-BUFs, and O_PATH descriptors on their mount (`info.is_path()`;
/// no size). Cost: the directory's, and three system calls per descriptor, DMA-BUF or not; more
/// reads for a DMA-BUF whose fdinfo is longer than 1 KiB, and until one was met also for a file
/// whose own lines begin behind that. No allocation. Errors: an item each, as above. ENODATA: an
/// O_PATH descriptor met before any DMA-BUF has told which mount is theirs; the next walk decides.
/// EBADMSG: a DMA-BUF whose fdinfo has no `ino:` (before 5.14). Lifetime: `process` and `known`
/// must outlive the range.
template<system System = live_system>
class fdinfo_walk_reader
    : public detail::descriptor_walk<fdinfo_walk_reader<System>, System, described_descriptor> {
    using base = detail::descriptor_walk<fdinfo_walk_reader, System, described_descriptor>;
    using base::known_, base::process_, base::tid_, typename base::entry;

public:
    fdinfo_walk_reader(process<System> const& process, std::int32_t tid, dmabuf_filesystem& known,
                       read_space space)
        : base(process, tid, known, read_fdinfos(process, tid, std::move(space))) {}

private:
    friend base;

    void look_at(std::int32_t fd, entry& out) {
        auto const info = read_fdinfo(*process_, tid_, fd, known_->mount_id);
        if (!info) return void(out = info.error());
        if (info->is_dmabuf())
            known_->mount_id = info->mount_id;
        else if (!info->is_path())
            return;
        auto const failed = [&](int error) {
            return failure{operation::identify, error, process_->at(object::fdinfo, tid_, fd)};
        };
        if (!known_->mount_id) return void(out = failed(ENODATA));
        if (*known_->mount_id != info->mount_id) return;
        if (!info->inode) return void(out = failed(EBADMSG));
        out = described_descriptor{fd, *info};
    }
};

/// The range described above. Not to be moved once begun.
template<system System>
fdinfo_walk_reader<System> walk_fdinfos(process<System> const& process, std::int32_t tid,
                                        dmabuf_filesystem& known, read_space space = {}) {
    return {process, tid, known, std::move(space)};
}
template<system System>
void walk_fdinfos(process<System> const&& process, std::int32_t tid, dmabuf_filesystem& known,
                  read_space space = {}) = delete;

} // namespace v0
} // namespace dmabuf
