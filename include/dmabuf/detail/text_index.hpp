// SPDX-License-Identifier: MIT
//
// An index of texts: a binary tree in one vector that keeps its memory.
#pragma once

#include <dmabuf/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dmabuf {
inline namespace v0 {

/// Maps texts to indices. The caller keeps the texts: `text_of(index)` returns one. Two texts part
/// at the first bit in which they differ (a crit-bit tree). A look-up takes nine steps per byte at
/// most and reads one text, whatever texts are chosen.
template<class = detail::if_called>
class basic_text_index {
public:
    void clear() { branches_.clear(), root_ = empty; }
    void reserve(std::size_t count) { branches_.reserve(count); }

    /// The index of `text`. A new text gets `index`.
    template<class Text, class TextOf>
    std::uint32_t find_or_insert(Text const& text, std::uint32_t index, TextOf text_of) {
        if (root_ == empty) {
            root_ = leaf(index);
            return index;
        }
        auto const nearest = *link_before(text, end) / 2;
        auto const place = first_difference(text, text_of(nearest));
        if (place == end) return nearest;
        branch const added{place, {}};
        branches_.push_back(added);
        auto* const link = link_before(text, place);
        bool const side = bit_at(text, place);
        branches_.back().next[side ? 1 : 0] = leaf(index);
        branches_.back().next[side ? 0 : 1] = *link;
        *link = static_cast<std::uint32_t>(2 * branches_.size() - 1);
        return index;
    }

private:
    /// Goes to the next link by the bit of the text at `place`. A link is twice an index; one is
    /// added for the index of a branch.
    struct branch {
        std::size_t place;
        std::uint32_t next[2];
    };

    static constexpr std::uint32_t empty = ~std::uint32_t{0};
    static constexpr std::size_t end = ~std::size_t{0}; ///< behind every place
    static constexpr unsigned bits = 9; ///< of a byte: whether the text has it, and its value

    static constexpr std::uint32_t leaf(std::uint32_t index) { return 2 * index; }

    template<class Text>
    static unsigned symbol_at(Text const& text, std::size_t at) {
        return at < text.size() ? 256U | static_cast<unsigned char>(text[at]) : 0U;
    }

    template<class Text>
    static bool bit_at(Text const& text, std::size_t place) {
        return (symbol_at(text, place / bits) >> (bits - 1 - place % bits) & 1U) != 0;
    }

    template<class Text, class Other>
    static std::size_t first_difference(Text const& text, Other const& other) {
        for (std::size_t at = 0; at < text.size() || at < other.size(); ++at)
            if (auto const differs = symbol_at(text, at) ^ symbol_at(other, at); differs != 0)
                return at * bits + bits - static_cast<unsigned>(std::bit_width(differs));
        return end;
    }

    /// The first link on the way of `text` that leads to no branch before `place`.
    template<class Text>
    std::uint32_t* link_before(Text const& text, std::size_t place) {
        auto* link = &root_;
        while (*link % 2 != 0 && branches_[*link / 2].place < place) {
            auto& passed = branches_[*link / 2];
            link = &passed.next[bit_at(text, passed.place) ? 1 : 0];
        }
        return link;
    }

    std::vector<branch> branches_;
    std::uint32_t root_ = empty;
};

using text_index = basic_text_index<>;

} // namespace v0
} // namespace dmabuf
