// SPDX-License-Identifier: MIT
//
// Recordings that an older library made lack calls that today's makes. Their answers follow from
// recorded ones.
#pragma once

#include "recording.hpp"

#include <map>
#include <optional>
#include <vector>

namespace replay {

/// The order of descriptor tables, or of memory maps, as kcmp answered it. Today's library searches
/// by halves, and so compares other pairs of tasks than an older one did.
class table_order {
public:
    /// `which` is `kcmp` for descriptor tables, `kcmp_vm` for memory maps.
    table_order(std::vector<entry> const& entries, call which);

    /// An answer for any two tasks that agrees with every recorded one, or the recorded errno where
    /// one of the tasks was compared in vain. Nothing where no task was compared.
    [[nodiscard]] std::optional<int> compare(std::int32_t a, std::int32_t b) const;

private:
    std::map<std::int32_t, std::size_t> places_; ///< of each task's table
    std::optional<int> refused_;                 ///< the last errno, negative
};

/// The fdinfo of every descriptor that an older library took for an O_PATH one by its link alone,
/// saying so.
std::vector<entry> fdinfos_of_path_descriptors(std::vector<entry> const& entries);

/// The link of every descriptor whose name an older library read in its fdinfo, where a list had
/// told the rest.
std::vector<entry> links_of_fdinfos(std::vector<entry> const& entries);

/// Answers that older libraries did not ask for: where /proc numbers the caller otherwise than the
/// caller does, they took it for that of another pid namespace than the initial one. As if there
/// were no kthreadd in it.
std::vector<entry> whose_procfs_it_is(std::vector<entry> const& entries);

} // namespace replay
