// SPDX-License-Identifier: MIT
//
// Compares the makers of the buffers of two snapshots.
#pragma once

#include <dmabuf/comparing/sums.hpp>

namespace dmabuf {
inline namespace v0 {
namespace detail {

constexpr origin_state state_of(snapshot_diff::memory::member const& one) {
    return one.made ? one.made->state : origin_state::not_watched;
}

/// The buffers whose maker a snapshot does not tell: any row may have more of them.
struct untold_makers {
    std::size_t lost = 0;    ///< made under the watch
    std::size_t unknown = 0; ///< whenever made

    constexpr void add(origin_state state) {
        lost += state == origin_state::missed || state == origin_state::no_room ? 1U : 0U;
        unknown += state == origin_state::uncertain || state == origin_state::not_watched ? 1U : 0U;
    }
    [[nodiscard]] constexpr certainty of(origin_state row) const {
        if (row == origin_state::uncertain || row == origin_state::not_watched)
            return certainty::exact;
        bool const all = unknown == 0 && (lost == 0 || row != origin_state::made_by);
        return exact_if(all, certainty::at_least);
    }
};

/// One process is one maker, though its number was used before.
template<class = detail::if_called>
int order_of_makers(snapshot_diff::memory::member const& a,
                    snapshot_diff::memory::member const& b) {
    int const by_state = detail::order_of(detail::state_of(a), detail::state_of(b));
    if (by_state != 0 || detail::state_of(a) != origin_state::made_by) return by_state;
    int const by_pid = detail::order_of(a.made->maker.pid, b.made->maker.pid);
    return by_pid != 0 ? by_pid : detail::order_of(a.made->maker.start_ns, b.made->maker.start_ns);
}

/// The row of a maker, with the names of its newest buffer.
template<class = detail::if_called>
maker_change maker_of(std::span<snapshot_diff::memory::member const> run) {
    maker_change row;
    row.state = detail::state_of(run.front());
    if (row.state != origin_state::made_by) return row;
    auto const* newest = &run.front();
    for (auto const& one : run)
        if (one.later != newest->later ? one.later : one.made->made_ns > newest->made->made_ns)
            newest = &one;
    row.maker = newest->made->maker;
    return row;
}

/// Whether a snapshot was asked for the makers of all its buffers, and could read them.
template<class = detail::if_called>
bool tells_makers(snapshot const& now) {
    return now.watch.origins_read &&
           (now.buffers.empty() || now.origin_of(now.buffers.front()) != nullptr);
}

/// Adds up `found.scratch.members`.
template<class = detail::if_called>
void compare_makers(compared const& before, compared const& after, boots of, snapshot_diff& found) {
    found.makers_known =
        of == boots::same && detail::tells_makers(*before.now) && detail::tells_makers(*after.now);
    if (!found.makers_known) return;
    untold_makers untold[2];
    for (auto const& one : found.scratch.members)
        untold[one.later ? 1 : 0].add(detail::state_of(one));
    detail::compare_sums(
        before, after, found.scratch,
        [](auto const& a, auto const& b) { return detail::order_of_makers(a, b); },
        [](auto const& run) { return detail::maker_of(run); },
        [&](compared const& in, maker_change const& row) {
            return untold[in.later ? 1 : 0].of(row.state);
        },
        found.makers, found.doubtful.makers);
}

} // namespace detail
} // namespace v0
} // namespace dmabuf
