// SPDX-License-Identifier: MIT
//
// The amounts that a snapshot tells of each subject. Pure: no system call.
#pragma once

#include <dmabuf/comparing/compared.hpp>
#include <dmabuf/growing/series.hpp>
#include <dmabuf/origins.hpp>

#include <initializer_list>

namespace dmabuf {
inline namespace v0 {

namespace detail {

inline constexpr std::size_t longest_subject_name = 255;

constexpr bool is_exact(certainty how) {
    return how == certainty::exact;
}

/// The amounts that one look tells, as far as it knows them exactly; of makers, with the bound of
/// what may be missing. Reused, it keeps its memory.
template<class = detail::if_called>
class basic_told_amounts {
public:
    void reserve(capacity const& most) {
        all_.reserve(most_told(most));
        if (most.origins != 0) made_.reserve(most.origins);
        groups_.reserve(most);
    }
    static constexpr std::size_t most_told(capacity const& most) {
        return 4 * (2 * most.holders + most.exporters + 1) + 8 * most.buffers +
               2 * most.per_process;
    }

    void clear() {
        all_.clear();
        for (auto& of_kind : all_told_)
            for (auto& one : of_kind)
                one = false;
        for (auto& one : missing_of_makers_)
            one = 0;
        only_pid_ = 0;
    }

    /// Adds those of a snapshot, with each buffer of the process `buffers_of`. Tells whether it
    /// knows all of them.
    bool add(snapshot const& now, std::int32_t buffers_of) {
        detail::knowledge const knows(now.coverage);
        only_pid_ = now.coverage.alone_pid;
        buffers_of_ = buffers_of;
        add_processes(now, knows);
        add_makers(now, knows);
        add_cgroups(now, knows);
        add_unheld(now, knows);
        add_exporters(now, knows);
        add_counts(now, knows);
        return !is_incomplete(now.coverage, knows);
    }

    void tell(growth_subject const& of, std::string_view name, measure what, std::uint64_t value) {
        detail::series_key key{of.kind, of.pid, of.start_ticks, of.inode, 0, {}, what};
        if (detail::is_named(of)) {
            key.name_hash = detail::hash_of(name);
            key.name = detail::end_of(name, longest_subject_name);
        }
        all_.push_back({key, name, value});
    }

    /// Notes that all subjects of the kind were told.
    void all_told(subject_kind kind, measure what) {
        all_told_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(what)] = true;
    }
    /// Whether the subject is gone, if the look told nothing of it.
    [[nodiscard]] bool would_be_told(growth_subject const& of, measure what) const {
        bool const of_those_told = only_pid_ == 0 || of.pid == only_pid_;
        return of_those_told && are_all_told(of.kind, what);
    }

    /// The most that the look may have missed of an amount that it told.
    [[nodiscard]] std::uint64_t missing_of(series_key const& key) const {
        return key.kind == subject_kind::maker
                   ? missing_of_makers_[static_cast<std::size_t>(key.what)]
                   : 0;
    }

    /// Puts the amounts in order. Those of one series are one. A snapshot tells kind after kind,
    /// and most of them in order.
    void combine() {
        bool kinds_in_order = true;
        std::size_t kept = 0;
        for (std::size_t at = 0; at < all_.size();) {
            auto const first = at;
            auto const kind = all_[first].key.kind;
            kinds_in_order = kinds_in_order && (kept == 0 || all_[kept - 1].key.kind < kind);
            while (at < all_.size() && all_[at].key.kind == kind)
                ++at;
            kept = combine(first, at, kept);
        }
        all_.resize(kept);
        if (!kinds_in_order) all_.resize(combine(0, kept, 0));
    }

    /// In the order of their keys, once they are combined.
    [[nodiscard]] std::vector<told_amount> const& all() const { return all_; }

private:
    [[nodiscard]] bool are_all_told(subject_kind kind, measure what) const {
        return all_told_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(what)];
    }

    /// Puts those from `first` to `last` in order, at `to`. Returns the place behind them.
    std::size_t combine(std::size_t first, std::size_t last, std::size_t to) {
        auto const [end, in_order] = add_up(first, last, to);
        if (in_order) return end;
        detail::sort(std::span(all_).subspan(to, end - to),
                     [](auto const& a, auto const& b) { return (a.key <=> b.key) < 0; });
        return add_up(to, end, to).end;
    }

    struct added_up {
        std::size_t end;
        bool in_order;
    };
    /// Moves those from `first` to `last` to `to`, and adds up those of one series that stand side
    /// by side.
    added_up add_up(std::size_t first, std::size_t last, std::size_t to) {
        added_up done{to, true};
        for (; first < last; ++first) {
            auto const& one = all_[first];
            auto const order =
                done.end == to ? std::strong_ordering::less : all_[done.end - 1].key <=> one.key;
            done.in_order = done.in_order && order <= 0;
            if (order == 0)
                all_[done.end - 1].value += one.value;
            else if (auto const place = done.end++; place != first)
                all_[place] = one;
        }
        return done;
    }

    /// Tells the amounts of a subject. The measures are told as far as `exact` says of each. Of a
    /// measure that is told of all, nothing is as good as 0.
    struct amounts {
        measure what;
        bool exact;
        std::uint64_t value;
    };
    void tell_each(growth_subject const& of, std::string_view name,
                   std::initializer_list<amounts> all) {
        for (auto const& one : all)
            if (one.exact && (one.value != 0 || !are_all_told(of.kind, one.what)))
                tell(of, name, one.what, one.value);
    }

    void add_processes(snapshot const& now, detail::knowledge const& knows) {
        if (!detail::is_exact(knows.own) || now.coverage.indistinct.kernel_major != 0) return;
        bool const buffers = detail::is_exact(knows.only_mapped);
        bool const tables = detail::is_exact(knows.tables);
        bool const maps = detail::is_exact(knows.maps);
        bool const alone = now.coverage.alone_pid != 0 && now.coverage.processes_denied == 0;
        if (detail::is_exact(knows.seen) || alone)
            for (auto const kind : {subject_kind::process, subject_kind::process_buffer}) {
                if (buffers && detail::is_exact(knows.sized)) all_told(kind, measure::bytes);
                if (buffers) all_told(kind, measure::buffers);
                if (tables) all_told(kind, measure::descriptors);
                if (maps) all_told(kind, measure::mappings);
            }
        for (auto const& who : now.holders) {
            if (who.partly_seen) continue;
            std::uint64_t descriptors = 0;
            std::uint64_t mappings = 0;
            for (auto const& its : now.references_of(who)) {
                descriptors += its.descriptors;
                mappings += its.mappings;
            }
            tell_each({subject_kind::process, who.pid, who.start_ticks, 0, {}}, who.comm.view(),
                      {{measure::bytes, buffers && who.unsized_buffers == 0, who.rss_bytes},
                       {measure::buffers, buffers, who.reference_count},
                       {measure::descriptors, tables, descriptors},
                       {measure::mappings, maps, mappings}});
            if (who.pid == now.coverage.alone_pid || who.pid == buffers_of_)
                add_buffers_of(now, who, tables, maps);
        }
    }

    void add_buffers_of(snapshot const& now, holder const& who, bool tables, bool maps) {
        for (auto const& its : now.references_of(who))
            tell_each({subject_kind::process_buffer,
                       who.pid,
                       who.start_ticks,
                       now.buffers[its.buffer].inode,
                       {}},
                      who.comm.view(),
                      {{measure::descriptors, tables, its.descriptors},
                       {measure::mappings, maps, its.mappings}});
    }

    /// Makers are told of held buffers alone unless something lists the others. A buffer of
    /// uncertain origin may be any maker's, and so may one that a process closed during the look:
    /// each sum may lack them all.
    /// Makers are put in order first, in which the buffers are not: so much less is to be moved
    /// than by `combine()`.
    void add_makers(snapshot const& now, detail::knowledge const& knows) {
        bool const held = detail::is_exact(detail::weaker(knows.seen, knows.only_mapped));
        if (!now.watch.origins_read || !held || now.coverage.odd_rows != 0) return;
        bool sized = now.coverage.buffers_leaving == 0;
        std::uint64_t missing_buffers = now.coverage.buffers_leaving;
        std::uint64_t missing_bytes = 0;
        made_.clear();
        detail::for_each_buffer(now, [&](buffer const& one, bool) {
            sized = sized && one.size_known;
            auto const* const told = now.origin_of(one);
            if (!told) return;
            if (told->state == origin_state::made_by)
                made_.push_back({told->maker.pid, detail::in_32_bits(made_.size()),
                                 told->maker.start_ns, one.size_bytes, &told->maker});
            if (told->state != origin_state::uncertain) return;
            ++missing_buffers;
            missing_bytes += one.size_bytes;
        });
        detail::sort(made_, [](made const& a, made const& b) {
            if (a.pid != b.pid) return a.pid < b.pid;
            return a.start_ns != b.start_ns ? a.start_ns < b.start_ns : a.turn < b.turn;
        });
        for (auto const& one : made_)
            tell_each(detail::subject_of(*one.maker), one.maker->comm.view(),
                      {{measure::bytes, sized, one.bytes}, {measure::buffers, true, 1}});
        if (sized) told_but_for(measure::bytes, missing_bytes);
        told_but_for(measure::buffers, missing_buffers);
    }

    /// Notes that each maker may have so much more. One that was not told is gone only if nothing
    /// is missing.
    void told_but_for(measure what, std::uint64_t missing) {
        missing_of_makers_[static_cast<std::size_t>(what)] = missing;
        if (missing == 0) all_told(subject_kind::maker, what);
    }

    void add_cgroups(snapshot const& now, detail::knowledge const& knows) {
        bool const asked = !now.cgroups.empty() || now.holders.empty();
        if (!asked || !detail::is_exact(knows.seen) || !detail::is_exact(knows.cgroups)) return;
        bool const buffers = detail::is_exact(knows.only_mapped);
        bool const sized = buffers && detail::is_exact(knows.sized);
        bool const tables = detail::is_exact(knows.tables);
        bool const maps = detail::is_exact(knows.maps);
        detail::add_up_groups(now, [](holder const& who) { return who.cgroup; }, groups_);
        for (auto const& one : groups_.totals)
            tell_each({subject_kind::cgroup, 0, 0, 0, {}}, now.cgroup_name(one.group),
                      {{measure::bytes, sized, one.rss_bytes},
                       {measure::buffers, buffers, one.buffers},
                       {measure::descriptors, tables, one.descriptors},
                       {measure::mappings, maps, one.mappings}});
        if (sized) all_told(subject_kind::cgroup, measure::bytes);
        if (buffers) all_told(subject_kind::cgroup, measure::buffers);
        if (tables) all_told(subject_kind::cgroup, measure::descriptors);
        if (maps) all_told(subject_kind::cgroup, measure::mappings);
    }

    void add_exporters(snapshot const& now, detail::knowledge const& knows) {
        bool const asked = !now.exporter_names.empty() || now.buffers.empty();
        auto const how =
            detail::weaker(detail::weaker(knows.seen, knows.only_mapped), knows.exporters);
        if (!asked || !detail::is_exact(how)) return;
        bool const sized = detail::is_exact(knows.sized);
        for (auto const& one : now.exporters)
            tell_each(
                {subject_kind::exporter, 0, 0, 0, {}}, one.name.view(),
                {{measure::bytes, sized, one.size_bytes}, {measure::buffers, true, one.buffers}});
        if (sized) all_told(subject_kind::exporter, measure::bytes);
        all_told(subject_kind::exporter, measure::buffers);
    }

    void add_unheld(snapshot const& now, detail::knowledge const& knows) {
        if (!detail::is_exact(knows.unheld)) return;
        bool sized = true;
        for (auto const& one : now.unheld)
            sized = sized && one.size_known;
        growth_subject const unheld{subject_kind::unheld, 0, 0, 0, {}};
        for (auto const& one : now.unheld) {
            tell_each(unheld, {},
                      {{measure::bytes, sized, one.size_bytes}, {measure::buffers, true, 1}});
            if (auto const& made_by = now.exporter_of(one); !made_by.empty())
                tell_each(unheld, made_by.view(),
                          {{measure::bytes, sized, one.size_bytes}, {measure::buffers, true, 1}});
        }
        if (sized) all_told(subject_kind::unheld, measure::bytes);
        all_told(subject_kind::unheld, measure::buffers);
    }

    void add_counts(snapshot const& now, detail::knowledge const& knows) {
        std::size_t others_told = 0;
        std::size_t devices_told = 0;
        for (auto const& one : now.counts) {
            others_told += one.others_known ? 1U : 0U;
            devices_told += one.devices_known ? 1U : 0U;
        }
        auto const all = now.buffers.size() + now.unheld.size();
        if (knows.absence && others_told == all)
            all_told(subject_kind::buffer, measure::other_references);
        if (knows.absence && devices_told == all)
            all_told(subject_kind::buffer, measure::attachments);
        std::size_t device = 0;
        for (auto const& one : now.counts) {
            std::uint64_t attached = 0;
            while (device < now.attachments.size() && now.attachments[device].inode < one.inode)
                ++device;
            for (; device < now.attachments.size() && now.attachments[device].inode == one.inode;
                 ++device)
                attached += now.attachments[device].times;
            tell_each({subject_kind::buffer, 0, 0, one.inode, {}}, {},
                      {{measure::other_references, one.others_known, one.other_references},
                       {measure::attachments, one.devices_known, attached}});
        }
        if (devices_told == 0) add_watched_attachments(now);
    }

    /// Those before the watch are missing in each look alike. One whose end was lost would stay.
    void add_watched_attachments(snapshot const& now) {
        if (!now.watch.attachments_read || now.watch.attachments_lost != 0) return;
        for (auto const& one : now.watched_attachments)
            tell({subject_kind::buffer, 0, 0, one.inode, {}}, {}, measure::attachments, 1);
        all_told(subject_kind::buffer, measure::attachments);
    }

    static bool is_incomplete(coverage const& of, detail::knowledge const& knows) {
        bool const listed = !of.buffers_compared() || detail::is_exact(knows.unheld);
        return !of.found_all_held() || !detail::is_exact(knows.tables) || !listed;
    }

    /// A buffer whose maker is known.
    struct made {
        std::int32_t pid;
        std::uint32_t turn;
        std::uint64_t start_ns;
        std::uint64_t bytes;
        actor const* maker;
    };

    std::vector<told_amount> all_;
    std::vector<made> made_;
    bool all_told_[subject_kinds][measures]{};
    std::uint64_t missing_of_makers_[measures]{};
    std::int32_t only_pid_ = 0; ///< the look tells of this process alone
    std::int32_t buffers_of_ = 0;
    group_sums groups_;
};

} // namespace detail
} // namespace v0
} // namespace dmabuf
