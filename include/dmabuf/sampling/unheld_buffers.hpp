// SPDX-License-Identifier: MIT
//
// The kernel's own list of all buffers, where the caller may read one. It tells the buffers that no
// process holds, and size and exporter of buffers whose descriptors do not tell them.
#pragma once

#include <dmabuf/kernel/sysfs_buffers.hpp>
#include <dmabuf/sampling/buffer_list.hpp>
#include <dmabuf/sampling/snapshot_builder.hpp>

namespace dmabuf {
inline namespace v0 {

/// Reads the list before the walk over the processes and again after it. One rule holds for every
/// list: a buffer that is in both lists, and was not met in between, has no holder.
///  * A buffer in the second list alone was made during the walk, perhaps by a process that was
///    walked before.
///  * A buffer that was met, but only with a process that exited or closed it meanwhile, is
///    leaving: it is in flight, a driver's, or about to end. The next sample tells.
///  * A buffer that a process yet to be walked hands to one walked already can still look unheld.
template<system System = live_system>
class unheld_buffers {
public:
    using sysfs_directory = sysfs_buffers_directory<System>;

    void reserve(capacity const& most) {
        before_.reserve(most.buffers);
        after_.reserve(most.buffers);
        met_.reserve(most.buffers);
    }

    /// Reads the first list: sysfs, or `list` if `sysfs` is null or fails.
    void read_before(System system, sysfs_directory const* sysfs, buffer_list<System>& list,
                     sample_options const& wanted, std::span<char> space) {
        clear();
        used_ = listing::none;
        indistinct_ = indistinct_bytes_ = 0;
        why_not_ = {operation::open, ENOENT, {object::sysfs_buffers}};
        if (sysfs) read_sysfs(*sysfs, space);
        if (used_ == listing::none) read_list(system, list, wanted, space);
        detail::sort(before_);
    }

    /// Fills in the fields of met buffers that the walk could not tell, and remembers the other
    /// buffers.
    void read_after(System system, sysfs_directory const* sysfs, buffer_list<System>& list,
                    snapshot_builder& build, sample_options const& wanted, std::span<char> space) {
        if (used_ == listing::sysfs) return read_sysfs_again(*sysfs, build, space);
        if (used_ == listing::none) return;
        if (used_ == listing::bufinfo && tells_no_more(build, wanted)) return;
        if (auto const done = list.read_again(system, space); !done) return fail(done.error());
        if (list.odd().count > odd_.count) odd_ = list.odd();
        for (auto const& row : list.rows()) {
            auto const at = build.find(row.inode, row.size_bytes);
            bool const met = at != inode_index::none;
            if (met && (build[at].size_known || shared_inodes_ == 0)) describe(build, at, row);
            if (!detail::contains_sorted(before_, row.inode)) continue;
            if (met)
                met_.push_back(row.inode);
            else
                add_unmet(row, build.exporter_at(row.exporter), wanted.names);
        }
    }

    /// Fills in the fields of met buffers that the walk could not tell, for a sample without unheld
    /// buffers. Reads `list` only if there are any, and then anew: a list that was read during the
    /// walk may lack buffers that the walk met later.
    static void describe_by(buffer_list<System>& list, System system, snapshot_builder& build,
                            sample_options const& wanted, std::span<char> space) {
        if (build.describes_all(wanted.exporters)) return;
        list.forget();
        list.read(system, wanted.bpf, wanted.bufinfo, space);
        for (auto const& row : list.rows())
            if (auto const at = build.find(row.inode, row.size_bytes);
                at != inode_index::none && (build[at].size_known || list.find(row.inode)))
                describe(build, at, row);
    }

    /// Adds the buffers that no process holds to a finished snapshot, and counts those that are
    /// leaving. A list whose sizes do not fit beside those of the buffers held is none.
    void add_unheld(snapshot& now) {
        if (!sizes_fit(now.total_bytes)) fail({operation::parse, EBADMSG, {object_of(used_)}});
        now.coverage.listed_by = used_;
        now.coverage.why_no_list = why_not_;
        if (now.coverage.inodes_shared < shared_inodes_)
            now.coverage.inodes_shared = shared_inodes_;
        now.coverage.odd_rows = odd_.count;
        now.coverage.first_odd_row = odd_.first;
        now.coverage.indistinct.listed = indistinct_;
        now.coverage.indistinct.listed_bytes = indistinct_bytes_;
        for (auto const& one : after_) {
            now.unheld.push_back(one);
            now.unheld_bytes += one.size_bytes;
        }
        detail::sort(now.unheld,
                     [](buffer const& a, buffer const& b) { return a.inode < b.inode; });
        auto const before = [](buffer const& a, std::uint64_t inode) { return a.inode < inode; };
        for (auto const inode : met_) {
            auto const at = detail::lower_bound(now.buffers, inode, before);
            bool const held = at < now.buffers.size() && now.buffers[at].inode == inode;
            now.coverage.buffers_leaving += !held;
        }
    }

private:
    void add_unmet(listed_buffer const& row, exporter_id exporter, bool names) {
        buffer one;
        one.inode = row.inode;
        one.size_bytes = row.size_bytes;
        one.size_known = true;
        one.exporter = exporter;
        one.name_known = names && row.name_known;
        one.named = one.name_known && row.named;
        if (one.named) one.name = row.name;
        after_.push_back(one);
    }

    /// Whether the walk met and described all listed buffers, and none of them can be leaving. Then
    /// the second look at debugfs, which takes each buffer's lock, would tell nothing.
    [[nodiscard]] bool tells_no_more(snapshot_builder& build, sample_options const& wanted) const {
        auto const& seen = build.now().coverage;
        if (shared_inodes_ != 0) return false;
        if (seen.processes_gone + seen.descriptors_gone + seen.mappings_gone != 0) return false;
        for (auto const inode : before_)
            if (build.find(inode) == inode_index::none) return false;
        return build.describes_all(wanted.exporters);
    }

    static void describe(snapshot_builder& build, std::uint32_t at, listed_buffer const& row) {
        if (!build[at].size_known) build.set_size(at, row.size_bytes);
        if (!build.exporter_known(at)) build.set_exporter(at, row.exporter);
    }

    [[nodiscard]] bool sizes_fit(std::uint64_t held_bytes) const {
        for (auto const& one : after_)
            if (__builtin_add_overflow(held_bytes, one.size_bytes, &held_bytes)) return false;
        return true;
    }

    static constexpr object object_of(listing which) {
        switch (which) {
        case listing::bufinfo:
            return object::bufinfo;
        case listing::bpf_iterator:
            return object::bpf_buffers;
        case listing::android_bpf:
            return object::bpf_android_buffers;
        case listing::sysfs:
        case listing::none:
        default:
            return object::sysfs_buffers;
        }
    }

    /// Drops a list that broke off: it proves nothing about buffers that are not in it.
    void fail(failure const& why) {
        why_not_ = why;
        used_ = listing::none;
        clear();
    }

    void clear() {
        before_.clear();
        after_.clear();
        met_.clear();
        odd_ = {};
        shared_inodes_ = 0;
    }

    void read_list(System system, buffer_list<System>& list, sample_options const& wanted,
                   std::span<char> space) {
        list.read(system, wanted.bpf, wanted.bufinfo, space);
        used_ = list.listed_by();
        if (used_ != listing::none || list.why_not().error != 0) why_not_ = list.why_not();
        odd_ = list.odd();
        shared_inodes_ = list.shared_inodes();
        indistinct_ = list.indistinct();
        indistinct_bytes_ = list.indistinct_bytes();
        for (auto const& row : list.rows())
            before_.push_back(row.inode);
    }

    void read_sysfs(sysfs_directory const& tree, std::span<char> space) {
        used_ = listing::sysfs;
        why_not_ = {};
        auto const done = list_sysfs(tree, space).for_each([&](std::uint64_t inode) {
            return before_.push_back(inode), true;
        });
        if (!done) fail(done.error());
    }

    static number_directory<std::uint64_t, System> list_sysfs(sysfs_directory const& tree,
                                                              std::span<char> space) {
        return {
            tree.system, tree.directory.get(), {"."}, {object::sysfs_buffers}, read_space(space)};
    }

    void read_sysfs_again(sysfs_directory const& tree, snapshot_builder& build,
                          std::span<char> space) {
        auto const done = list_sysfs(tree, space).for_each([&](std::uint64_t inode) {
            if (!detail::contains_sorted(before_, inode)) return true;
            if (build.find(inode) == inode_index::none) return read_unheld(tree, inode, build);
            met_.push_back(inode);
            return true;
        });
        if (!done) fail(done.error());
    }

    /// Reads a buffer that was not met. False where that fails, and with it the list. A buffer that
    /// has ended is no failure.
    bool read_unheld(sysfs_directory const& tree, std::uint64_t inode, snapshot_builder& build) {
        auto const size = read_sysfs_size(tree, inode);
        auto const exporter =
            size ? read_sysfs_exporter_name(tree, inode) : result<exporter_name>(size.error());
        if (exporter) {
            listed_buffer row;
            row.inode = inode;
            row.size_bytes = *size;
            add_unmet(row, build.exporter_at(*exporter), false);
        }
        if (exporter || exporter.error().gone()) return true;
        return fail(exporter.error()), false;
    }

    std::vector<std::uint64_t> before_; ///< inodes, sorted
    std::vector<buffer> after_;         ///< in both, and not met
    std::vector<std::uint64_t> met_;    ///< in both, and met: held, or leaving
    listing used_ = listing::none;
    failure why_not_;
    odd_rows odd_;
    std::uint32_t shared_inodes_ = 0; ///< of the first list
    std::uint64_t indistinct_ = 0;    ///< rows without an inode
    std::uint64_t indistinct_bytes_ = 0;
};

} // namespace v0
} // namespace dmabuf
