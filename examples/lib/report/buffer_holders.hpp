// SPDX-License-Identifier: MIT
//
// The holders of each buffer.
#pragma once

#include <dmabuf/snapshot.hpp>

#include <span>
#include <vector>

namespace report {

/// The holders of every buffer of a snapshot. Reused, it allocates nothing.
class buffer_holders {
public:
    void reserve(std::size_t buffers, std::size_t references) {
        begins_.reserve(buffers + 1);
        holders_.reserve(references);
    }

    /// Takes the references, which stand by holder, from the last to the first. So each buffer's
    /// part of `holders_` is filled from its end, and `begins_` is left at its beginning.
    void fill(dmabuf::snapshot const& now) {
        begins_.clear();
        std::size_t end = 0;
        for (auto const& buffer : now.buffers)
            begins_.push_back(end += buffer.holders.value_or(1)); // one process alone: itself
        begins_.push_back(end);
        holders_.resize(end);
        for (auto one = now.references.rbegin(); one != now.references.rend(); ++one)
            holders_[--begins_[one->buffer]] = one->holder;
    }

    /// Of the buffer with this index: indices of holders, in ascending order.
    [[nodiscard]] std::span<std::uint32_t const> of(std::size_t buffer) const {
        return std::span(holders_).subspan(begins_[buffer], begins_[buffer + 1] - begins_[buffer]);
    }

private:
    std::vector<std::size_t> begins_; ///< by buffer: of its part of `holders_`; and the end
    std::vector<std::uint32_t> holders_;
};

} // namespace report
