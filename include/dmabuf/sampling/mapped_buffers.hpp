// SPDX-License-Identifier: MIT
//
// The buffers that a process has mapped, with or without a descriptor.
#pragma once

#include <dmabuf/sampling/describer.hpp>

namespace dmabuf {
inline namespace v0 {

/// Reads the mappings of one process into the snapshot being built.
template<system System = live_system>
class mapped_buffers {
public:
    explicit mapped_buffers(sample_in_progress<System> const& sample)
        : sample_(&sample)
        , describe_(sample) {}

    /// Reads the memory map, which all threads share. That of a leader that has exited is empty:
    /// the next thread's is read then. `again`: the process executed another program meanwhile, and
    /// its old map ended while it was read. As text, before 6.11, such a map only seems to be
    /// shorter.
    outcome read(process<System> const& process, std::span<std::int32_t const> tids) {
        for (auto const tid : tids) {
            auto const how = read_map(process, tid);
            if (found_memory_ || how != outcome::seen) return how;
        }
        return outcome::seen;
    }

    /// Whether any file was mapped. A process that has ended has no memory map.
    [[nodiscard]] bool found_memory() const { return found_memory_; }
    /// The task whose memory map was read last.
    [[nodiscard]] std::int32_t task() const { return task_; }

private:
    using mapped_files = mapped_files_reader<System>;

    outcome read_map(process<System> const& process, std::int32_t tid) {
        auto how = outcome::seen;
        task_ = tid;
        auto& query = sample_->session.query_mappings;
        auto files =
            read_mapped_files(process, tid, query, read_space(sample_->session.table_space()));
        for (auto const& found : files) {
            if (found) {
                found_memory_ = true;
                if (may_be_dmabuf(*found, files)) take(process, *found, files);
            } else if (!found.error().gone()) {
                how = worse(how, sample_->counts.note(found.error()));
            } else if (found_memory_) {
                return outcome::again;
            }
        }
        query = files.can_query();
        return how;
    }

    /// Whether a mapping may be of a DMA-BUF. Until one is met, one file of each anonymous device
    /// is asked for its name.
    [[nodiscard]] bool may_be_dmabuf(mapping const& found, mapped_files& files) const {
        auto& known = sample_->session.known;
        if (known.device()) return found.device == *known.device();
        if (known.is_indistinct() && found.path == dmabuf_filesystem::path_before_5_3)
            return sample_->counts.indistinct_mapping(), false;
        if (found.device.major != 0 || known.rejects(found.device)) return false;
        auto const name = files.name_of(found);
        if (!name && sample_->counts.note(name.error()) != outcome::gone)
            sample_->counts.undecided();
        if (name && !*name) known.reject(found.device);
        return name && *name;
    }

    void take(process<System> const& process, mapping const& found, mapped_files& files) const {
        if (!sample_->session.known.device() && !learn_device(process, found)) return;
        auto& build = sample_->build;
        auto const at = build.buffer_at(found.inode);
        bool const ended = describe_.ask_sysfs(at) == outcome::gone;
        // The file of a mapping goes with its area, which may have been split: another area may
        // still map the buffer. The buffer is gone where sysfs has lost it, too.
        if (!build[at].size_known && describe_.ask_map_files(process, found, at) == outcome::gone &&
            ended)
            return sample_->counts.mapping_gone();
        build.found_mapping(at, found.size_bytes());
        describe_.ask_mapping(files, found, at);
    }

    /// Learns the device of DMA-BUFs from a mapping. False where it is of another file, or nothing
    /// tells.
    bool learn_device(process<System> const& process, mapping const& found) const {
        auto& known = sample_->session.known;
        file_status status;
        long const error = known.look_up(process.system, process.directory.get(),
                                         describer<System>::map_files(found).c_str(), status);
        if (error == 0 ? known.of(status) == dmabuf_filesystem::kind::unknown : error != -ENOENT)
            sample_->counts.undecided();
        return known.device() && found.device == *known.device();
    }

    sample_in_progress<System> const* sample_;
    describer<System> describe_;
    std::int32_t task_ = 0;
    bool found_memory_ = false;
};

} // namespace v0
} // namespace dmabuf
