// SPDX-License-Identifier: MIT
//
// Reads one descriptor table by the kernel's list of its inodes. Descriptors and sysfs describe the
// buffers.
#pragma once

#include <dmabuf/kernel/dmabuf_fds.hpp>
#include <dmabuf/kernel/fd_walk.hpp>
#include <dmabuf/sampling/describer.hpp>

#include <vector>

namespace dmabuf {
inline namespace v0 {

/// Reads tables, one after the other, into the snapshot being built.
template<system System = live_system>
class listed_table {
public:
    /// `inodes` is memory for a second look at a list.
    listed_table(sample_in_progress<System> const& sample, std::vector<std::uint64_t>& inodes)
        : sample_(&sample)
        , describe_(sample)
        , listed_again_(&inodes) {}

    /// Reads the list of a task, and describes its new buffers.
    outcome read(process<System> const& process, std::int32_t tid) {
        auto& build = sample_->build;
        build.begin_table();
        saw_gone_ = false;
        bool known = knows_device();
        auto const how = list(process, tid, [&](std::uint64_t inode) {
            auto const at = build.buffer_at(inode);
            build.found(at, false);
            known = known && describe_.is_done(at);
        });
        if (how != outcome::seen || known || build.table_is_empty()) return how;
        return describe(process, tid);
    }

    /// Whether a descriptor was closed meanwhile.
    [[nodiscard]] bool saw_gone() const { return saw_gone_; }

private:
    /// The sources of the missing fields, in the order in which they are asked. The kernel's list
    /// of all buffers, where it was read or there is no sysfs tree, tells all fields but some
    /// names, unless O_PATH descriptors alone refer to the buffer. Descriptors tell names and all
    /// other fields, with the same exception. Without names wanted, sysfs spares the walk over
    /// them.
    enum class teller : std::uint8_t { list, descriptors_for_names, sysfs, descriptors };

    outcome describe(process<System> const& process, std::int32_t tid) {
        for (auto const who :
             {teller::list, teller::descriptors_for_names, teller::sysfs, teller::descriptors}) {
            if (!may_tell(who)) continue;
            ask(who, process, tid);
            if (knows_all(sample_->wanted.exporters)) break;
            // O_PATH alone has no size yet.
            if (who == teller::list || who == teller::descriptors_for_names) continue;
            if (auto const how = drop_closed(process, tid); how != outcome::seen) return how;
        }
        return outcome::seen;
    }

    [[nodiscard]] bool may_tell(teller who) const {
        if (who == teller::descriptors) return true;
        if (who == teller::list) return may_ask_list();
        return sample_->session.sysfs() && (who == teller::sysfs || sample_->wanted.names);
    }

    /// The list helps only if no two buffers have one inode. A list that the sample has read costs
    /// nothing more. bufinfo does not tell that a buffer has no name, and is not read for other
    /// fields if names are wanted.
    [[nodiscard]] bool may_ask_list() const {
        if (!sample_->session.kernel().inodes_are_unique()) return false;
        if (sample_->list.listed_by() != listing::none) return true;
        return !sample_->session.sysfs() && (sample_->wanted.bpf || may_read_bufinfo());
    }
    [[nodiscard]] bool may_read_bufinfo() const {
        return sample_->wanted.bufinfo && !sample_->wanted.names;
    }

    void ask(teller who, process<System> const& process, std::int32_t tid) {
        if (who == teller::list)
            ask_list();
        else if (who == teller::sysfs)
            ask_sysfs();
        else
            walk(process, tid, who == teller::descriptors && sample_->wanted.exporters);
    }

    /// Mappings are told by the device of DMA-BUFs, which a descriptor tells.
    [[nodiscard]] bool knows_device() const {
        return sample_->session.known.device() || !sample_->wanted.mappings;
    }

    [[nodiscard]] bool knows_all(bool exporters) const {
        if (!knows_device()) return false;
        for (auto const& found : sample_->build.table())
            if (!describe_.is_done(found.buffer, exporters)) return false;
        return true;
    }

    template<class Take>
    outcome list(process<System> const& process, std::int32_t tid, Take take) {
        auto how = outcome::seen;
        auto inodes = read_dmabuf_fds(process, tid, read_space(sample_->session.table_space()));
        inodes.for_each([&](result<std::uint64_t> const& inode) {
            if (inode) return take(*inode);
            auto const failed = sample_->counts.note(inode.error());
            if (inode.error().doing == operation::parse)
                sample_->counts.descriptor_failed();
            else
                how = failed;
        });
        return how;
    }

    void ask_list() {
        auto& list = sample_->list;
        list.read(sample_->session.system(), sample_->wanted.bpf, may_read_bufinfo(),
                  sample_->session.table_space());
        sample_->session.sized_by = sizing_of(list.listed_by());
        sample_->counts.sized_by(sample_->session.sized_by);
        for (auto const& found : sample_->build.table()) {
            if (describe_.is_done(found.buffer)) continue;
            if (auto const* const row = list.find(sample_->build[found.buffer].inode))
                describe_.take(*row, found.buffer);
        }
    }

    void ask_sysfs() {
        for (auto const& found : sample_->build.table())
            if (!describe_.is_done(found.buffer)) (void)describe_.ask_sysfs(found.buffer);
    }

    /// Asks the descriptors for the missing fields of the listed buffers. Stops at the last such
    /// buffer.
    void walk(process<System> const& process, std::int32_t tid, bool exporters) {
        std::size_t next = 0;
        auto const all_told = [&] {
            auto const table = sample_->build.table();
            while (next < table.size() && describe_.is_done(table[next].buffer, exporters))
                ++next;
            return next == table.size();
        };
        auto const done = [&] { return all_told() && knows_device(); };
        if (!done() && walk_fd(process, tid, done) == outcome::denied && !all_told())
            walk_fdinfo(process, tid, all_told);
    }

    template<class Done>
    outcome walk_fd(process<System> const& process, std::int32_t tid, Done done) {
        auto& build = sample_->build;
        fd_walk_options const options{false, sample_->wanted.highest_first};
        auto fds = walk_fds(process, tid, sample_->session.known, options,
                            read_space(sample_->session.table_space()));
        for (auto const& found : fds) {
            if (found) {
                auto const at = build.buffer_at(found->inode);
                build.set_size(at, found->size_bytes);
                describe_.ask_descriptor(process, tid, fds.directory(), found->fd, at);
            } else if (sample_->counts.note(found.error()) == outcome::denied) {
                return outcome::denied;
            }
            if (done()) break;
        }
        return outcome::seen;
    }

    template<class Done>
    void walk_fdinfo(process<System> const& process, std::int32_t tid, Done done) {
        for (auto const& found : walk_fdinfos(process, tid, sample_->session.known,
                                              read_space(sample_->session.table_space()),
                                              sample_->wanted.highest_first)) {
            if (found && !found->info.is_path())
                describe_.take(found->info, sample_->build.buffer_at(*found->info.inode));
            else if (!found && found.error().error != ENODATA)
                (void)sample_->counts.note(found.error());
            if (done()) break;
        }
    }

    /// Lists the inodes again. A buffer without a size that is no longer listed was closed
    /// meanwhile, and is dropped. One that is still listed stays, of unknown size.
    outcome drop_closed(process<System> const& process, std::int32_t tid) {
        auto& build = sample_->build;
        auto const unsized = [&](reference const& found) {
            return !build[found.buffer].size_known;
        };
        bool any = false;
        for (auto const& found : build.table())
            any = any || unsized(found);
        if (!any) return outcome::seen;
        auto& inodes = *listed_again_;
        inodes.clear();
        auto const how = list(process, tid, [&](std::uint64_t inode) { inodes.push_back(inode); });
        if (how != outcome::seen) return how;
        detail::sort(inodes);
        auto const closed = build.drop_from_table([&](reference const& found) {
            return unsized(found) && !detail::contains_sorted(inodes, build[found.buffer].inode);
        });
        sample_->counts.descriptors_gone(closed);
        saw_gone_ = saw_gone_ || closed != 0;
        return outcome::seen;
    }

    sample_in_progress<System> const* sample_;
    describer<System> describe_;
    std::vector<std::uint64_t>* listed_again_;
    bool saw_gone_ = false;
};

} // namespace v0
} // namespace dmabuf
