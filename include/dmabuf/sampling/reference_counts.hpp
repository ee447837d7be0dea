// SPDX-License-Identifier: MIT
//
// The references to each buffer as the kernel counts them, held against those that processes were
// seen to have. Values only.
#pragma once

#include <dmabuf/detail/sort.hpp>
#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

/// Collects the counts of one sample after the other. Reused, it keeps its memory. It stays empty,
/// and allocates nothing, where nothing is collected.
template<class = detail::if_called>
class basic_reference_counts {
public:
    void begin() {
        told_.clear();
        repeated_.clear();
        attachments_.clear();
        known_.clear();
        shared_unknown_ = false;
    }

    /// Whether a descriptor told the count, or a list will tell it, of the buffer at this place in
    /// the snapshot being built.
    [[nodiscard]] bool knows(std::uint32_t at) const {
        return at < known_.size() && known_[at] != unknown;
    }

    /// A list that will tell at the end has the count of the buffer at this place.
    void will_be_told(std::uint32_t at) {
        while (known_.size() <= at)
            known_.push_back(unknown);
        known_[at] = 1;
    }

    /// A descriptor tells the count of its buffer, which stands at this place.
    void told_by_descriptor(std::uint32_t at, std::uint64_t inode, std::uint64_t count) {
        if (knows(at)) return;
        will_be_told(at);
        told const one{inode, count, false};
        told_.push_back(one);
    }

    /// The kernel's list tells a count, which replaces that of a descriptor. `devices`: it tells
    /// all attached devices too, each by `attached()`.
    void told_by_list(std::uint64_t inode, std::uint64_t count, bool devices) {
        told const one{inode, count, true, devices};
        told_.push_back(one);
    }
    void attached(attachment const& one) { attachments_.push_back(one); }

    /// Another process was seen to have this very reference too, by a table or a memory map that
    /// both share.
    void seen_before(std::uint64_t inode) { repeated_.push_back(inode); }
    /// Nothing tells whether a table or a memory map was seen before.
    void sharing_is_unknown() { shared_unknown_ = true; }

    /// Writes the counts of the finished snapshot's buffers into it.
    /// Cost: sorts; no allocation once grown.
    void finish(snapshot& now) {
        add_up_seen(now);
        detail::sort(told_, [](told const& a, told const& b) {
            return a.inode != b.inode ? a.inode < b.inode : a.by_list < b.by_list;
        });
        bool const explainable = explains_all(now.coverage);
        for (std::size_t at = 0; at < told_.size();) {
            std::size_t last = at;
            while (last + 1 < told_.size() && told_[last + 1].inode == told_[at].inode)
                ++last;
            // Before 5.18 two buffers can have one inode: nobody tells which count is whose.
            bool const twice = last != at && told_[last].by_list && told_[last - 1].by_list;
            if (!twice) add(now, told_[last], explainable);
            at = last + 1;
        }
        add_attachments(now);
    }

private:
    static constexpr std::uint32_t unknown = 0;

    struct told {
        std::uint64_t inode;
        std::uint64_t count;
        bool by_list;
        bool devices = false;
    };

    [[nodiscard]] bool explains_all(coverage const& seen) const {
        return seen.complete() && seen.paths_marked && seen.tables_uncertain == 0 &&
               !shared_unknown_;
    }

    /// Adds up the references to each buffer that processes were seen to have.
    void add_up_seen(snapshot const& now) {
        seen_.assign(now.buffers.size(), 0);
        for (auto const& one : now.references)
            seen_[one.buffer] += one.descriptors - one.path_descriptors + one.mappings;
        for (auto const inode : repeated_)
            if (auto const at = find(now.buffers, inode); at != now.buffers.size()) --seen_[at];
    }

    void add(snapshot& now, told const& one, bool explainable) const {
        auto const at = find(now.buffers, one.inode);
        bool const held = at != now.buffers.size();
        if (!held && find(now.unheld, one.inode) == now.unheld.size()) return;
        auto const seen = held ? seen_[at] : 0;
        reference_count added;
        added.inode = one.inode;
        added.count = one.count;
        added.others_known = (held ? explainable : now.coverage.complete()) && seen <= one.count;
        added.devices_known = one.devices;
        if (added.others_known) added.other_references = one.count - seen;
        now.counts.push_back(added);
    }

    void add_attachments(snapshot& now) {
        for (auto const& one : attachments_)
            if (auto const at = find(now.counts, one.inode); at != now.counts.size())
                now.attachments.push_back(one);
        detail::sort(now.attachments, [](attachment const& a, attachment const& b) {
            return a.inode != b.inode ? a.inode < b.inode : a.device < b.device;
        });
    }

    /// The size of the range where no element has this inode.
    template<class Range>
    [[nodiscard]] static std::size_t find(Range const& all, std::uint64_t inode) {
        auto const at = detail::first_of_inode(all, inode);
        return at < all.size() && all[at].inode == inode ? at : all.size();
    }

    std::vector<told> told_;
    /// By place in the snapshot being built. Not std::vector<bool>, which no other part compiles.
    std::vector<std::uint32_t> known_;
    std::vector<std::uint64_t> repeated_; ///< inodes, one for each reference
    std::vector<attachment> attachments_;
    std::vector<std::uint64_t> seen_; ///< by buffer
    bool shared_unknown_ = false;
};

using reference_counts = basic_reference_counts<>;

} // namespace v0
} // namespace dmabuf
