// SPDX-License-Identifier: MIT
//
// The buffers of a snapshot by maker and by attached device. Pure: no system call.
#pragma once

#include <dmabuf/detail/sort.hpp>
#include <dmabuf/snapshot.hpp>

namespace dmabuf {
inline namespace v0 {

/// The buffers of one maker, added up: of those held, and of those that no process holds.
struct maker_total {
    /// Below `made_by` this total is of one process, else of all buffers in that state.
    origin_state state = origin_state::not_watched;
    actor maker; ///< the names are those of its newest buffer
    std::uint32_t buffers = 0;
    std::uint64_t size_bytes = 0;
    std::uint32_t unheld_buffers = 0; ///< of these, the buffers that no process holds
    std::uint64_t unheld_bytes = 0;
    std::uint32_t unsized_buffers = 0; ///< of unknown size, and so in neither sum
    std::uint64_t oldest_ns = 0;       ///< boot time at which the oldest was made
    std::uint64_t newest_ns = 0;
};

/// The buffers with one device, added up. A buffer with two devices is in two totals.
struct device_total {
    device_name device; ///< empty: no device is known to be attached
    std::uint32_t buffers = 0;
    std::uint64_t size_bytes = 0;
    std::uint32_t unheld_buffers = 0;
    std::uint64_t unheld_bytes = 0;
    std::uint32_t unsized_buffers = 0; ///< of unknown size, and so in neither sum
};

namespace detail {

/// Puts the elements that belong together side by side by `before`, and adds each run up by
/// `add(sum, more)`.
template<class Totals, class Before, class Add>
void add_up_runs(Totals& all, Before before, Add add) {
    detail::sort(all, before);
    std::size_t kept = 0;
    for (auto const& one : all)
        if (kept != 0 && !before(all[kept - 1], one))
            add(all[kept - 1], one);
        else
            all[kept++] = one;
    all.resize(kept);
}

template<class Total>
Total total_of(buffer const& one, bool held) {
    Total total;
    total.buffers = 1;
    total.size_bytes = one.size_bytes;
    total.unheld_buffers = held ? 0 : 1;
    total.unheld_bytes = held ? 0 : one.size_bytes;
    total.unsized_buffers = one.size_known ? 0 : 1;
    return total;
}

constexpr void add_sizes(auto& sum, auto const& more) {
    sum.buffers += more.buffers;
    sum.size_bytes += more.size_bytes;
    sum.unheld_buffers += more.unheld_buffers;
    sum.unheld_bytes += more.unheld_bytes;
    sum.unsized_buffers += more.unsized_buffers;
}

/// `take(buffer, held)` takes each of `buffers` and `unheld`.
template<class Take>
void for_each_buffer(snapshot const& now, Take take) {
    for (auto const& one : now.buffers)
        take(one, true);
    for (auto const& one : now.unheld)
        take(one, false);
}

/// `take(device)` takes each device that is known to be attached, perhaps more than once.
template<class Take>
void for_each_device(snapshot const& now, buffer const& one, Take take) {
    for (auto const& attached : now.attachments_of(one))
        take(attached.device);
    for (auto const& attached : now.watched_attachments_of(one))
        if (attached.named) take(attached.device);
}

} // namespace detail

/// The buffers of `now`, held or not, by maker, most bytes first. Each process is a maker of its
/// own, though its number was used before; buffers without a known maker are added up by
/// `origin_state`. Buffers whose origin was not asked for count as not watched.
/// Cost: one sort of the buffers; the allocations of a vector that grows to one total per buffer.
template<class = detail::if_called>
std::vector<maker_total> by_maker(snapshot const& now) {
    std::vector<maker_total> totals;
    detail::for_each_buffer(now, [&](buffer const& one, bool held) {
        auto total = detail::total_of<maker_total>(one, held);
        if (auto const* const told = now.origin_of(one)) {
            total.state = told->state;
            total.maker = told->maker;
            total.oldest_ns = total.newest_ns = told->made_ns;
        }
        totals.push_back(total);
    });
    detail::add_up_runs(
        totals,
        [](maker_total const& a, maker_total const& b) {
            if (a.state != b.state) return a.state < b.state;
            if (a.maker.pid != b.maker.pid) return a.maker.pid < b.maker.pid;
            return a.maker.start_ns < b.maker.start_ns;
        },
        [](maker_total& sum, maker_total const& more) {
            detail::add_sizes(sum, more);
            if (more.newest_ns > sum.newest_ns) {
                sum.newest_ns = more.newest_ns;
                sum.maker = more.maker;
            }
            if (more.oldest_ns < sum.oldest_ns) sum.oldest_ns = more.oldest_ns;
        });
    detail::sort(totals, [](maker_total const& a, maker_total const& b) {
        if (a.size_bytes != b.size_bytes) return a.size_bytes > b.size_bytes;
        return a.state != b.state ? a.state < b.state : a.maker.pid < b.maker.pid;
    });
    return totals;
}

/// The buffers of `now`, held or not, by attached device, most bytes first: as the watch tells
/// them, and `snapshot::attachments`.
/// Cost: two sorts of the attachments; the allocations of two vectors that grow to one total per
/// attachment, and per buffer without one.
template<class = detail::if_called>
std::vector<device_total> by_device(snapshot const& now) {
    struct attached {
        device_total total;
        std::uint32_t buffer;
    };
    std::vector<attached> all;
    std::uint32_t buffer = 0;
    detail::for_each_buffer(now, [&](dmabuf::buffer const& one, bool held) {
        attached added{detail::total_of<device_total>(one, held), buffer++};
        auto const before = all.size();
        detail::for_each_device(now, one, [&](device_name const& device) {
            added.total.device = device;
            all.push_back(added);
        });
        if (all.size() == before) all.push_back(added);
    });
    detail::sort(all, [](attached const& a, attached const& b) {
        auto const order = a.total.device <=> b.total.device;
        return order != 0 ? order < 0 : a.buffer < b.buffer;
    });
    std::vector<device_total> totals;
    for (std::size_t at = 0; at < all.size(); ++at) {
        bool const same_device = at != 0 && all[at].total.device == all[at - 1].total.device;
        if (!same_device)
            totals.push_back(all[at].total);
        else if (all[at].buffer != all[at - 1].buffer)
            detail::add_sizes(totals.back(), all[at].total);
    }
    detail::sort(totals, [](device_total const& a, device_total const& b) {
        return a.size_bytes != b.size_bytes ? a.size_bytes > b.size_bytes
                                            : (a.device <=> b.device) < 0;
    });
    return totals;
}

} // namespace v0
} // namespace dmabuf
