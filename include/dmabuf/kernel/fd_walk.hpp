// SPDX-License-Identifier: MIT
//
// The walks over /proc/P/task/T/fd and fdinfo, for kernels without `dmabuf_fds`: the descriptors of
// a task that refer to DMA-BUFs, and their buffers.
#pragma once

#include <dmabuf/kernel/fdinfo.hpp>

namespace dmabuf {
inline namespace v0 {

/// Tells DMA-BUFs from other files on the running kernel. It learns on the way; the knowledge stays
/// true until the next boot. A path that begins with "/dmabuf" proves nothing: any file may have
/// it.
///
/// DMA-BUFs live on one kernel-internal file system, so their device number tells them apart. The
/// superblock is asked for its magic number, and only for files without type bits on an anonymous
/// device. Those are kernel-internal, never on FUSE or NFS, so no server can delay or forge the
/// answer.
class dmabuf_filesystem {
public:
    enum class kind : std::uint8_t { other, dmabuf, unknown, anonymous_inode };

    static constexpr long dmabuf_magic = 0x444d4142; // DMA_BUF_MAGIC, include/uapi/linux/magic.h
    static constexpr long anonymous_inode_magic = 0x09041934; // ANON_INODE_FS_MAGIC
    /// The path of every DMA-BUF before 5.3 (drivers/dma-buf/dma-buf.c, dma_buf_export()).
    static constexpr std::string_view path_before_5_3 = "anon_inode:dmabuf";

    /// The kind of a file, by its status alone.
    [[nodiscard]] constexpr kind of(file_status const& status) const {
        if (device_ && status.device == *device_) return kind::dmabuf;
        if ((status.mode & detail::mode_type_mask) != 0 || status.device.major != 0)
            return kind::other;
        if (anonymous_inodes_ && status.device == *anonymous_inodes_) return kind::anonymous_inode;
        return device_ || rejects(status.device) ? kind::other : kind::unknown;
    }

    /// Learns the magic number of the superblock behind `device`.
    constexpr void learn(device_number device, long magic) {
        if (magic == dmabuf_magic)
            device_ = device;
        else if (magic == anonymous_inode_magic && before_5_3_)
            anonymous_inodes_ = device;
        else
            reject(device);
    }

    /// Opens `path` with O_PATH, returns the status of the opened file in `status`, and learns its
    /// kind. The path may name another file at every call; the opened file stays the same. The new
    /// descriptor has a file of its own, so that the `count` of the buffer does not change. The
    /// buffer lives as long as the descriptor is open.
    /// Cost: four system calls.
    /// Errors: returns 0, or a negative errno.
    template<system System>
    long look_up(System system, int directory, char const* path, file_status& status) {
        auto const file = open_at(system, directory, path, O_PATH, {});
        if (!file) return -file.error().error;
        int const error =
            detail::uninterrupted_status(system, file->get(), "", AT_EMPTY_PATH, status);
        if (error < 0) return error;
        if (of(status) != kind::unknown) return 0;
        long const magic = detail::uninterrupted_filesystem_type(system, file->get());
        if (magic < 0) return magic;
        learn(status.device, magic);
        return 0;
    }

    /// Learns that `device` never is that of the DMA-BUFs: theirs is mounted from boot on and for
    /// ever (drivers/dma-buf/dma-buf.c, dma_buf_init()), and no two devices have one number at a
    /// time (fs/super.c, get_anon_bdev()). The last 16 are remembered.
    constexpr void reject(device_number device) {
        if (!before_5_3_) rejected_[rejected_count_++ % rejected_.size()] = device;
    }

    /// Whether `reject()` was told this device, among the last 16.
    [[nodiscard]] constexpr bool rejects(device_number device) const {
        for (std::size_t i = 0; i < rejected_count_ && i < rejected_.size(); ++i)
            if (rejected_[i] == device) return true;
        return false;
    }

    /// Expects the files of a kernel before 5.3, where a DMA-BUF was an anonymous inode without a
    /// number of its own.
    constexpr void expect_before_5_3() { before_5_3_ = true; }

    /// Whether DMA-BUFs cannot be told apart: on such a kernel, unless one was met that has an
    /// inode of its own. A vendor's kernel may have taken over the file system of 5.3.
    [[nodiscard]] constexpr bool is_indistinct() const { return before_5_3_ && !device_; }

    /// The device of all DMA-BUFs, once one was met.
    [[nodiscard]] constexpr std::optional<device_number> device() const { return device_; }

    /// The mount of all DMA-BUFs, as fdinfo's `mnt_id` shows it.
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

/// The options of `walk_fds()`.
struct fd_walk_options {
    /// Fills in `dmabuf_descriptor::path`. Costs one more statx per DMA-BUF descriptor, and the
    /// fdinfo of descriptors that can neither read nor write.
    bool mark_path = true;
    /// Begins with the highest descriptor of each bufferful (of 16 KiB: 682), for a caller that
    /// stops at the last DMA-BUF: programs open these behind other files.
    bool highest_first = false;
};

namespace detail {

/// The base of both walks. `Derived::look_at()` gets every descriptor number of one task. It leaves
/// the item empty for a file that is not a DMA-BUF.
template<class Derived, system System, class Item>
class descriptor_walk : public reader<Derived, result<Item>> {
protected:
    using entry = item_or_end<result<Item>>;

    descriptor_walk(process<System> const& process, std::int32_t tid, dmabuf_filesystem& known,
                    number_directory<std::int32_t, System> fds, bool highest_first)
        : process_(&process)
        , tid_(tid)
        , known_(&known)
        , fds_(std::move(fds)) {
        if (highest_first) fds_.last_first();
    }

    process<System> const* process_;
    std::int32_t tid_;
    dmabuf_filesystem* known_;
    number_directory<std::int32_t, System> fds_;

private:
    friend reader<Derived, result<Item>>;

    void next(entry& out) {
        for (std::int32_t fd = -1; fds_.move_on(fd);) {
            static_cast<Derived&>(*this).look_at(fd, out);
            if (out) return;
        }
        if (auto const why = fds_.take_failure(); why.error != 0) out = why;
    }
};

} // namespace detail

/// The range of `walk_fds()`.
template<system System = live_system>
class fd_walk_reader
    : public detail::descriptor_walk<fd_walk_reader<System>, System, dmabuf_descriptor> {
    using base = detail::descriptor_walk<fd_walk_reader, System, dmabuf_descriptor>;
    using base::fds_, base::known_, base::process_, base::tid_, typename base::entry;

public:
    /// The open directory of the walk, /proc/P/task/T/fd; negative before the first item.
    [[nodiscard]] int directory() const { return fds_.descriptor(); }

    fd_walk_reader(process<System> const& process, std::int32_t tid, dmabuf_filesystem& known,
                   fd_walk_options options, read_space space)
        : base(process, tid, known, read_fds(process, tid, std::move(space)), options.highest_first)
        , options_(options) {}

private:
    friend base;

    [[nodiscard]] failure failed(operation doing, long error, std::int32_t fd) const {
        return {doing, static_cast<int>(-error), process_->at(object::fd, tid_, fd)};
    }

    /// Leaves `out` empty for a descriptor of any other file.
    void look_at(std::int32_t fd, entry& out) {
        char const* const name = fds_.name();
        file_status status;
        int const error =
            detail::uninterrupted_status(process_->system, fds_.descriptor(), name, 0, status);
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
    /// tid_fd_update_inode()). The link of an O_PATH descriptor is neither, and so is that of
    /// access mode 3, which some drivers give (O_ACCMODE, for ioctl(2) alone). The flags in fdinfo
    /// tell the two apart.
    bool is_path(char const* name, std::int32_t fd, bool& path, entry& out) const {
        file_status link;
        int const error = detail::uninterrupted_status(process_->system, fds_.descriptor(), name,
                                                       AT_SYMLINK_NOFOLLOW, link);
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
        long const length =
            detail::uninterrupted_readlink(process_->system, fds_.descriptor(), name, target);
        if (length < 0)
            out = failed(operation::readlink, length, fd);
        else if (detail::text_at(target.data(), static_cast<std::size_t>(length)) ==
                 dmabuf_filesystem::path_before_5_3)
            out = failed(operation::identify, -ENOTSUP, fd);
    }

    fd_walk_options options_;
};

/// The descriptors of one task's table that refer to DMA-BUFs.
/// Kernel: fs/proc/fd.c; following a link needs PTRACE_MODE_READ_FSCREDS.
/// Cost: one open, one getdents64 per bufferful and one that sees the end, one close; one statx per
/// descriptor; with `mark_path` one more per DMA-BUF, and three calls for one that may be O_PATH.
/// Four calls per kind of kernel-internal file, until the device of the DMA-BUFs is known. No
/// allocation when the caller gives `space`.
/// Errors: an item each. ENOENT with a descriptor's number: it was closed meanwhile. EACCES with a
/// number: the links may not be followed. ENOTSUP: a kernel before 5.3, whose DMA-BUFs have no
/// inode.
/// Lifetime: `process` and `known` must outlive the range.
template<system System>
fd_walk_reader<System> walk_fds(process<System> const& process, std::int32_t tid,
                                dmabuf_filesystem& known, fd_walk_options options = {},
                                read_space space = {}) {
    return {process, tid, known, options, std::move(space)};
}
template<system System>
void walk_fds(process<System> const&& process, std::int32_t tid, dmabuf_filesystem& known,
              fd_walk_options options = {}, read_space space = {}) = delete;

/// A descriptor and its fdinfo.
struct described_descriptor {
    std::int32_t fd = -1;
    fdinfo info;
};

/// The range of `walk_fdinfos()`.
template<system System = live_system>
class fdinfo_walk_reader
    : public detail::descriptor_walk<fdinfo_walk_reader<System>, System, described_descriptor> {
    using base = detail::descriptor_walk<fdinfo_walk_reader, System, described_descriptor>;
    using base::known_, base::process_, base::tid_, typename base::entry;

public:
    fdinfo_walk_reader(process<System> const& process, std::int32_t tid, dmabuf_filesystem& known,
                       read_space space, bool highest_first)
        : base(process, tid, known, read_fdinfos(process, tid, std::move(space)), highest_first) {}

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

/// The descriptors of one task's table that refer to DMA-BUFs, by fdinfo. A caller with
/// CAP_SYS_PTRACE alone may read fdinfo, where `fd` is refused. The range has DMA-BUFs, and O_PATH
/// descriptors on their mount (`info.is_path()`), of which fdinfo tells no size.
/// Kernel: /proc/P/task/T/fdinfo: since 5.14 with PTRACE_MODE_READ_FSCREDS, before that for the
/// owner only.
/// Cost: one open, one getdents64 per bufferful and one that sees the end, one close; three calls
/// per descriptor, DMA-BUF or not. More reads for a DMA-BUF whose fdinfo is longer than 1 KiB, and
/// until one was met also for a file whose own lines begin behind that. No allocation when the
/// caller gives `space`.
/// Order: as `fd_walk_options::highest_first` tells.
/// Errors: an item each. ENOENT with a descriptor's number: it was closed meanwhile. ENODATA: an
/// O_PATH descriptor that was met before any DMA-BUF has told the mount; the next walk decides.
/// EBADMSG: a DMA-BUF whose fdinfo has no `ino:` (before 5.14).
/// Lifetime: `process` and `known` must outlive the range.
template<system System>
fdinfo_walk_reader<System> walk_fdinfos(process<System> const& process, std::int32_t tid,
                                        dmabuf_filesystem& known, read_space space = {},
                                        bool highest_first = false) {
    return {process, tid, known, std::move(space), highest_first};
}
template<system System>
void walk_fdinfos(process<System> const&& process, std::int32_t tid, dmabuf_filesystem& known,
                  read_space space = {}, bool highest_first = false) = delete;

} // namespace v0
} // namespace dmabuf
