// SPDX-License-Identifier: MIT
//
// Counts the outcome of every single look into the coverage of the snapshot.
#pragma once

#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

/// How it went with one process, or one part of it. From best to worst.
enum class outcome : std::uint8_t {
    seen,
    denied,
    failed,
    gone,  ///< it ended meanwhile, and holds nothing any more
    again, ///< it changed meanwhile: nothing of this look counts
};

constexpr outcome worse(outcome a, outcome b) {
    return a < b ? b : a;
}

/// Counts into the coverage of one snapshot. The parts of the sampler write there by it alone.
class tally {
public:
    explicit constexpr tally(coverage& counted)
        : counted_(&counted) {}

    /// Sorts a failure, and remembers the first that is not an everyday event.
    constexpr outcome note(failure const& why) const {
        if (why.gone()) return outcome::gone;
        if (why.denied()) return outcome::denied;
        if (counted_->first_failure.error == 0) counted_->first_failure = why;
        return outcome::failed;
    }

    /// One process of those that /proc lists. `kernel_thread` is of those that are denied.
    constexpr void process(outcome how, bool kernel_thread = false) const {
        ++counted_->processes;
        if (how == outcome::seen) ++counted_->processes_seen;
        if (how == outcome::gone) ++counted_->processes_gone;
        if (how == outcome::failed) ++counted_->processes_failed;
        if (how == outcome::denied)
            ++(kernel_thread ? counted_->kernel_threads : counted_->processes_denied);
    }

    constexpr void table(bool certain) const {
        ++counted_->tables;
        if (!certain) ++counted_->tables_uncertain;
    }
    constexpr void tables_in_doubt(std::uint32_t more) const { counted_->tables_uncertain += more; }
    constexpr void descriptors_gone(std::uint32_t more) const {
        counted_->descriptors_gone += more;
    }
    constexpr void descriptor_failed() const { ++counted_->descriptors_failed; }
    constexpr void mapping_gone() const { ++counted_->mappings_gone; }
    /// An O_PATH descriptor or a mapping that may be a DMA-BUF's: none was met to compare it with.
    constexpr void undecided() const { ++counted_->undecided; }

    /// All that was counted so far; `restore()` takes back what was counted since.
    [[nodiscard]] constexpr coverage const& counted() const { return *counted_; }
    constexpr void restore(coverage const& earlier) const { *counted_ = earlier; }

private:
    coverage* counted_;
};

} // namespace v0
} // namespace dmabuf
