// SPDX-License-Identifier: MIT
//
// The part of an observation that is shown, in the order in which it is shown.
#pragma once

#include "observation.hpp"
#include "options.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace dmabuf_ps {

/// Points into the observation, which must outlive it, and into itself. Shares and counts stay
/// those of the whole system: choosing a process does not make it the only holder.
class selection {
public:
    selection(observation const& seen, options const& chosen);
    selection(selection const&) = delete;
    selection& operator=(selection const&) = delete;
    ~selection() = default;

    /// The snapshot that everything here points into. Where buffers were chosen, it has these
    /// alone, and all sums are of these.
    [[nodiscard]] dmabuf::snapshot const& now() const { return part_ ? *part_ : seen_; }

    /// The buffers in the order of a table: the largest first. `with_unheld`: and among them those
    /// that no process seen holds, unless processes were chosen.
    [[nodiscard]] std::vector<dmabuf::buffer const*>
    listed_buffers(bool with_unheld, ::selection::criteria const& wanted) const;

    std::vector<dmabuf::holder const*> processes;  ///< in the order asked for
    std::vector<dmabuf::buffer const*> buffers;    ///< that these hold, by inode
    std::vector<dmabuf::exporter_total> exporters; ///< of these buffers
    std::uint64_t total_bytes = 0;                 ///< of these buffers, as far as known
    ::selection::undecided undecided;              ///< left out, but may fit
    bool whole = true;                             ///< no process and no buffer was left out

private:
    void choose_processes(observation const& seen, options const& chosen);
    void choose_buffers(options const& chosen);
    void add_up();

    dmabuf::snapshot const& seen_;
    bool of_all_processes_ = true;
    std::optional<dmabuf::snapshot> part_;
};

/// In the order of a table of buffers: the largest first.
bool goes_before(dmabuf::buffer const& a, dmabuf::buffer const& b);

} // namespace dmabuf_ps
