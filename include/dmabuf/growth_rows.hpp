// SPDX-License-Identifier: MIT
//
// The buffers that explain why an amount grew: those that came, or are held more often, since an
// earlier snapshot. Pure: no system call. Opt-in, beside dmabuf/growth.hpp.
#pragma once

#include <dmabuf/growth.hpp>

#include <span>

namespace dmabuf {
inline namespace v0 {

/// A buffer by which an amount rose.
struct growth_row {
    std::int32_t pid = 0; ///< of the process that holds it; 0: of an exporter's or unheld buffers
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    exporter_name exporter; ///< raw bytes: print `escaped(exporter)`. Empty: not known
    std::uint64_t rise = 0; ///< in the unit of the amount
};

/// All buffers by which an amount rose.
struct growth_explanation {
    std::uint64_t since_ns = 0; ///< the time of the snapshot that was compared
    std::size_t buffers = 0;    ///< that came, or are held more often
    std::uint64_t rise = 0;     ///< of all of them
    std::size_t rows = 0;       ///< of these that were told
};

/// Keeps what two earlier snapshots held, one of them at least a minute old once the watch has run
/// that long, and holds later ones against it.
template<class = detail::if_called>
class basic_growth_rows {
public:
    /// `age_ns`: from one kept snapshot to the next. A trend takes 48 looks to tell growth.
    explicit basic_growth_rows(std::uint64_t age_ns = 60'000'000'000)
        : age_ns_(age_ns) {}

    /// Takes note of a snapshot, if the last one that it took is old enough. Give it each that
    /// `growth_watch::feed()` gets, after that. An incomplete one is passed over.
    /// Cost: once a minute a copy of the references, 32 bytes each, and of the buffers, 16 bytes.
    void keep(snapshot const& now, std::uint64_t time_ns) {
        bool const first = newer_.time_ns == 0;
        bool const back = time_ns < newer_.time_ns;
        if (!first && !back && time_ns - newer_.time_ns < age_ns_) return;
        if (!now.coverage.found_all_held()) return;
        std::swap(older_, newer_);
        note(now, time_ns, newer_);
        if (first || back) older_ = newer_;
    }
    /// The same, at the time in the middle of the sample.
    void keep(snapshot const& now) { keep(now, detail::middle_of(now)); }

    /// The buffers by which an amount rose since the newest kept snapshot that is older than its
    /// growth, or since the oldest kept. The largest rises come first, as many as `rows` has room
    /// for. What a caller told of itself is explained by nothing.
    /// Cost: a search for each reference, or buffer, of the subject.
    growth_explanation explain(growth_series const& which, snapshot const& now,
                               std::span<growth_row> rows) const {
        auto const& before = newer_.time_ns <= which.so_far.since_ns() ? newer_ : older_;
        growth_explanation found;
        found.since_ns = before.time_ns;
        auto const add = [&](growth_row const& one) { add_row(one, rows, found); };
        auto const kind = which.of.kind;
        if (kind == subject_kind::process || kind == subject_kind::process_buffer ||
            kind == subject_kind::cgroup)
            explain_holders(which, now, before, add);
        if (kind == subject_kind::exporter)
            explain_new(which, now, now.buffers, before.buffers, is_made_by(which, now), add);
        if (kind == subject_kind::unheld)
            explain_new(which, now, now.unheld, before.unheld, is_made_by(which, now), add);
        if (kind == subject_kind::maker)
            for (auto const* all : {&now.buffers, &now.unheld})
                explain_new(which, now, *all, before.all, has_maker(which, now), add);
        if (kind == subject_kind::buffer) explain_buffer(which, now, add);
        return found;
    }

private:
    struct held {
        std::int32_t pid;
        std::uint64_t inode;
        std::uint64_t start_ticks;
        std::uint32_t descriptors;
        std::uint32_t mappings;
    };

    struct kept {
        std::uint64_t time_ns = 0;
        std::vector<held> references;       ///< in ascending order of pid, then of inode
        std::vector<std::uint64_t> buffers; ///< their inodes, in ascending order
        std::vector<std::uint64_t> unheld;
        std::vector<std::uint64_t> all; ///< both
    };

    static void note(snapshot const& now, std::uint64_t time_ns, kept& into) {
        into.time_ns = time_ns;
        into.references.clear();
        for (auto const& who : now.holders)
            for (auto const& its : now.references_of(who))
                into.references.push_back({who.pid, now.buffers[its.buffer].inode, who.start_ticks,
                                           its.descriptors, its.mappings});
        into.buffers.clear();
        into.unheld.clear();
        into.all.clear();
        detail::for_each_buffer(now, [&](buffer const& one, bool held) {
            (held ? into.buffers : into.unheld).push_back(one.inode);
            into.all.push_back(one.inode);
        });
        for (auto* const inodes : {&into.buffers, &into.unheld, &into.all})
            detail::sort(*inodes);
    }

    static bool is_subject(growth_series const& which, snapshot const& now, holder const& who) {
        if (which.of.kind != subject_kind::cgroup)
            return who.pid == which.of.pid && who.start_ticks == which.of.start_ticks;
        auto const path = now.cgroup_name(who.cgroup);
        return detail::hash_of(path) == which.name_hash;
    }

    template<class Add>
    static void explain_holders(growth_series const& which, snapshot const& now, kept const& before,
                                Add add) {
        for (auto const& who : now.holders) {
            if (!is_subject(which, now, who)) continue;
            for (auto const& its : now.references_of(who)) {
                auto const& one = now.buffers[its.buffer];
                if (which.of.inode != 0 && which.of.inode != one.inode) continue;
                auto const was = find(before, who, one.inode);
                add({who.pid, one.inode, one.size_bytes, now.exporter_of(one),
                     rise_of(which.what, one, its, was)});
            }
        }
    }

    /// The reference as it was; without references where there was none.
    static held find(kept const& before, holder const& who, std::uint64_t inode) {
        auto const& all = before.references;
        auto const at = detail::lower_bound(all, inode, [&](held const& one, std::uint64_t number) {
            return one.pid != who.pid ? one.pid < who.pid : one.inode < number;
        });
        bool const same = at < all.size() && all[at].pid == who.pid && all[at].inode == inode &&
                          all[at].start_ticks == who.start_ticks;
        return same ? all[at] : held{};
    }

    static std::uint64_t rise_of(measure what, buffer const& one, reference const& now,
                                 held const& was) {
        if (what == measure::descriptors)
            return now.descriptors > was.descriptors ? now.descriptors - was.descriptors : 0;
        if (what == measure::mappings)
            return now.mappings > was.mappings ? now.mappings - was.mappings : 0;
        if (was.pid != 0) return 0;
        return what == measure::bytes ? one.size_bytes : 1;
    }

    /// By its exporter; all for the sum of unheld buffers.
    static auto is_made_by(growth_series const& which, snapshot const& now) {
        return [&](buffer const& one) {
            return which.of.name.empty() || now.exporter_of(one).view() == which.of.name.view();
        };
    }
    static auto has_maker(growth_series const& which, snapshot const& now) {
        return [&](buffer const& one) {
            auto const* const told = now.origin_of(one);
            if (!told || told->state != origin_state::made_by) return false;
            auto const of = detail::subject_of(told->maker);
            if (of.pid != which.of.pid || of.start_ticks != which.of.start_ticks) return false;
            return of.pid != 0 || told->maker.comm.view() == which.of.name.view();
        };
    }

    template<class IsOf, class Add>
    static void explain_new(growth_series const& which, snapshot const& now,
                            std::vector<buffer> const& all,
                            std::vector<std::uint64_t> const& before, IsOf is_of, Add add) {
        for (auto const& one : all) {
            if (!is_of(one) || detail::contains_sorted(before, one.inode)) continue;
            add({0, one.inode, one.size_bytes, now.exporter_of(one),
                 which.what == measure::bytes ? one.size_bytes : 1});
        }
    }

    template<class Add>
    static void explain_buffer(growth_series const& which, snapshot const& now, Add add) {
        for (auto const* all : {&now.buffers, &now.unheld})
            for (auto const& one : *all)
                if (one.inode == which.of.inode)
                    add({0, one.inode, one.size_bytes, now.exporter_of(one),
                         which.so_far.value() - which.so_far.since_value()});
    }

    /// Puts a row at its place among the largest, where it rose.
    static void add_row(growth_row const& one, std::span<growth_row> rows,
                        growth_explanation& found) {
        if (one.rise == 0) return;
        ++found.buffers;
        found.rise += one.rise;
        auto at = found.rows;
        if (at < rows.size())
            ++found.rows;
        else if (at == 0 || rows[--at].rise >= one.rise)
            return;
        for (; at > 0 && rows[at - 1].rise < one.rise; --at)
            rows[at] = rows[at - 1];
        rows[at] = one;
    }

    std::uint64_t age_ns_;
    kept older_;
    kept newer_;
};

/// The rows of a program.
using growth_rows = basic_growth_rows<>;

} // namespace v0
} // namespace dmabuf
