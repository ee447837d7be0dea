// SPDX-License-Identifier: MIT
//
// An index of inode numbers: a flat hash table that keeps its memory.
#pragma once

#include <dmabuf/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dmabuf {
inline namespace v0 {

/// Maps inode numbers to indices. Open addressing with linear probing, at most half full: a look-up
/// costs the same for 500 buffers and for 50,000.
template<class = detail::if_called>
class basic_inode_index {
public:
    void clear() {
        slots_.assign(slots_.size(), {});
        used_ = 0;
    }

    void reserve(std::size_t count) {
        if (slots_.size() < 2 * count) rehash(std::bit_ceil(2 * count));
    }

    [[nodiscard]] std::size_t size() const { return used_; }

    /// Adds an inode that is not in the index yet.
    void insert(std::uint64_t inode, std::uint32_t index) {
        if (2 * ++used_ > slots_.size()) rehash(slots_.empty() ? 64 : 2 * slots_.size());
        slot_of(inode) = {inode, index + 1};
    }

    /// Replaces every index i by `indices[i]`.
    void renumber(std::vector<std::uint32_t> const& indices) {
        for (auto& slot : slots_)
            if (slot.next_index != 0) slot.next_index = indices[slot.next_index - 1] + 1;
    }

    /// The index of `inode`, or `none`.
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    [[nodiscard]] std::uint32_t find(std::uint64_t inode) {
        return slots_.empty() ? none : slot_of(inode).next_index - 1; // 0 - 1 is none
    }

private:
    struct entry {
        std::uint64_t inode = 0;
        std::uint32_t next_index = 0; ///< index + 1; 0 is free
    };

    entry& slot_of(std::uint64_t inode) {
        std::size_t at = static_cast<std::uint32_t>((inode * 0x9e3779b97f4a7c15U) >> 32U);
        at &= mask_;
        while (slots_[at].inode != inode && slots_[at].next_index != 0)
            at = (at + 1) & mask_;
        return slots_[at];
    }

    void rehash(std::size_t size) {
        std::vector<entry> old(size);
        old.swap(slots_);
        mask_ = size - 1;
        for (auto const& slot : old)
            if (slot.next_index != 0) slot_of(slot.inode) = slot;
    }

    std::vector<entry> slots_; ///< a power of two of them
    std::size_t mask_ = 0;
    std::size_t used_ = 0;
};

using inode_index = basic_inode_index<>;

} // namespace v0
} // namespace dmabuf
