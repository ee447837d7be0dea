// SPDX-License-Identifier: MIT
//
// /sys/kernel/dmabuf/buffers: size and exporter of every DMA-BUF, by inode.
// Kernel: 5.15 to 6.19 with CONFIG_DMABUF_SYSFS_STATS, which most distributions leave out; removed
// for 7.0. Never rely on it.
#pragma once

#include <dmabuf/kernel/fdinfo.hpp>

namespace dmabuf {
inline namespace v0 {

/// One buffer of the sysfs tree. A buffer that O_PATH descriptors alone hold is in it, too.
struct sysfs_buffer {
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    exporter_name exporter;
};

/// The open sysfs tree.
template<system System = live_system>
struct sysfs_buffers_directory {
    [[no_unique_address]] System system;
    unique_fd<System> directory;

    // Constructors for the reason of proc_directory.
    sysfs_buffers_directory() = default;
    sysfs_buffers_directory(System its, unique_fd<System> opened)
        : system(its)
        , directory(std::move(opened)) {}
};

/// Opens the sysfs tree.
/// Kernel: 5.15 to 6.19 with CONFIG_DMABUF_SYSFS_STATS.
/// Cost: one system call.
/// Errors: ENOENT where this kernel has none.
template<system System = live_system>
result<sysfs_buffers_directory<System>>
open_sysfs_buffers(System system = {}, char const* path = "/sys/kernel/dmabuf/buffers") {
    auto directory =
        open_at(system, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, {object::sysfs_buffers});
    if (!directory) return directory.error();
    return sysfs_buffers_directory<System>{system, std::move(directory).value()};
}

/// Parses the text of `size`: decimal bytes and one newline.
/// Errors: EBADMSG for anything else. Also without the newline, which alone tells that the number
/// is whole.
constexpr result<std::uint64_t> parse_sysfs_size(std::string_view text,
                                                 place where = {object::sysfs_size}) {
    std::uint64_t size = 0;
    if (!text.ends_with('\n') || !detail::parse_unsigned(text.substr(0, text.size() - 1), size))
        return failure{operation::parse, EBADMSG, where};
    return size;
}

/// Parses the text of `exporter_name`: the name and one newline.
/// Errors: EBADMSG for anything else. Also without the newline, which alone tells that the name is
/// whole.
constexpr result<exporter_name>
parse_sysfs_exporter_name(std::string_view text, place where = {object::sysfs_exporter_name}) {
    if (text.size() < 2 || !text.ends_with('\n')) return failure{operation::parse, EBADMSG, where};
    return exporter_name(text.substr(0, text.size() - 1));
}

namespace detail {

/// Reads a file of the tree. A file that was open when its directory was removed answers ENODEV
/// (fs/kernfs/file.c), which becomes ENOENT.
template<system System>
result<std::string_view> read_sysfs_file(sysfs_buffers_directory<System> const& tree,
                                         path const& name, std::span<char> space, place where) {
    auto const text =
        read_file(tree.system, tree.directory.get(), name.c_str(), space, where, ends_at_newline);
    if (!text && text.error().doing == operation::read && text.error().error == ENODEV)
        return failure{operation::read, ENOENT, where};
    return text;
}

} // namespace detail

/// Reads the size of one buffer.
/// Cost: three system calls, no allocation.
/// Errors: ENOENT where the buffer is gone, also between open and read; EACCES; EBADMSG.
template<system System>
result<std::uint64_t> read_sysfs_size(sysfs_buffers_directory<System> const& tree,
                                      std::uint64_t inode) {
    file_space space;
    place const where{object::sysfs_size, 0, 0, -1, inode};
    auto const text = detail::read_sysfs_file(tree, {inode, "/size"}, space, where);
    if (!text) return text.error();
    return parse_sysfs_size(*text, where);
}

/// Reads the exporter of one buffer.
/// Cost: three system calls, no allocation.
/// Errors: ENOENT where the buffer is gone, also between open and read; EACCES; EBADMSG.
template<system System>
result<exporter_name> read_sysfs_exporter_name(sysfs_buffers_directory<System> const& tree,
                                               std::uint64_t inode) {
    file_space space;
    place const where{object::sysfs_exporter_name, 0, 0, -1, inode};
    auto const text = detail::read_sysfs_file(tree, {inode, "/exporter_name"}, space, where);
    if (!text) return text.error();
    return parse_sysfs_exporter_name(*text, where);
}

/// The range of `read_sysfs_buffers()`.
template<system System = live_system>
class sysfs_buffers_reader : public reader<sysfs_buffers_reader<System>, result<sysfs_buffer>> {
public:
    sysfs_buffers_reader(sysfs_buffers_directory<System> const& tree, read_space space)
        : tree_(&tree)
        , inodes_(tree.system, tree.directory.get(), {"."}, {object::sysfs_buffers},
                  std::move(space)) {}

private:
    friend reader<sysfs_buffers_reader, result<sysfs_buffer>>;

    void next(auto& out) {
        if (!started_) {
            started_ = true;
            at_ = inodes_.begin();
        } else
            ++at_;
        if (at_ == inodes_.end()) return;
        out = *at_ ? read(**at_) : result<sysfs_buffer>((*at_).error());
    }

    result<sysfs_buffer> read(std::uint64_t inode) const {
        auto const size = read_sysfs_size(*tree_, inode);
        if (!size) return size.error();
        auto const exporter = read_sysfs_exporter_name(*tree_, inode);
        if (!exporter) return exporter.error();
        return sysfs_buffer{inode, *size, *exporter};
    }

    using inode_directory = number_directory<std::uint64_t, System>;

    sysfs_buffers_directory<System> const* tree_;
    inode_directory inodes_;
    typename inode_directory::iterator at_;
    bool started_ = false;
};

/// Every buffer of the tree.
/// Cost: one open, one getdents64 per bufferful and one that sees the end, one close; and six
/// system calls per buffer.
/// Errors: an item each. A buffer that vanishes between listing and reading is an ENOENT item, and
/// the walk goes on.
/// Lifetime: `tree` must outlive the range. Do not move the range once it has begun.
template<system System>
sysfs_buffers_reader<System> read_sysfs_buffers(sysfs_buffers_directory<System> const& tree,
                                                read_space space = {}) {
    return {tree, std::move(space)};
}
template<system System>
void read_sysfs_buffers(sysfs_buffers_directory<System> const&& tree,
                        read_space space = {}) = delete;

} // namespace v0
} // namespace dmabuf
