// SPDX-License-Identifier: MIT
//
// The choice of a command line among processes, buffers and rows, the same in every program.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "identity/users.hpp"
#include "pattern.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace selection {

/// A buffer, process or row is chosen where it fits one value of each kind that has values.
struct criteria {
    // of buffers
    std::vector<pattern> exporters;
    std::vector<pattern> names;
    std::vector<pattern> makers; ///< by the names that the processes had then
    std::uint64_t least_age_ns = 0;
    // of processes
    std::vector<pattern> users; ///< by name or number
    std::vector<pattern> comms;
    std::vector<pattern> cgroups;
    // of rows
    std::uint64_t least_bytes = 0;
    std::size_t most_rows = std::numeric_limits<std::size_t>::max(); ///< those that come first

    /// Whether the records of dmabuf_pin --origins decide.
    [[nodiscard]] bool of_origins() const { return !makers.empty() || least_age_ns != 0; }
    [[nodiscard]] bool of_buffers() const {
        return !exporters.empty() || !names.empty() || of_origins();
    }
    [[nodiscard]] bool of_processes() const {
        return !users.empty() || !comms.empty() || !cgroups.empty();
    }
    [[nodiscard]] bool of_rows() const {
        return least_bytes != 0 || most_rows != std::numeric_limits<std::size_t>::max();
    }
    [[nodiscard]] bool any() const { return of_buffers() || of_processes() || of_rows(); }
};

bool chooses(criteria const& wanted, dmabuf::exporter_name const& exporter);
bool chooses(criteria const& wanted, dmabuf::snapshot const& now, dmabuf::buffer const& one);
bool chooses(criteria const& wanted, dmabuf::snapshot const& now, dmabuf::holder const& who,
             identity::user_names const& users);

/// The buffers and processes that may fit: the exporter, name, maker, age or cgroup that they are
/// chosen by is not known. They are not chosen.
struct undecided {
    std::size_t buffers = 0;
    std::size_t processes = 0;
};
undecided undecided_in(dmabuf::snapshot const& now, criteria const& wanted);

/// The snapshot with those buffers alone, and their holders. All sums are of these buffers. A share
/// stays that among all holders of a buffer; coverage stays that of the whole system.
dmabuf::snapshot of_buffers(dmabuf::snapshot const& now,
                            std::function<bool(dmabuf::buffer const&)> const& is_chosen);
dmabuf::snapshot of_chosen_buffers(dmabuf::snapshot const& now, criteria const& wanted);

/// Leaves out rows of less than `least_bytes`, and those behind the first `most_rows`.
/// `bytes_of(row)` is the largest that the row can be.
template<class Rows, class BytesOf>
void keep_chosen_rows(Rows& rows, criteria const& wanted, BytesOf bytes_of) {
    std::erase_if(rows, [&](auto const& row) { return bytes_of(row) < wanted.least_bytes; });
    if (rows.size() > wanted.most_rows)
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(wanted.most_rows), rows.end());
}

/// The bytes of a row, which may be any number more where some of its buffers have no known size.
constexpr std::uint64_t most_bytes(std::uint64_t bytes, bool all_known) {
    return all_known ? bytes : std::numeric_limits<std::uint64_t>::max();
}

} // namespace selection
