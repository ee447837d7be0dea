// SPDX-License-Identifier: MIT
//
// Puts a snapshot together from what is found, process by process and table by table, and takes
// back what turns out to be only a part. No system call is made here.
#pragma once

#include <dmabuf/account.hpp>
#include <dmabuf/inode_index.hpp>

namespace dmabuf {
inline namespace v0 {

/// Builds snapshots, one after the other; reused, it keeps its memory.
/// begin() { begin_process() { begin_table() found()… add_table() }… found_mapping()… add_holder()
/// }… finish()
class snapshot_builder {
public:
    /// What never changes of a buffer is remembered from one snapshot to the next. Only for kernels
    /// that use no inode number twice.
    void remember(bool on) { remembers_ = on; }

    void reserve(capacity const& most) {
        index_.reserve(most.buffers);
        slots_.reserve(most.buffers);
        table_.reserve(most.table);
        sorted_.reserve(most.buffers);
        scratch_.reserve(most.buffers);
        memory_.reserve(most.buffers);
        remembered_.reserve(most.buffers);
    }

    void begin(snapshot& now) {
        now_ = &now;
        now.clear();
        index_.clear();
        slots_.clear();
    }

    [[nodiscard]] snapshot& now() { return *now_; }

    /// The buffer of this inode, new or seen before.
    std::uint32_t buffer_at(std::uint64_t inode) {
        auto const next = static_cast<std::uint32_t>(now_->buffers.size());
        auto const at = index_.find_or_insert(inode, next);
        if (at != next) return at;
        slots_.push_back(0);
        auto& added = now_->buffers.emplace_back();
        added.inode = inode;
        recall(added);
        return at;
    }

    /// The buffer of this inode if it was seen, or `inode_index::none`.
    [[nodiscard]] std::uint32_t find(std::uint64_t inode) { return index_.find(inode); }

    [[nodiscard]] buffer& operator[](std::uint32_t at) { return now_->buffers[at]; }

    void set_size(std::uint32_t at, std::uint64_t size_bytes) {
        now_->buffers[at].size_bytes = size_bytes;
        now_->buffers[at].size_known = true;
    }

    void set_name(std::uint32_t at, std::optional<buffer_name> const& name) {
        auto& buffer = now_->buffers[at];
        buffer.name_known = true;
        buffer.named = name.has_value();
        buffer.name = name.value_or(buffer_name{});
    }

    // --- one process ---

    void begin_process() {
        first_reference_ = now_->references.size();
        begin_table();
    }

    void begin_table() { table_.clear(); }
    void found(std::uint32_t buffer, bool path) { table_.push_back({buffer, path}); }
    [[nodiscard]] bool table_is_empty() const { return table_.empty(); }

    struct found_descriptor {
        std::uint32_t buffer;
        bool path;
    };
    [[nodiscard]] std::span<found_descriptor const> table() const { return table_; }

    /// Takes back what `is_gone(found_descriptor)` says of, and counts it.
    template<class IsGone>
    std::uint32_t drop_from_table(IsGone is_gone) {
        return static_cast<std::uint32_t>(std::erase_if(table_, is_gone));
    }

    /// The table was whole: what was found in it counts.
    void add_table() {
        for (auto const& found : table_) {
            auto& reference = reference_to(found.buffer);
            ++reference.descriptors;
            reference.path_descriptors += found.path ? 1 : 0;
        }
        table_.clear();
    }

    void found_mapping(std::uint32_t buffer, std::uint64_t bytes) {
        auto& reference = reference_to(buffer);
        ++reference.mappings;
        reference.mapped_bytes += bytes;
    }

    [[nodiscard]] bool holds_something() const {
        return now_->references.size() != first_reference_;
    }

    /// The process was whole: it becomes a holder of what was added since `begin_process()`.
    void add_holder(holder added) {
        added.first_reference = first_reference_;
        added.reference_count = now_->references.size() - first_reference_;
        now_->holders.push_back(added);
    }

    /// The number of a cgroup, new or seen before.
    std::uint32_t cgroup_at(std::string_view path) {
        auto& all = now_->cgroups;
        for (std::uint32_t at = 0; at < all.size(); ++at)
            if (now_->cgroup_name(at) == path) return at;
        all.push_back({now_->cgroup_text.size(), path.size()});
        now_->cgroup_text.insert(now_->cgroup_text.end(), path.begin(), path.end());
        return static_cast<std::uint32_t>(all.size() - 1);
    }

    /// The process exited while it was read, or cannot be told who it is.
    void drop_process() { now_->references.resize(first_reference_); }

    // --- the end ---

    /// Sorts, leaves out the buffers that nobody holds, and fills in the sums.
    void finish() {
        mark_held();
        sort_buffers();
        renumber();
        account(*now_, scratch_);
        if (remembers_) memorise();
    }

private:
    struct memory {
        std::uint64_t size_bytes;
        bool size_known;
        exporter_name exporter;
    };

    /// `slots_` says where the current process's reference to a buffer is; what it says of an
    /// earlier process's is passed over.
    reference& reference_to(std::uint32_t buffer) {
        auto& references = now_->references;
        auto& slot = slots_[buffer];
        if (slot < first_reference_ || slot >= references.size() ||
            references[slot].buffer != buffer) {
            slot = references.size();
            references.push_back(
                {static_cast<std::uint32_t>(now_->holders.size()), buffer, 0, 0, 0, 0});
        }
        return references[slot];
    }

    void mark_held() {
        for (auto& slot : slots_)
            slot = 0;
        for (auto const& reference : now_->references)
            slots_[reference.buffer] = 1;
    }

    /// `scratch_` becomes the old positions of the held buffers, by inode.
    void sort_buffers() {
        auto& buffers = now_->buffers;
        scratch_.clear();
        for (std::uint32_t at = 0; at < buffers.size(); ++at)
            if (slots_[at] != 0) scratch_.push_back(at);
        auto const by_inode = [&](auto a, auto b) { return buffers[a].inode < buffers[b].inode; };
        detail::sort(scratch_, by_inode);
        sorted_.clear();
        for (std::uint32_t rank = 0; rank < scratch_.size(); ++rank) {
            sorted_.push_back(buffers[scratch_[rank]]);
            slots_[scratch_[rank]] = rank;
        }
        buffers.assign(sorted_.begin(), sorted_.end());
    }

    void renumber() {
        auto& references = now_->references;
        for (auto& reference : references)
            reference.buffer = static_cast<std::uint32_t>(slots_[reference.buffer]);
        for (auto const& holder : now_->holders) {
            auto const by_buffer = [](reference const& a, reference const& b) {
                return a.buffer < b.buffer;
            };
            detail::sort(
                std::span(references).subspan(holder.first_reference, holder.reference_count),
                by_buffer);
        }
    }

    void memorise() {
        memory_.clear();
        remembered_.clear();
        for (auto const& buffer : now_->buffers) {
            remembered_.find_or_insert(buffer.inode, static_cast<std::uint32_t>(memory_.size()));
            memory_.push_back({buffer.size_bytes, buffer.size_known, buffer.exporter});
        }
    }

    void recall(buffer& fresh) {
        auto const at = remembered_.find(fresh.inode);
        if (at == inode_index::none) return;
        fresh.size_bytes = memory_[at].size_bytes;
        fresh.size_known = memory_[at].size_known;
        fresh.exporter = memory_[at].exporter;
    }

    snapshot* now_ = nullptr;
    inode_index index_;
    std::vector<std::size_t> slots_;      ///< by buffer: see reference_to()
    std::vector<found_descriptor> table_; ///< of the table being read
    std::size_t first_reference_ = 0;     ///< of the process being read
    std::vector<buffer> sorted_;
    std::vector<std::uint32_t> scratch_;
    std::vector<memory> memory_; ///< of the snapshot before
    inode_index remembered_;     ///< where in it
    bool remembers_ = false;
};

} // namespace v0
} // namespace dmabuf
