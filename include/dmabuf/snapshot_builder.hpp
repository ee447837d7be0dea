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
        auto const old_and_new = 2 * most.buffers;
        buffers_.reserve(old_and_new);
        index_.reserve(old_and_new);
        marks_.reserve(old_and_new);
        order_.reserve(old_and_new);
    }

    void begin(snapshot& now) {
        now_ = &now;
        now.clear();
        make_usual_room();
        first_ = whole_ = 0;
        if (!remembers_) forget();
        for (auto& buffer : buffers_) {
            buffer.name_known = buffer.named = false;
            buffer.name = {};
        }
        marks_.assign(buffers_.size(), unmet);
    }

    /// What was found since begin() is not to be believed, neither of old buffers nor of new ones.
    void abandon() {
        for (auto const mark : marks_)
            if (mark == met) return forget();
    }

    [[nodiscard]] snapshot& now() { return *now_; }

    /// The buffer of this inode, new or met before.
    std::uint32_t buffer_at(std::uint64_t inode) {
        auto const at = index_.find(inode);
        if (at == inode_index::none) return add_buffer(inode);
        marks_[at] = met;
        return at;
    }

    /// Whether the buffer of this inode was met in this snapshot, and where.
    [[nodiscard]] std::uint32_t find(std::uint64_t inode) {
        auto const at = index_.find(inode);
        return at == inode_index::none || marks_[at] == unmet ? inode_index::none : at;
    }

    [[nodiscard]] buffer& operator[](std::uint32_t at) { return buffers_[at]; }

    void set_size(std::uint32_t at, std::uint64_t size_bytes) {
        buffers_[at].size_bytes = size_bytes;
        buffers_[at].size_known = true;
    }

    void set_name(std::uint32_t at, std::optional<buffer_name> const& name) {
        auto& buffer = buffers_[at];
        buffer.name_known = true;
        buffer.named = name.has_value();
        buffer.name = name.value_or(buffer_name{});
    }

    // --- one process ---

    // What is found of it are the last references of the snapshot, one for each descriptor and
    // mapping, until add_holder() makes them one for each buffer.

    void begin_process() {
        holder_ = static_cast<std::uint32_t>(now_->holders.size());
        first_ = now_->references.size();
        drop_process();
    }

    /// What was found in a table that was not added is left out.
    void begin_table() { now_->references.resize(whole_); }
    void found(std::uint32_t buffer, bool path) {
        now_->references.push_back({holder_, buffer, 1, path ? 1U : 0U, 0, 0});
    }
    [[nodiscard]] bool table_is_empty() const { return now_->references.size() == whole_; }

    /// One reference for each descriptor of the table.
    [[nodiscard]] std::span<reference const> table() const {
        return std::span(now_->references).subspan(whole_);
    }

    /// Takes back what `is_gone(reference)` says of, and counts it.
    template<class IsGone>
    std::uint32_t drop_from_table(IsGone is_gone) {
        auto& references = now_->references;
        auto kept = whole_;
        for (auto at = whole_; at < references.size(); ++at)
            if (!is_gone(references[at])) references[kept++] = references[at];
        auto const gone = references.size() - kept;
        references.resize(kept);
        return static_cast<std::uint32_t>(gone);
    }

    /// The table was whole: what was found in it counts.
    void add_table() { whole_ = now_->references.size(); }

    void found_mapping(std::uint32_t buffer, std::uint64_t bytes) {
        begin_table();
        now_->references.push_back({holder_, buffer, 0, 0, 1, bytes});
        add_table();
    }

    [[nodiscard]] bool holds_something() const { return whole_ != first_; }

    /// The process was whole: it becomes a holder of what was added since `begin_process()`.
    void add_holder(holder added) {
        begin_table();
        auto const all = std::span(now_->references).subspan(first_);
        if (!each_once(all)) {
            sort(all);
            now_->references.resize(first_ + add_up_buffers(all));
        }
        added.first_reference = first_;
        added.reference_count = now_->references.size() - first_;
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
    void drop_process() {
        now_->references.resize(first_);
        whole_ = first_;
    }

    // --- the end ---

    /// Sorts, leaves out the buffers that nobody holds, and fills in the sums.
    void finish() {
        detail::count_holders(buffers_, now_->references);
        if (all_held_in_order())
            now_->buffers = buffers_;
        else
            put_in_order();
        detail::share_out(*now_, order_);
    }

private:
    static constexpr std::uint32_t unmet = 0;
    static constexpr std::uint32_t met = 1;

    /// For what a phone holds, at once: memory that is not written to costs nothing, but to outgrow
    /// it again and again costs both the copies and the memory left behind.
    void make_usual_room() {
        constexpr std::size_t buffers = 1024;
        if (now_->references.capacity() == 0) now_->references.reserve(4 * buffers);
        if (now_->holders.capacity() == 0) now_->holders.reserve(buffers / 4);
        if (buffers_.capacity() == 0) buffers_.reserve(buffers);
        if (marks_.capacity() == 0) marks_.reserve(buffers);
    }

    [[gnu::noinline]] std::uint32_t add_buffer(std::uint64_t inode) {
        auto const at = static_cast<std::uint32_t>(buffers_.size());
        index_.insert(inode, at);
        buffers_.emplace_back().inode = inode;
        marks_.push_back(met);
        return at;
    }

    static bool each_once(std::span<reference const> all) {
        for (std::size_t at = 1; at < all.size(); ++at)
            if (all[at - 1].buffer >= all[at].buffer) return false;
        return true;
    }

    /// What is sorted by buffer becomes one reference for each. How many these are.
    static std::size_t add_up_buffers(std::span<reference> all) {
        std::size_t last = 0;
        for (auto const& more : all.subspan(1)) {
            if (all[last].buffer == more.buffer)
                add(all[last], more);
            else
                all[++last] = more;
        }
        return last + 1;
    }

    static void add(reference& sum, reference const& more) {
        sum.descriptors += more.descriptors;
        sum.path_descriptors += more.path_descriptors;
        sum.mappings += more.mappings;
        sum.mapped_bytes += more.mapped_bytes;
    }

    /// Buffers are made and opened in much the same order.
    static void sort(std::span<reference> all) {
        detail::sort(all,
                     [](reference const& a, reference const& b) { return a.buffer < b.buffer; });
    }

    /// The kernel counts inodes up, so that new buffers come last.
    [[nodiscard]] bool all_held_in_order() const {
        std::uint64_t last = 0;
        for (auto const& buffer : buffers_)
            if (buffer.holders == 0 || buffer.inode < std::exchange(last, buffer.inode))
                return false;
        return true;
    }

    /// The held buffers become those of the snapshot, here and for the references.
    void put_in_order() {
        order_.clear();
        for (std::uint32_t at = 0; at < buffers_.size(); ++at)
            if (buffers_[at].holders != 0) order_.push_back(at);
        detail::sort(order_, [&](std::uint32_t a, std::uint32_t b) {
            return buffers_[a].inode < buffers_[b].inode;
        });
        for (auto const at : order_)
            now_->buffers.push_back(buffers_[at]);
        renumber();
    }

    void renumber() {
        for (std::uint32_t rank = 0; rank < order_.size(); ++rank)
            marks_[order_[rank]] = rank;
        for (auto& reference : now_->references)
            reference.buffer = marks_[reference.buffer];
        for (auto const& holder : now_->holders)
            sort(std::span(now_->references)
                     .subspan(holder.first_reference, holder.reference_count));
        buffers_ = now_->buffers;
        index_.clear();
        for (std::uint32_t at = 0; at < buffers_.size(); ++at)
            index_.insert(buffers_[at].inode, at);
    }

    void forget() {
        buffers_.clear();
        index_.clear();
    }

    snapshot* now_ = nullptr;
    std::vector<buffer>
        buffers_;       ///< those of the snapshot before, by inode, and behind them new ones
    inode_index index_; ///< of `buffers_`
    std::vector<std::uint32_t> marks_; ///< by buffer: `met` in this snapshot; at its end the rank
    std::uint32_t holder_ = 0;         ///< the number that the process being read will have
    std::size_t first_ = 0;            ///< its first reference
    std::size_t whole_ = 0;            ///< behind its last in a table that counts
    std::vector<std::uint32_t> order_;
    bool remembers_ = false;
};

} // namespace v0
} // namespace dmabuf
