// SPDX-License-Identifier: MIT
//
// Counts the outcome of every call into the coverage of the snapshot.
#pragma once

#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

/// The outcome for one process, or for one part of it. From best to worst.
enum class outcome : std::uint8_t {
    seen,
    denied,
    failed,
    gone,  ///< it ended meanwhile, and holds nothing any more
    again, ///< it changed meanwhile: nothing of this look counts
};

/// The worse of two outcomes.
constexpr outcome worse(outcome a, outcome b) {
    return a < b ? b : a;
}

/// Counts outcomes into the coverage of one snapshot. The parts that read processes write there by
/// it alone; the sampler, the sources, the lists and `account()` fill in the fields that are no
/// outcomes.
class tally {
public:
    explicit constexpr tally(coverage& counted)
        : counted_(&counted) {}

    /// Turns a failure into an outcome, and keeps the first that is neither gone nor denied.
    constexpr outcome note(failure const& why) const {
        if (why.gone()) return outcome::gone;
        if (why.denied()) return outcome::denied;
        if (counted_->first_failure.error == 0) counted_->first_failure = why;
        return outcome::failed;
    }

    /// Counts one process that /proc lists. `kernel_thread` matters for `denied` alone.
    constexpr void process(outcome how, bool kernel_thread = false) const {
        ++counted_->processes;
        if (how == outcome::seen) ++counted_->processes_seen;
        if (how == outcome::gone) ++counted_->processes_gone;
        if (how == outcome::failed) ++counted_->processes_failed;
        if (how == outcome::denied)
            ++(kernel_thread ? counted_->kernel_threads : counted_->processes_denied);
    }

    /// The number of processes that could not be read, or not in full.
    [[nodiscard]] constexpr std::uint32_t unread() const {
        return counted_->processes_denied + counted_->processes_failed;
    }

    /// Counts a process that was seen and has no memory map.
    constexpr void process_without_memory() const { ++counted_->processes_without_memory; }

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
    /// Counts a descriptor or a mapping of a DMA-BUF that has no inode of its own.
    constexpr void indistinct_descriptor() const { ++counted_->indistinct.descriptors; }
    constexpr void indistinct_mapping() const { ++counted_->indistinct.mappings; }
    constexpr void indistinct_holder() const { ++counted_->indistinct.holders; }
    constexpr void cgroup_unknown() const { ++counted_->cgroups_unknown; }
    /// Counts an O_PATH descriptor or a mapping that may be of a DMA-BUF, while none was met to
    /// compare it with.
    constexpr void undecided() const { ++counted_->undecided; }

    /// Names the teller of the sizes, if only a try can find it.
    constexpr void sized_by(sizing which) const { counted_->sized_by = which; }

    /// The coverage so far. `restore()` goes back to an earlier one.
    [[nodiscard]] constexpr coverage const& counted() const { return *counted_; }
    constexpr void restore(coverage const& earlier) const { *counted_ = earlier; }

private:
    coverage* counted_;
};

} // namespace v0
} // namespace dmabuf
