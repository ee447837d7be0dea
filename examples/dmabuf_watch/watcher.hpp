// SPDX-License-Identifier: MIT
//
// Turns one snapshot after the other into events. No system call, but for names of users that are
// asked for.
#pragma once

#include <dmabuf/growth.hpp>

#include "event.hpp"
#include "identity/users.hpp"
#include "options.hpp"

#include <set>
#include <vector>

namespace dmabuf_watch {

/// Allocates nothing for a look that tells nothing, once everything has grown to the size of the
/// system, unless buffers are chosen, whose snapshot is a copy.
class watcher {
public:
    explicit watcher(options const& chosen);

    /// Takes a look. The events are there until the next one.
    std::vector<event> const& look(dmabuf::snapshot const& now);

    /// The event that ends the watch.
    [[nodiscard]] event finish() const;

    /// Names for --user, where a recording tells them.
    void know(identity::user_names const& users) { users_.add(users); }

    [[nodiscard]] dmabuf::growth_counts const& counts() const { return growth_.counts(); }
    /// Leaks that were told.
    [[nodiscard]] std::uint64_t leaks() const { return leaks_; }

private:
    /// A process that held something at the look before, or when it was seen last.
    struct known_process {
        std::int32_t pid = 0;
        std::uint64_t start_ticks = 0;
        dmabuf::process_name comm;
        std::uint64_t bytes = 0;
        std::uint64_t buffers = 0;
        bool chosen = false;
    };
    /// An amount whose growth was told, and whose end is to be.
    struct told_growth {
        dmabuf::growth_subject of;
        std::uint64_t name_hash = 0;
        dmabuf::measure what = dmabuf::measure::bytes;
        std::uint64_t leak = 0;

        [[nodiscard]] bool is_of(dmabuf::growth_series const& one) const;
    };

    void look_at(dmabuf::snapshot const& now);
    [[nodiscard]] event of_all(event_kind what) const;
    void compare_processes(dmabuf::snapshot const& now);
    void keep_processes(dmabuf::snapshot const& now);
    void tell_process(event_kind what, known_process const& which);
    void tell_growth(dmabuf::snapshot const& now);
    void tell_end(event_kind what, dmabuf::growth_series const& one);
    event& event_of(event_kind what, dmabuf::growth_subject const& of, std::uint64_t leak);
    [[nodiscard]] bool chooses(dmabuf::snapshot const& now, dmabuf::growth_series const& one);
    [[nodiscard]] bool chooses(dmabuf::snapshot const& now, dmabuf::holder const& who);
    [[nodiscard]] bool chooses_processes() const;

    options const& chosen_;
    dmabuf::growth_watch growth_;
    identity::user_names users_;
    std::set<std::uint32_t> asked_users_;
    std::vector<known_process> before_;
    std::vector<known_process> now_;
    std::vector<told_growth> told_;
    std::vector<event> events_;
    std::uint64_t time_ns_ = 0;
    std::uint64_t bytes_ = 0; ///< of all buffers held
    std::uint64_t buffers_ = 0;
    std::uint64_t leaks_ = 0;
    bool started_ = false;
    std::vector<std::int32_t> unread_before_; ///< processes that the look before could not read
    std::uint64_t gaps_before_ = 0;
};

} // namespace dmabuf_watch
