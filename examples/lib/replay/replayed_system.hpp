// SPDX-License-Identifier: MIT
//
// A system that answers from a recording.
#pragma once

#include "recording.hpp"

#include <memory>

namespace replay {

/// Answers a call as it was answered when it was recorded; where it was made several times, in that
/// order, the last answer again and again. A call that was not recorded fails with ENOSYS, and
/// `missing()` names the first: do not trust a snapshot that needed it. So does every call behind
/// the most that a sampler could make of so many results: no recording keeps it busy for ever.
/// A cheap handle: copies share their state.
class replayed_system {
public:
    replayed_system();
    explicit replayed_system(recording what);

    int open(int directory, char const* path, int flags) const;
    int close(int fd) const;
    long read(int fd, std::span<char> space) const;
    long list(int fd, std::span<char> space) const;
    int status(int directory, char const* path, int flags, dmabuf::file_status& status) const;
    long readlink(int directory, char const* path, std::span<char> space) const;
    long filesystem_type(int fd) const;
    /// A recording without any answer of this kind was made by a library that did not ask: ENOTTY.
    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                      std::span<char> space) const;
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const;
    int compare_memory_maps(std::int32_t a, std::int32_t b) const;
    std::int32_t process_id() const;
    std::uint64_t clock_ns() const;
    std::uint64_t boot_clock_ns() const;

    [[nodiscard]] circumstances const& made() const;

    /// The first call that the recording does not hold, e.g. "stat /proc/7/task"; empty: none.
    [[nodiscard]] std::string const& missing() const;

    /// The same, and forgets it: the next call that is not there is the first.
    std::string take_missing() const;

    /// Descriptors that were opened and not closed.
    [[nodiscard]] std::size_t open_count() const;

private:
    struct state;
    std::shared_ptr<state> state_;
};
static_assert(dmabuf::boot_clock_system<replayed_system>);

} // namespace replay
