// SPDX-License-Identifier: MIT
//
// Size, exporter, name and count of one buffer, asked of every place that can tell them.
#pragma once

#include <dmabuf/kernel/android_buffers.hpp>
#include <dmabuf/kernel/maps.hpp>
#include <dmabuf/sampling/sample_in_progress.hpp>

namespace dmabuf {
inline namespace v0 {

/// Fills in the unknown fields of one buffer of the snapshot being built. `at` is its place there.
template<system System = live_system>
class describer {
public:
    explicit describer(sample_in_progress<System> const& sample)
        : sample_(&sample) {}

    /// True where all wanted fields are known.
    [[nodiscard]] bool is_done(std::uint32_t at) const {
        return is_done(at, sample_->wanted.exporters);
    }
    [[nodiscard]] bool is_done(std::uint32_t at, bool with_exporter) const {
        auto const& buffer = build()[at];
        return buffer.size_known && !(with_exporter && !build().exporter_known(at)) &&
               !(sample_->wanted.names && !buffer.name_known) &&
               !(sample_->wanted.counts && !sample_->references.knows(at));
    }

    /// Takes the fields from an fdinfo of one of its descriptors.
    void take(fdinfo const& info, std::uint32_t at) const {
        build().set_size(at, *info.size_bytes);
        if (sample_->wanted.exporters) build().set_exporter(at, info.exporter);
        if (sample_->wanted.names) build().set_name(at, info.name);
        if (sample_->wanted.counts && info.count)
            sample_->references.told_by_descriptor(at, build()[at].inode, *info.count);
    }

    /// A row of the kernel's list of all buffers, already read.
    void take(listed_buffer const& row, std::uint32_t at) const {
        if (!build()[at].size_known) build().set_size(at, row.size_bytes);
        if (sample_->wanted.exporters && !build().exporter_known(at))
            build().set_exporter(at, row.exporter);
        if (sample_->wanted.names && row.name_known && !build()[at].name_known)
            build().set_name(at, row.named ? std::optional(row.name) : std::nullopt);
        if (sample_->wanted.counts && row.count_known) sample_->references.will_be_told(at);
    }

    /// Reads exporter and name by one descriptor. The descriptor may be closed, or be another
    /// file's by now: then the next reference to the buffer serves.
    void ask_descriptor(process<System> const& process, std::int32_t tid, int fds, std::int32_t fd,
                        std::uint32_t at) const {
        auto& known = sample_->session.known;
        if (known.mount_id && (is_done(at) || ask_list(process, tid, fds, fd, at))) return;
        auto const info = read_fdinfo(process, tid, fd);
        if (!info) return (void)sample_->counts.note(info.error());
        if (info->is_path()) return ask_link(process, tid, fds, fd, at);
        if (!info->is_dmabuf()) return;
        auto const& wanted = build()[at];
        bool const other =
            (info->inode && *info->inode != wanted.inode) ||
            ((!info->inode || wanted.size_known) && *info->size_bytes != wanted.size_bytes);
        if (other) return;
        known.mount_id = info->mount_id;
        take(*info, at);
    }

    /// Describes a buffer by the kernel's list, if the sample has read it, and by the link of a
    /// descriptor, which tells the name in fewer calls than fdinfo. True where that tells all.
    bool ask_list(process<System> const& process, std::int32_t tid, int fds, std::int32_t fd,
                  std::uint32_t at) const {
        if (!sample_->session.kernel().inodes_are_unique()) return false;
        auto const* const row = sample_->list.find(build()[at].inode);
        if (!row) return false;
        take(*row, at);
        auto const name = linked_name(process, tid, fds, fd, at);
        // The link is the same without a name and with an empty one.
        if (name && (!name->empty() || row->shown_unnamed)) set_linked_name(at, name);
        return is_done(at);
    }

    /// Reads the name by the link of an O_PATH descriptor, whose fdinfo has no name.
    void ask_link(process<System> const& process, std::int32_t tid, int fds, std::int32_t fd,
                  std::uint32_t at) const {
        if (auto const name = linked_name(process, tid, fds, fd, at)) set_linked_name(at, name);
    }

    /// Reads size and exporter of the sysfs tree. `gone`: the tree has no such buffer, or no
    /// longer. `seen` also where there is no tree.
    outcome ask_sysfs(std::uint32_t at) const {
        auto const* const tree = sample_->session.sysfs();
        if (!tree) return outcome::seen;
        if (!build()[at].size_known) {
            auto const size = read_sysfs_size(*tree, build()[at].inode);
            if (!size) return sample_->counts.note(size.error());
            build().set_size(at, *size);
        }
        if (sample_->wanted.exporters && !build().exporter_known(at)) {
            auto const exporter = read_sysfs_exporter_name(*tree, build()[at].inode);
            if (!exporter) return sample_->counts.note(exporter.error());
            build().set_exporter(at, *exporter);
        }
        return outcome::seen;
    }

    /// Reads the size of the file behind a mapping. Needs CAP_CHECKPOINT_RESTORE: else `denied`.
    outcome ask_map_files(process<System> const& process, mapping const& found,
                          std::uint32_t at) const {
        file_status status;
        int const error = detail::uninterrupted_status(process.system, process.directory.get(),
                                                       map_files(found).c_str(), 0, status);
        if (error == -ENOENT) return outcome::gone;
        if (error < 0) return outcome::denied;
        if (status.inode != found.inode || status.device != found.device) return outcome::gone;
        build().set_size(at, status.size_bytes);
        return outcome::seen;
    }

    /// Reads the name by the mapping that is the current item of `files`. Its path is "/dmabuf:"
    /// both without a name and with an empty one.
    void ask_mapping(mapped_files_reader<System>& files, mapping const& found,
                     std::uint32_t at) const {
        if (!sample_->wanted.names || build()[at].name_known) return;
        auto const name = files.name_of(found);
        if (!name) return (void)sample_->counts.note(name.error());
        if (*name) build().set_name(at, (*name)->empty() ? std::nullopt : *name);
    }

    /// The path of a mapping's file, relative to its process.
    static detail::path map_files(mapping const& found) {
        return {"map_files/", detail::hex{found.begin}, "-", detail::hex{found.end}};
    }

private:
    /// The name by the link of a descriptor. Nothing where no name is wanted, or the descriptor is
    /// no longer the buffer's.
    std::optional<buffer_name> linked_name(process<System> const& process, std::int32_t tid,
                                           int fds, std::int32_t fd, std::uint32_t at) const {
        if (!sample_->wanted.names || build()[at].name_known) return std::nullopt;
        auto const& system = process.system;
        file_space target;
        detail::path const link(fd);
        long const length = detail::uninterrupted_readlink(system, fds, link.c_str(), target);
        if (length < 0) {
            (void)sample_->counts.note(
                {operation::readlink, static_cast<int>(-length), process.at(object::fd, tid, fd)});
            return std::nullopt;
        }
        file_status now; // another file's, where the number was used again meanwhile
        int const error = detail::uninterrupted_status(system, fds, link.c_str(), 0, now);
        if (error < 0 || sample_->session.known.of(now) != dmabuf_filesystem::kind::dmabuf ||
            now.inode != build()[at].inode)
            return std::nullopt;
        return parse_linked_name(detail::text_at(target.data(), static_cast<std::size_t>(length)));
    }

    void set_linked_name(std::uint32_t at, std::optional<buffer_name> const& name) const {
        build().set_name(at, name->empty() ? std::nullopt : name);
    }

    [[nodiscard]] snapshot_builder& build() const { return sample_->build; }

    sample_in_progress<System> const* sample_;
};

} // namespace v0
} // namespace dmabuf
