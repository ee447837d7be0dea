// SPDX-License-Identifier: MIT
//
// Reads one descriptor table by a walk over its descriptors, which tell all fields themselves.
#pragma once

#include <dmabuf/kernel/fd_walk.hpp>
#include <dmabuf/sampling/describer.hpp>

namespace dmabuf {
inline namespace v0 {

/// Reads tables, one after the other, into the snapshot being built.
template<system System = live_system>
class walked_table {
public:
    explicit walked_table(sample_in_progress<System> const& sample)
        : sample_(&sample)
        , describe_(sample) {}

    /// Reads the table of a task, by `fd` or else by `fdinfo`, and describes its buffers.
    outcome read(process<System> const& process, std::int32_t tid) {
        auto const how = walk_fd(process, tid);
        return how == outcome::denied ? walk_fdinfo(process, tid) : how;
    }

    /// Whether a descriptor was closed meanwhile.
    [[nodiscard]] bool saw_gone() const { return saw_gone_; }

private:
    void begin() {
        sample_->build.begin_table();
        saw_gone_ = false;
    }

    outcome walk_fd(process<System> const& process, std::int32_t tid) {
        begin();
        auto& build = sample_->build;
        fd_walk_options const options{sample_->wanted.path_descriptors};
        auto fds = walk_fds(process, tid, sample_->session.known, options,
                            read_space(sample_->session.table_space()));
        for (auto const& found : fds) {
            if (found) {
                auto const at = build.buffer_at(found->inode, found->size_bytes);
                build.found(at, found->path);
                if (found->path)
                    describe_.ask_link(process, tid, fds.directory(), found->fd, at),
                        (void)describe_.ask_sysfs(at);
                else
                    describe_.ask_descriptor(process, tid, fds.directory(), found->fd, at);
            } else if (auto const how = failed(found.error()); how != outcome::seen) {
                return how;
            }
        }
        return outcome::seen;
    }

    outcome walk_fdinfo(process<System> const& process, std::int32_t tid) {
        begin();
        auto& build = sample_->build;
        for (auto const& found : walk_fdinfos(process, tid, sample_->session.known,
                                              read_space(sample_->session.table_space()))) {
            if (found) {
                auto const inode = *found->info.inode;
                auto const at = found->info.size_bytes
                                    ? build.buffer_at(inode, *found->info.size_bytes)
                                    : build.buffer_at(inode);
                build.found(at, found->info.is_path());
                if (found->info.is_path())
                    (void)describe_.ask_sysfs(at);
                else
                    describe_.take(found->info, at);
            } else if (auto const how = failed(found.error()); how != outcome::seen) {
                return how;
            }
        }
        return outcome::seen;
    }

    /// `seen`: the failure was that of one descriptor, and the walk can go on.
    outcome failed(failure const& why) {
        auto const& counts = sample_->counts;
        if (why.doing == operation::identify && why.error == ENOTSUP)
            return counts.indistinct_descriptor(), outcome::seen;
        if (why.denied()) return outcome::denied;
        if (why.where.fd < 0) return counts.note(why);
        if (why.gone())
            saw_gone_ = true, counts.descriptors_gone(1);
        else if (why.error == ENODATA)
            counts.undecided();
        else
            counts.descriptor_failed(), (void)counts.note(why);
        return outcome::seen;
    }

    sample_in_progress<System> const* sample_;
    describer<System> describe_;
    bool saw_gone_ = false;
};

} // namespace v0
} // namespace dmabuf
