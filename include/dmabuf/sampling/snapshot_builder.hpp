// SPDX-License-Identifier: MIT
//
// Builds a snapshot from findings, process by process and table by table. A process or table that
// turns out to be incomplete is taken back. No system call.
#pragma once

#include <dmabuf/account.hpp>
#include <dmabuf/detail/inode_index.hpp>
#include <dmabuf/detail/text_index.hpp>

namespace dmabuf {
inline namespace v0 {

/// Builds snapshots, one after the other. Reused, it keeps its memory. The order of the calls:
///     begin()
///     { begin_process() { begin_table() found()… add_table() }… found_mapping()… add_holder() }…
///     finish()
template<class = detail::if_called>
class basic_snapshot_builder {
public:
    /// Remembers size and exporter, which never change, from one snapshot to the next. Only for
    /// kernels that use no inode number twice.
    void remember(bool on) { remembers_ = on; }

    void reserve(capacity const& most) {
        auto const old_and_new = 2 * most.buffers;
        known_.reserve(old_and_new);
        index_.reserve(old_and_new);
        marks_.reserve(old_and_new);
        order_.reserve(old_and_new);
        cgroup_index_.reserve(most.holders);
        exporters_.reserve(most.exporters + spare_exporters);
        exporter_index_.reserve(most.exporters + spare_exporters);
    }

    void begin(snapshot& now) {
        now_ = &now;
        now.clear();
        cgroup_index_.clear();
        twins_.clear();
        make_usual_room();
        first_ = whole_ = 0;
        if (!remembers_) forget();
        forget_exporters();
        if (index_.size() != known_.size()) make_index();
        add_known();
        marks_.assign(known_.size(), unmet);
    }

    /// Takes back all findings since begin(), of old buffers and of new ones.
    void abandon() {
        for (auto const mark : marks_)
            if (mark == met) return forget();
    }

    [[nodiscard]] snapshot& now() { return *now_; }

    /// The place of the buffer with this inode, new or met before.
    std::uint32_t buffer_at(std::uint64_t inode) {
        auto const at = index_.find(inode);
        if (at == inode_index::none) return add_buffer(inode);
        marks_[at] = met;
        return at;
    }

    /// The place of the buffer with this inode and size, whose size is known then. Where numbers
    /// come back, a buffer of another size is another buffer.
    std::uint32_t buffer_at(std::uint64_t inode, std::uint64_t size_bytes) {
        auto const at = buffer_at(inode);
        auto const& one = (*this)[at];
        if (!remembers_ && one.size_known && one.size_bytes != size_bytes)
            return twin_at(inode, size_bytes);
        set_size(at, size_bytes);
        return at;
    }

    /// The place of the buffer with this inode and size, as far as its size is known, or
    /// `inode_index::none` where this snapshot has not met it.
    [[nodiscard]] std::uint32_t find(std::uint64_t inode, std::uint64_t size_bytes) {
        auto const at = find(inode);
        if (remembers_ || at == inode_index::none || !(*this)[at].size_known ||
            (*this)[at].size_bytes == size_bytes)
            return at;
        return find_twin(inode, size_bytes);
    }

    /// The place of the buffer with this inode, or `inode_index::none` where this snapshot has not
    /// met it.
    [[nodiscard]] std::uint32_t find(std::uint64_t inode) {
        auto const at = index_.find(inode);
        return at == inode_index::none || marks_[at] == unmet ? inode_index::none : at;
    }

    [[nodiscard]] buffer& operator[](std::uint32_t at) { return now_->buffers[at]; }

    /// Whether the size of every buffer that this snapshot met is known, and with `exporters` its
    /// exporter.
    [[nodiscard]] bool describes_all(bool exporters) const {
        for (std::size_t at = 0; at < marks_.size(); ++at) {
            auto const& one = now_->buffers[at];
            bool const told =
                one.size_known && !(exporters && one.exporter == exporter_id::unknown);
            if (marks_[at] == met && !told) return false;
        }
        return true;
    }

    void set_size(std::uint32_t at, std::uint64_t size_bytes) {
        (*this)[at].size_bytes = size_bytes;
        (*this)[at].size_known = true;
    }

    [[nodiscard]] bool exporter_known(std::uint32_t at) {
        return (*this)[at].exporter != exporter_id::unknown;
    }

    void set_exporter(std::uint32_t at, exporter_name const& name) {
        auto& its = (*this)[at].exporter;
        if (its == exporter_id::unknown || name_of(its) != name) its = exporter_at(name);
    }

    /// The number of an exporter, new or seen before. A name that was cut gets a new number each
    /// time.
    exporter_id exporter_at(exporter_name const& name) {
        if (name.empty()) return exporter_id::unknown;
        auto const next = detail::in_32_bits(exporters_.size());
        auto at = next;
        exporters_.push_back(name); // first: the index must never lead to a name that is missing
        if (!name.truncated())
            at = exporter_index_.find_or_insert(
                name.view(), next, [&](std::uint32_t other) { return exporters_[other].view(); });
        if (at != next) exporters_.pop_back();
        return static_cast<exporter_id>(at + 1);
    }

    void set_name(std::uint32_t at, std::optional<buffer_name> const& name) {
        auto& buffer = (*this)[at];
        buffer.name_known = true;
        buffer.named = name.has_value();
        buffer.name = name.value_or(buffer_name{});
    }

    // --- one process ---

    // Until add_holder(), the last references of the snapshot are those of this process: one for
    // each descriptor and mapping. add_holder() makes them one for each buffer.

    void begin_process() {
        holder_ = detail::in_32_bits(now_->holders.size());
        first_ = now_->references.size();
        drop_process();
    }

    /// Begins a table. Findings of a table that was not added are dropped.
    void begin_table() { keep_references(whole_); }
    void found(std::uint32_t buffer, bool path) {
        reference const one{holder_, buffer, 1, path ? 1U : 0U, 0, 0};
        now_->references.push_back(one);
    }
    [[nodiscard]] bool table_is_empty() const { return now_->references.size() == whole_; }

    /// One reference for each descriptor of the table.
    [[nodiscard]] std::span<reference const> table() const {
        return std::span(now_->references).subspan(whole_);
    }

    /// All references of the process that count so far: table by table, then by mapping.
    [[nodiscard]] std::span<reference const> counted() const {
        return std::span(now_->references).subspan(first_, whole_ - first_);
    }

    /// Takes back the references of the table for which `is_gone(reference)`. Returns their number.
    template<class IsGone>
    std::uint32_t drop_from_table(IsGone is_gone) {
        auto& references = now_->references;
        auto kept = whole_;
        for (auto at = whole_; at < references.size(); ++at)
            if (!is_gone(references[at])) references[kept++] = references[at];
        auto const gone = references.size() - kept;
        keep_references(kept);
        return static_cast<std::uint32_t>(gone);
    }

    /// The table was whole: its findings count.
    void add_table() { whole_ = now_->references.size(); }

    void found_mapping(std::uint32_t buffer, std::uint64_t bytes) {
        begin_table();
        reference const one{holder_, buffer, 0, 0, 1, bytes};
        now_->references.push_back(one);
        add_table();
    }

    [[nodiscard]] bool holds_something() const { return whole_ != first_; }

    /// The process was whole: it becomes the holder of all that was added since `begin_process()`.
    void add_holder(holder added) {
        begin_table();
        auto const all = std::span(now_->references).subspan(first_);
        if (!each_once(all)) {
            sort(all);
            if (!each_once(all)) keep_references(first_ + add_up_buffers(all));
        }
        added.first_reference = first_;
        added.reference_count = now_->references.size() - first_;
        now_->holders.push_back(added);
    }

    /// The number of a cgroup, new or seen before.
    std::uint32_t cgroup_at(std::string_view path) {
        auto& all = now_->cgroups;
        auto const next = detail::in_32_bits(all.size());
        auto const at = cgroup_index_.find_or_insert(
            path, next, [&](std::uint32_t other) { return now_->cgroup_name(other); });
        if (at != next) return at;
        snapshot::cgroup_path const added{now_->cgroup_text.size(), path.size()};
        all.push_back(added);
        now_->cgroup_text.insert(now_->cgroup_text.end(), path.begin(), path.end());
        return at;
    }

    /// Drops the findings of a process that exited meanwhile, or cannot be identified.
    void drop_process() {
        keep_references(first_);
        whole_ = first_;
    }

    // --- the end ---

    /// Sorts, leaves out the buffers that nobody holds, and fills in the sums.
    void finish() {
        for (auto const& reference : now_->references)
            detail::count_holder(now_->buffers[reference.buffer], reference);
        if (!all_held_in_order()) put_in_order();
        if (!twins_.empty()) count_shared_inodes();
        keep();
        now_->exporter_names = exporters_;
        detail::share_out(*now_, order_);
    }

    /// Keeps sizes and exporters for the next begin().
    void keep() {
        auto const& buffers = now_->buffers;
        for (std::size_t at = 0; at < buffers.size(); ++at) {
            auto const& one = buffers[at];
            known_buffer const told{one.inode, one.size_bytes, one.exporter, one.size_known};
            if (at == known_.size())
                known_.push_back(told);
            else if (known_[at].size_known != one.size_known || known_[at].exporter != one.exporter)
                known_[at] = told;
        }
    }

private:
    static constexpr std::uint32_t unmet = 0;
    static constexpr std::uint32_t met = 1;

    /// Drops the references behind the first so many. Not by resize(), which would compile a way to
    /// grow.
    void keep_references(std::size_t size) {
        while (now_->references.size() > size)
            now_->references.pop_back();
    }

    /// The fields of a buffer that never change.
    struct known_buffer {
        std::uint64_t inode;
        std::uint64_t size_bytes;
        exporter_id exporter;
        bool size_known;
    };

    /// Makes room for the buffers of a phone at once. Memory that is not written to costs nothing;
    /// growing step by step costs the copies and the memory left behind.
    void make_usual_room() {
        constexpr std::size_t buffers = 1024;
        if (now_->references.capacity() == 0) now_->references.reserve(4 * buffers);
        if (now_->holders.capacity() == 0) now_->holders.reserve(buffers / 4);
        if (now_->buffers.capacity() == 0) now_->buffers.reserve(buffers);
        if (marks_.capacity() == 0) marks_.reserve(buffers);
    }

    void add_known() {
        now_->buffers.resize(known_.size());
        for (std::size_t at = 0; at < known_.size(); ++at) {
            auto const& one = known_[at];
            auto& added = now_->buffers[at];
            added.inode = one.inode;
            added.size_bytes = one.size_bytes;
            added.size_known = one.size_known;
            added.exporter = one.exporter;
        }
    }

    [[nodiscard]] exporter_name const& name_of(exporter_id exporter) const {
        return exporters_[static_cast<std::size_t>(exporter) - 1];
    }

    /// Forgets the exporters of buffers that are gone, once these are many.
    void forget_exporters() {
        if (exporters_.size() <= known_.size() + spare_exporters) return;
        earlier_exporters_ = exporters_; // a failure here leaves everything as it was
        exporters_.clear();              // from here on nothing allocates
        exporter_index_.clear();
        for (auto& one : known_)
            if (auto const number = static_cast<std::size_t>(one.exporter); number != 0)
                one.exporter = exporter_at(earlier_exporters_[number - 1]);
    }

    [[gnu::noinline]] std::uint32_t add_buffer(std::uint64_t inode) {
        auto const at = detail::in_32_bits(now_->buffers.size());
        index_.insert(inode, at);
        buffer added;
        added.inode = inode;
        now_->buffers.push_back(added);
        marks_.push_back(met);
        return at;
    }

    // Numbers that come back do so after 2^32 inodes, so that there are few twins, if any.

    [[gnu::noinline]] std::uint32_t twin_at(std::uint64_t inode, std::uint64_t size_bytes) {
        auto at = find_twin(inode, size_bytes);
        if (at != inode_index::none) return at;
        at = detail::in_32_bits(now_->buffers.size());
        twins_.push_back(at);
        now_->buffers.emplace_back().inode = inode;
        marks_.push_back(met);
        set_size(at, size_bytes);
        return at;
    }

    [[nodiscard]] std::uint32_t find_twin(std::uint64_t inode, std::uint64_t size_bytes) {
        for (auto const at : twins_)
            if ((*this)[at].inode == inode && (*this)[at].size_bytes == size_bytes) return at;
        return inode_index::none;
    }

    void count_shared_inodes() {
        auto const& all = now_->buffers;
        for (std::size_t at = 1; at < all.size(); ++at)
            now_->coverage.inodes_shared += all[at].inode == all[at - 1].inode &&
                                            (at == 1 || all[at].inode != all[at - 2].inode);
    }

    static bool each_once(std::span<reference const> all) {
        std::uint64_t next = 0; // the least that may come
        for (auto const& one : all)
            if (one.buffer < std::exchange(next, std::uint64_t{one.buffer} + 1)) return false;
        return true;
    }

    /// Turns references that are sorted by buffer into one for each buffer. Returns their number.
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
        detail::add_capped(sum.mapped_bytes, more.mapped_bytes);
    }

    /// Sorts by buffer. Buffers are made and opened in much the same order.
    static void sort(std::span<reference> all) {
        detail::sort(all,
                     [](reference const& a, reference const& b) { return a.buffer < b.buffer; });
    }

    /// True for most snapshots: the kernel counts inodes up, so that new buffers come last.
    [[nodiscard]] bool all_held_in_order() const {
        std::uint64_t last = 0;
        for (auto const& buffer : now_->buffers)
            if (buffer.holders == 0 || buffer.inode < std::exchange(last, buffer.inode))
                return false;
        return true;
    }

    void put_in_order() {
        auto& buffers = now_->buffers;
        order_.clear();
        for (std::uint32_t at = 0; at < buffers.size(); ++at)
            if (buffers[at].holders != 0) order_.push_back(at);
        detail::sort(order_, [&](std::uint32_t a, std::uint32_t b) {
            return buffers[a].inode < buffers[b].inode;
        });
        rank_buffers();
        for (auto& reference : now_->references)
            reference.buffer = marks_[reference.buffer];
        for (auto const& holder : now_->holders)
            sort(std::span(now_->references)
                     .subspan(holder.first_reference, holder.reference_count));
        known_.clear(); // keep() and begin() make both anew, in this order
        if (order_.size() == marks_.size())
            index_.renumber(marks_);
        else
            index_.clear();
        detail::move_to(buffers, marks_);
        buffers.resize(order_.size());
    }

    /// Marks each buffer with its rank in `order_`, and buffers that nobody holds with ranks behind
    /// these.
    void rank_buffers() {
        auto behind = detail::in_32_bits(order_.size());
        for (std::uint32_t at = 0; at < marks_.size(); ++at)
            if (now_->buffers[at].holders == 0) marks_[at] = behind++;
        for (std::uint32_t rank = 0; rank < order_.size(); ++rank)
            marks_[order_[rank]] = rank;
    }

    void make_index() {
        index_.clear();
        for (std::uint32_t at = 0; at < known_.size(); ++at)
            index_.insert(known_[at].inode, at);
    }

    void forget() {
        known_.clear();
        index_.clear();
    }

    snapshot* now_ = nullptr;
    std::vector<known_buffer> known_; ///< of the snapshot before, by inode
    static constexpr std::size_t spare_exporters = 64;
    std::vector<exporter_name> exporters_; ///< of `exporter_id{1}` …
    text_index exporter_index_;            ///< of the names that are whole
    std::vector<exporter_name> earlier_exporters_;
    text_index cgroup_index_; ///< of the snapshot's cgroups
    inode_index index_;       ///< of the snapshot's buffers: known ones first, then new ones
    std::vector<std::uint32_t> marks_; ///< by buffer: `met` in this snapshot; at its end the rank
    std::uint32_t holder_ = 0;         ///< the number that the process being read will have
    std::size_t first_ = 0;            ///< its first reference
    std::size_t whole_ = 0;            ///< behind its last reference in a table that counts
    std::vector<std::uint32_t> order_;
    std::vector<std::uint32_t> twins_; ///< buffers whose number another one had before, by place
    bool remembers_ = false;
};

using snapshot_builder = basic_snapshot_builder<>;

} // namespace v0
} // namespace dmabuf
