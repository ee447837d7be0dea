// SPDX-License-Identifier: MIT
//
// Compares two snapshots: processes, buffers, exporters, users and cgroups. Pure: no system call.
#pragma once

#include <dmabuf/changes.hpp>

namespace dmabuf {
inline namespace v0 {

namespace detail {

/// The certainty of a value that two sources limit.
constexpr certainty weaker(certainty a, certainty b) {
    if (a == certainty::exact || a == b) return b;
    return b == certainty::exact ? a : certainty::unknown;
}

/// "At least 0" tells nothing, and "at most 0" all.
constexpr amount amount_of(std::uint64_t value, certainty how) {
    if (value == 0 && how == certainty::at_least) how = certainty::unknown;
    if (value == 0 && how == certainty::at_most) how = certainty::exact;
    return {how == certainty::unknown ? 0 : value, how};
}

constexpr certainty exact_if(bool condition, certainty otherwise) {
    return condition ? certainty::exact : otherwise;
}

/// How well a snapshot knows amounts, by its coverage.
struct knowledge {
    certainty seen;        ///< of what all processes hold
    certainty own;         ///< of what a process holds that was seen
    certainty tables;      ///< of descriptors
    certainty maps;        ///< of mappings
    certainty only_mapped; ///< of buffers, some of which may be only mapped
    certainty sized;       ///< of bytes
    certainty shares;      ///< of pss and uss: others may share what is seen here
    certainty unheld;      ///< of the buffers that no process seen holds
    certainty exporters;   ///< of the buffers of an exporter
    certainty cgroups;     ///< of the processes in a cgroup
    bool absence;          ///< a buffer that is neither held nor unheld does not exist

    constexpr explicit knowledge(coverage const& of) {
        auto const least = certainty::at_least;
        bool const failed =
            of.processes_failed != 0 || of.descriptors_failed != 0 || of.undecided != 0;
        bool const all = !failed && of.proc_shows == visibility::everything &&
                         of.processes_denied == 0 && of.alone_pid == 0 &&
                         of.indistinct.kernel_major == 0;
        seen = exact_if(all, least);
        own = exact_if(!failed, least);
        tables = exact_if(of.tables_uncertain == 0, certainty::at_most);
        maps = exact_if(of.mappings_read, certainty::unknown);
        only_mapped = exact_if(of.mappings_read, least);
        sized = exact_if(of.buffers_unsized == 0, least);
        shares = exact_if(of.complete(), certainty::at_most);
        bool const whole = of.odd_rows == 0 && of.buffers_leaving == 0;
        unheld = !of.buffers_compared()
                     ? certainty::unknown
                     : weaker(exact_if(whole, least), exact_if(all, certainty::at_most));
        exporters = exact_if(of.buffers_undescribed == 0, least);
        cgroups = exact_if(of.cgroups_unknown == 0, least);
        absence = all && of.mappings_read && of.buffers_compared() && whole;
    }
};

/// One side of a comparison.
struct compared {
    snapshot const* now;
    knowledge knows;
    amount amount_change::* side; ///< where its amounts go
    bool later;

    compared(snapshot const& which, bool is_later)
        : now(&which)
        , knows(which.coverage)
        , side(is_later ? &amount_change::after : &amount_change::before)
        , later(is_later) {}

    /// Notes an amount of this side.
    template<class... More>
    constexpr void tell(amount_change& where, std::uint64_t value, certainty how,
                        More... more) const {
        ((how = weaker(how, more)), ...);
        where.*side = amount_of(value, how);
    }
    template<class Number, class... More>
    constexpr void tell(amount_change& where, known_number<Number> value, certainty how,
                        More... more) const {
        tell(where, std::uint64_t{value.value_or(0)}, value.has_value() ? how : certainty::unknown,
             more...);
    }
};

/// Walks two sorted ranges side by side. `order(a, b)` is below 0, 0 or above 0, as `a` is before,
/// with or behind `b`. `visit(a, b)` gets pointers to each element and its counterpart; null where
/// there is none.
template<class Before, class After, class Order, class Visit>
constexpr void side_by_side(Before const& before, After const& after, Order order, Visit visit) {
    std::size_t a = 0;
    std::size_t b = 0;
    while (a < before.size() || b < after.size()) {
        int const which = a == before.size()  ? 1
                          : b == after.size() ? -1
                                              : order(before[a], after[b]);
        visit(which <= 0 ? &before[a] : nullptr, which >= 0 ? &after[b] : nullptr);
        a += which <= 0 ? 1U : 0U;
        b += which >= 0 ? 1U : 0U;
    }
}

template<class Value>
constexpr int order_of(Value const& a, Value const& b) {
    return a < b ? -1 : b < a ? 1 : 0;
}

constexpr change change_of(bool was, bool is) {
    return was && is ? change::changed : is ? change::appeared : change::gone;
}

/// Keeps a row that appeared, is gone, or has an amount that changed. Counts a row that is left out
/// in doubt.
template<class Row>
constexpr void keep_changed(Row const& row, bool changed, std::vector<Row>& rows,
                            std::size_t& in_doubt) {
    bool doubtful = false;
    row.for_each_amount([&](auto const&, amount_change const& one) {
        changed = changed || one.differs();
        doubtful = doubtful || one.doubtful();
    });
    if (changed || row.what != change::changed)
        rows.push_back(row);
    else
        in_doubt += doubtful ? 1U : 0U;
}

// --- buffers ---

template<class = detail::if_called>
buffer const& buffer_at(snapshot const& now, snapshot_diff::memory::place const& at) {
    return at.held ? now.buffers[at.index] : now.unheld[at.index];
}

/// By inode, then size, then exporter, as far as both are known.
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
        mapped[one.buffer] += one.mapped_bytes;
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

// --- processes ---

template<class = detail::if_called>
bool holds(std::span<reference const> sorted, std::uint32_t buffer) {
    auto const at =
        detail::lower_bound(sorted, buffer, [](reference const& one, std::uint32_t which) {
            return one.buffer < which;
        });
    return at < sorted.size() && sorted[at].buffer == buffer;
}

/// The sums of pss and uss are of sizes; others may share what is seen here.
template<class = detail::if_called>
void tell_sums(compared const& in, std::uint64_t rss, known_number<std::uint64_t> pss,
               known_number<std::uint64_t> uss, certainty how, holding_change& row) {
    in.tell(row.rss_bytes, rss, how);
    in.tell(row.pss_bytes, pss, how, in.knows.shares);
    in.tell(row.uss_bytes, uss, how, in.knows.shares);
}

/// `who` is null where the process is no holder in this snapshot.
template<class = detail::if_called>
void tell_holder(compared const& in, holder const* who, holder_change& row) {
    static constexpr holder none;
    auto const& one = who ? *who : none;
    auto const& knows = in.knows;
    auto const own =
        who ? detail::weaker(knows.own, detail::exact_if(!who->partly_seen, certainty::at_least))
            : knows.seen;
    std::uint64_t descriptors = 0;
    std::uint64_t mappings = 0;
    for (auto const& its : in.now->references_of(one)) {
        descriptors += its.descriptors;
        mappings += its.mappings;
    }
    in.tell(row.buffers, one.reference_count, own, knows.only_mapped);
    in.tell(row.descriptors, descriptors, own, knows.tables);
    in.tell(row.mappings, mappings, own, knows.maps);
    in.tell(row.mapped_bytes, one.mapped_bytes, own, knows.maps);
    auto const sized = detail::exact_if(one.unsized_buffers == 0, certainty::at_least);
    detail::tell_sums(in, one.rss_bytes, one.pss_bytes, one.uss_bytes,
                      detail::weaker(detail::weaker(own, knows.only_mapped), sized), row);
}

/// Counts the buffers that only one of both holders holds.
template<class = detail::if_called>
void count_exchanged(compared const& before, holder const* a, compared const& after,
                     holder const* b, std::vector<std::uint32_t> const& same, holder_change& row) {
    std::size_t kept = 0;
    if (a && b)
        for (auto const& one : before.now->references_of(*a))
            kept += detail::holds(after.now->references_of(*b), same[one.buffer]) ? 1U : 0U;
    row.buffers_lost = (a ? a->reference_count : 0) - kept;
    row.buffers_gained = (b ? b->reference_count : 0) - kept;
}

template<class = detail::if_called>
void compare_holders(compared const& before, compared const& after, boots of,
                     snapshot_diff& found) {
    auto const order = [&](holder const& a, holder const& b) {
        if (a.pid != b.pid) return detail::order_of(a.pid, b.pid);
        int const which = detail::order_of(a.start_ticks, b.start_ticks);
        return which == 0 && of == boots::different ? -1 : which;
    };
    detail::side_by_side(
        before.now->holders, after.now->holders, order, [&](holder const* a, holder const* b) {
            holder_change row;
            row.what = detail::change_of(a, b);
            detail::tell_holder(before, a, row);
            detail::tell_holder(after, b, row);
            auto const& who = b ? *b : *a;
            row.pid = who.pid;
            row.uid = who.uid;
            row.start_ticks = who.start_ticks;
            row.comm = who.comm;
            detail::count_exchanged(before, a, after, b, found.scratch.same, row);
            bool const exchanged = row.buffers_gained != 0 || row.buffers_lost != 0;
            detail::keep_changed(row, exchanged, found.holders, found.doubtful.holders);
        });
}

// --- users and cgroups ---

/// `total` is null where the group holds nothing in this snapshot. `members` tells whether all
/// processes that were seen are in their groups.
template<class = detail::if_called>
void tell_group(compared const& in, group_total const* total, certainty members,
                group_change& row) {
    static constexpr group_total none;
    auto const& sum = total ? *total : none;
    auto const& knows = in.knows;
    auto const how = detail::weaker(knows.seen, members);
    auto const buffers = detail::weaker(how, knows.only_mapped);
    in.tell(row.processes, sum.holders, buffers);
    in.tell(row.buffers, sum.buffers, buffers);
    in.tell(row.descriptors, sum.descriptors, how, knows.tables);
    in.tell(row.mappings, sum.mappings, how, knows.maps);
    in.tell(row.mapped_bytes, sum.mapped_bytes, how, knows.maps);
    detail::tell_sums(in, sum.rss_bytes, sum.pss_bytes, sum.uss_bytes,
                      detail::weaker(buffers, knows.sized), row);
}

/// Compares the totals in `found.scratch.sums`, which are in ascending order of group.
/// `number_of(later, group)` is what the row has of a group.
template<class NumberOf>
void compare_groups(compared const& before, certainty old_members, compared const& after,
                    certainty members, snapshot_diff& found, std::vector<group_change>& rows,
                    std::size_t& in_doubt, NumberOf number_of) {
    auto const order = [](group_total const& a, group_total const& b) {
        return detail::order_of(a.group, b.group);
    };
    auto const& sums = found.scratch.sums;
    detail::side_by_side(sums[0].totals, sums[1].totals, order,
                         [&](group_total const* a, group_total const* b) {
                             group_change row;
                             row.what = detail::change_of(a, b);
                             if (a) row.before = number_of(false, a->group);
                             if (b) row.after = number_of(true, b->group);
                             detail::tell_group(before, a, old_members, row);
                             detail::tell_group(after, b, members, row);
                             detail::keep_changed(row, false, rows, in_doubt);
                         });
}

template<class = detail::if_called>
void compare_users(compared const& before, compared const& after, snapshot_diff& found) {
    auto const uid = [](holder const& who) { return who.uid; };
    detail::add_up_groups(*before.now, uid, found.scratch.sums[0]);
    detail::add_up_groups(*after.now, uid, found.scratch.sums[1]);
    detail::compare_groups(before, certainty::exact, after, certainty::exact, found, found.users,
                           found.doubtful.users, [](bool, std::uint32_t group) { return group; });
}

/// Gives the cgroups of both snapshots numbers in the order of their paths.
template<class = detail::if_called>
void number_cgroups(compared const& before, compared const& after, snapshot_diff& found) {
    auto& memory = found.scratch;
    memory.paths.clear();
    for (auto const* in : {&before, &after}) {
        memory.numbers[in->later ? 1 : 0].assign(in->now->cgroups.size(), 0);
        for (std::uint32_t at = 0; at < in->now->cgroups.size(); ++at)
            memory.paths.push_back({in->now->cgroup_name(at), at, in->later});
    }
    detail::sort(memory.paths, [](auto const& a, auto const& b) { return a.text < b.text; });
    memory.first[0].clear();
    memory.first[1].clear();
    for (std::size_t at = 0; at < memory.paths.size(); ++at) {
        auto const& one = memory.paths[at];
        if (at == 0 || memory.paths[at - 1].text != one.text)
            for (auto& first : memory.first)
                first.push_back(no_cgroup);
        auto const side = one.later ? 1U : 0U;
        memory.numbers[side][one.index] = detail::in_32_bits(memory.first[0].size() - 1);
        memory.first[side].back() = one.index;
    }
}

template<class = detail::if_called>
void compare_cgroups(compared const& before, compared const& after, snapshot_diff& found) {
    auto const told = [](snapshot const& now) {
        return now.holders.empty() || !now.cgroups.empty() || now.coverage.cgroups_unknown != 0;
    };
    found.cgroups_known = told(*before.now) && told(*after.now);
    if (!found.cgroups_known) return;
    detail::number_cgroups(before, after, found);
    auto& memory = found.scratch;
    for (auto const* in : {&before, &after}) {
        auto const& numbers = memory.numbers[in->later ? 1 : 0];
        auto const number = [&](holder const& who) {
            return who.cgroup < numbers.size() ? numbers[who.cgroup] : no_cgroup;
        };
        detail::add_up_groups(*in->now, number, memory.sums[in->later ? 1 : 0]);
    }
    detail::compare_groups(before, before.knows.cgroups, after, after.knows.cgroups, found,
                           found.cgroups, found.doubtful.cgroups,
                           [&](bool later, std::uint32_t group) {
                               auto const& first = memory.first[later ? 1 : 0];
                               return group < first.size() ? first[group] : no_cgroup;
                           });
}

// --- exporters ---

/// The buffers of one exporter in one snapshot.
struct exporter_sum {
    std::uint64_t buffers = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t descriptors = 0;
    std::uint64_t mappings = 0;
    std::uint64_t mapped_bytes = 0;
    std::uint64_t unheld_buffers = 0;
    std::uint64_t unheld_bytes = 0;
    std::uint64_t unsized_buffers = 0;
    /// A sum of what is known of some buffers, and unknown of others.
    struct partial {
        std::uint64_t sum = 0;
        std::uint64_t known = 0;
    };
    partial references;
    partial other_references;
    partial attachments;
};

template<class = detail::if_called>
void add_counts(snapshot const& now, buffer const& one, exporter_sum& sum) {
    auto const* const count = now.count_of(one);
    if (!count) return;
    auto const add = [](exporter_sum::partial& to, bool known, std::uint64_t value) {
        to.sum += known ? value : 0;
        to.known += known ? 1U : 0U;
    };
    add(sum.references, true, count->count);
    add(sum.other_references, count->others_known, count->other_references);
    add(sum.attachments, count->devices_known, detail::attachments_to(now, one));
}

template<class = detail::if_called>
void add_buffer(snapshot const& now, buffer const& one, bool held, std::uint64_t mapped,
                exporter_sum& sum) {
    ++(held ? sum.buffers : sum.unheld_buffers);
    (held ? sum.size_bytes : sum.unheld_bytes) += one.size_bytes;
    sum.unsized_buffers += one.size_known ? 0U : 1U;
    sum.descriptors += one.descriptors;
    sum.mappings += one.mappings;
    sum.mapped_bytes += mapped;
    detail::add_counts(now, one, sum);
}

template<class = detail::if_called>
void tell_exporter(compared const& in, exporter_sum const& sum, bool named, exporter_change& row) {
    auto const& knows = in.knows;
    auto const described = named ? knows.exporters : certainty::exact;
    auto const how = detail::weaker(knows.seen, described);
    auto const sized = detail::exact_if(sum.unsized_buffers == 0, certainty::at_least);
    auto const unheld = detail::weaker(knows.unheld, described);
    in.tell(row.buffers, sum.buffers, how, knows.only_mapped);
    in.tell(row.size_bytes, sum.size_bytes, how, knows.only_mapped, sized);
    in.tell(row.descriptors, sum.descriptors, how, knows.tables);
    in.tell(row.mappings, sum.mappings, how, knows.maps);
    in.tell(row.mapped_bytes, sum.mapped_bytes, how, knows.maps);
    in.tell(row.unheld_buffers, sum.unheld_buffers, unheld);
    in.tell(row.unheld_bytes, sum.unheld_bytes, unheld);
    auto const all = sum.buffers + sum.unheld_buffers;
    auto const listed = detail::weaker(how, detail::exact_if(knows.absence, certainty::at_least));
    auto const partly = [&](amount_change& where, exporter_sum::partial const& one) {
        auto const told = detail::exact_if(one.known == all, certainty::at_least);
        in.tell(where, one.sum, one.known == 0 && all != 0 ? certainty::unknown : told, listed);
    };
    partly(row.references, sum.references);
    partly(row.other_references, sum.other_references);
    partly(row.attachments, sum.attachments);
}

template<class = detail::if_called>
void find_makers(compared const& in, snapshot_diff::memory& memory) {
    for (auto const& at : memory.places[in.later ? 1 : 0]) {
        auto const& one = detail::buffer_at(*in.now, at);
        memory.exporters.push_back({&one, &in.now->exporter_of(one), at.index, at.held, in.later});
    }
}

/// Buffers of one exporter, as far as names tell. A name that was cut is that of its buffer alone.
template<class = detail::if_called>
int order_of_makers(snapshot_diff::memory::made const& a, snapshot_diff::memory::made const& b,
                    boots of) {
    int const by_name = detail::order_of(*a.exporter, *b.exporter);
    if (by_name != 0 || !a.exporter->truncated()) return by_name;
    int const by_inode = detail::order_of(a.which->inode, b.which->inode);
    if (by_inode != 0 || of == boots::same) return by_inode;
    return detail::order_of(a.later, b.later);
}

template<class = detail::if_called>
void compare_exporters(compared const& before, compared const& after, boots of,
                       snapshot_diff& found) {
    auto const told = [](snapshot const& now) {
        return !now.exporter_names.empty() || (now.buffers.empty() && now.unheld.empty());
    };
    found.exporters_known = told(*before.now) && told(*after.now);
    if (!found.exporters_known) return;
    auto& memory = found.scratch;
    memory.exporters.clear();
    detail::find_makers(before, memory);
    detail::find_makers(after, memory);
    auto const& all = memory.exporters;
    auto const order = [&](auto const& a, auto const& b) {
        return detail::order_of_makers(a, b, of);
    };
    detail::sort(memory.exporters, [&](auto const& a, auto const& b) { return order(a, b) < 0; });
    for (std::size_t at = 0; at < all.size();) {
        exporter_sum sums[2];
        std::size_t last = at;
        for (; last < all.size() && order(all[at], all[last]) == 0; ++last) {
            auto const& one = all[last];
            auto const side = one.later ? 1U : 0U;
            detail::add_buffer(one.later ? *after.now : *before.now, *one.which, one.held,
                               one.held ? memory.mapped[side][one.index] : 0, sums[side]);
        }
        exporter_change row;
        row.name = *all[at].exporter;
        row.what = detail::change_of(sums[0].buffers + sums[0].unheld_buffers != 0,
                                     sums[1].buffers + sums[1].unheld_buffers != 0);
        detail::tell_exporter(before, sums[0], !row.name.empty(), row);
        detail::tell_exporter(after, sums[1], !row.name.empty(), row);
        detail::keep_changed(row, false, found.exporters, found.doubtful.exporters);
        at = last;
    }
}

// --- all ---

template<class = detail::if_called>
void tell_totals(compared const& in, snapshot_diff& found) {
    auto const& now = *in.now;
    auto const& knows = in.knows;
    in.tell(found.held_buffers, now.buffers.size(), knows.seen, knows.only_mapped);
    in.tell(found.held_bytes, now.total_bytes, knows.seen, knows.only_mapped, knows.sized);
    in.tell(found.unheld_buffers, now.unheld.size(), knows.unheld);
    in.tell(found.unheld_bytes, now.unheld_bytes, knows.unheld);
}

} // namespace detail

/// Compares two snapshots, into `found`. An amount that one of them does not know is unknown, and
/// so is its change: what was not asked for, and what was out of sight. Buffers are told apart by
/// inode, size and exporter, which is reliable on kernels that use no inode number twice
/// (`platform::inodes_are_unique()`), processes by pid and start time. Nothing of this outlives a
/// boot: of `boots::different` no process and no buffer is the same, and only exporters, users and
/// cgroups are compared.
/// Cost: sorts of buffers, holders, references and cgroups; no allocation once `found` has grown.
template<class = detail::if_called>
void diff(snapshot const& before, snapshot const& after, snapshot_diff& found,
          boots of = boots::same) {
    detail::compared const old(before, false);
    detail::compared const now(after, true);
    found.holders.clear();
    found.buffers.clear();
    found.exporters.clear();
    found.users.clear();
    found.cgroups.clear();
    found.doubtful = {};
    for (auto const* in : {&old, &now}) {
        detail::add_up_mapped(*in->now, found.scratch.mapped[in->later ? 1 : 0]);
        detail::tell_totals(*in, found);
    }
    detail::compare_buffers(old, now, of, found);
    detail::compare_holders(old, now, of, found);
    detail::compare_exporters(old, now, of, found);
    detail::compare_users(old, now, found);
    detail::compare_cgroups(old, now, found);
}

/// Compares two snapshots; see the overload with `found`.
/// Cost: that of the overload, and the allocations of its lists.
template<class = detail::if_called>
snapshot_diff diff(snapshot const& before, snapshot const& after, boots of = boots::same) {
    snapshot_diff found;
    diff(before, after, found, of);
    return found;
}

} // namespace v0
} // namespace dmabuf
