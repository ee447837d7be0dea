// SPDX-License-Identifier: MIT
//
// Compares the buffers of two snapshots, held and unheld.
#pragma once

#include <dmabuf/comparing/compared.hpp>

namespace dmabuf {
inline namespace v0 {
namespace detail {

template<class = detail::if_called>
buffer const& buffer_at(snapshot const& now, snapshot_diff::memory::place const& at) {
    return at.held ? now.buffers[at.index] : now.unheld[at.index];
}

/// The order of two buffers: by inode, then size, then exporter, as far as both are known.
template<class = detail::if_called>
int order_of_buffers(snapshot const& before, buffer const& a, snapshot const& after,
                     buffer const& b) {
    if (a.inode != b.inode) return detail::order_of(a.inode, b.inode);
    if (a.size_known && b.size_known && a.size_bytes != b.size_bytes)
        return detail::order_of(a.size_bytes, b.size_bytes);
    auto const& old = before.exporter_of(a);
    auto const& now = after.exporter_of(b);
    return old.empty() || now.empty() ? 0 : detail::order_of(old, now);
}

template<class = detail::if_called>
void find_places(snapshot const& now, std::vector<snapshot_diff::memory::place>& places) {
    places.clear();
    for (std::uint32_t at = 0; at < now.buffers.size(); ++at)
        places.push_back({at, true});
    for (std::uint32_t at = 0; at < now.unheld.size(); ++at)
        places.push_back({at, false});
    detail::sort(places, [&](auto const& a, auto const& b) {
        auto const& one = detail::buffer_at(now, a);
        auto const& other = detail::buffer_at(now, b);
        return one.inode != other.inode ? one.inode < other.inode
                                        : one.size_bytes < other.size_bytes;
    });
}

template<class = detail::if_called>
void add_up_mapped(snapshot const& now, std::vector<std::uint64_t>& mapped) {
    mapped.assign(now.buffers.size(), 0);
    for (auto const& one : now.references)
        detail::add_capped(mapped[one.buffer], one.mapped_bytes);
}

template<class = detail::if_called>
std::uint64_t attachments_to(snapshot const& now, buffer const& one) {
    std::uint64_t times = 0;
    for (auto const& its : now.attachments_of(one))
        times += its.times;
    return times;
}

/// The count of references and the attachments of a buffer that exists.
template<class Row>
void tell_count(compared const& in, buffer const& one, Row& row) {
    auto const* const count = in.now->count_of(one);
    auto const known = [](bool is) { return detail::exact_if(is, certainty::unknown); };
    in.tell(row.references, count ? count->count : 0, known(count != nullptr));
    in.tell(row.other_references, count ? count->other_references : 0,
            known(count && count->others_known));
    in.tell(row.attachments, detail::attachments_to(*in.now, one),
            known(count && count->devices_known));
}

template<class = detail::if_called>
void tell_absent(compared const& in, buffer_change& row) {
    auto const gone = detail::exact_if(in.knows.absence, certainty::unknown);
    in.tell(row.references, 0, gone);
    in.tell(row.other_references, 0, gone);
    in.tell(row.attachments, 0, gone);
}

/// `at` is null where the buffer is not in this snapshot.
template<class = detail::if_called>
presence tell_buffer(compared const& in, snapshot_diff::memory::place const* at,
                     std::vector<std::uint64_t> const& mapped, buffer_change& row) {
    auto const& knows = in.knows;
    static constexpr buffer none;
    auto const& one = at ? detail::buffer_at(*in.now, *at) : none;
    in.tell(row.holders, one.holders, knows.seen, knows.only_mapped);
    in.tell(row.descriptors, one.descriptors, knows.seen, knows.tables);
    in.tell(row.mappings, one.mappings, knows.seen, knows.maps);
    in.tell(row.mapped_bytes, at && at->held ? mapped[at->index] : 0, knows.seen, knows.maps);
    if (!at) return tell_absent(in, row), knows.absence ? presence::absent : presence::unknown;
    detail::tell_count(in, one, row);
    return at->held ? presence::held : presence::unheld;
}

template<class = detail::if_called>
bool have_other_devices(snapshot const& before, buffer const& a, snapshot const& after,
                        buffer const& b) {
    auto const* const was = before.count_of(a);
    auto const* const is = after.count_of(b);
    if (!was || !is || !was->devices_known || !is->devices_known) return false;
    auto const old = before.attachments_of(a);
    auto const now = after.attachments_of(b);
    for (std::size_t at = 0; at < old.size() && at < now.size(); ++at)
        if (old[at].device != now[at].device || old[at].times != now[at].times) return true;
    return old.size() != now.size();
}

/// Fills in `found.buffers`, and for holders which buffers are the same.
template<class = detail::if_called>
void compare_buffers(compared const& before, compared const& after, boots of,
                     snapshot_diff& found) {
    auto& memory = found.scratch;
    detail::find_places(*before.now, memory.places[0]);
    detail::find_places(*after.now, memory.places[1]);
    memory.same.assign(before.now->buffers.size(), ~std::uint32_t{0});
    using place = snapshot_diff::memory::place;
    auto const order = [&](place const& a, place const& b) {
        int const which = detail::order_of_buffers(*before.now, detail::buffer_at(*before.now, a),
                                                   *after.now, detail::buffer_at(*after.now, b));
        return which == 0 && of == boots::different ? -1 : which;
    };
    detail::side_by_side(
        memory.places[0], memory.places[1], order, [&](place const* a, place const* b) {
            buffer_change row;
            row.what = detail::change_of(a, b);
            row.before = detail::tell_buffer(before, a, memory.mapped[0], row);
            row.after = detail::tell_buffer(after, b, memory.mapped[1], row);
            auto const& in = b ? after : before;
            auto const& which = detail::buffer_at(*in.now, b ? *b : *a);
            row.inode = which.inode;
            row.size_bytes = which.size_bytes;
            row.size_known = which.size_known;
            row.exporter = in.now->exporter_of(which);
            if (a && b) {
                row.other_devices = detail::have_other_devices(
                    *before.now, detail::buffer_at(*before.now, *a), *after.now, which);
                if (a->held && b->held) memory.same[a->index] = b->index;
            }
            detail::keep_changed(row, row.other_devices || row.before != row.after, found.buffers,
                                 found.doubtful.buffers);
        });
}

} // namespace detail
} // namespace v0
} // namespace dmabuf
