// SPDX-License-Identifier: MIT
//
// What grows, told by one snapshot after the other. Pure: no system call. Opt-in: dmabuf/dmabuf.hpp
// does not include it.
#pragma once

#include <dmabuf/comparing/compared.hpp>
#include <dmabuf/origins.hpp>
#include <dmabuf/trend.hpp>

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace dmabuf {
inline namespace v0 {

/// The kinds of subject whose amounts are watched, in the order in which they are told.
enum class subject_kind : std::uint8_t {
    process,        ///< by pid and start time
    process_buffer, ///< one buffer of one process: of `growth_options::buffers_of`, or where the
                    ///< snapshot is of one process alone
    maker,          ///< by pid and start time while it runs, by name all that have ended; and
                    ///< those of `growth_watch::add()`
    cgroup,         ///< by path
    unheld,         ///< buffers that no process holds: all, and by exporter
    exporter,       ///< by name: buffers that processes hold
    buffer,         ///< by inode: its references and attachments
};

/// The amounts of a subject that are watched.
enum class measure : std::uint8_t {
    bytes,            ///< of different buffers, each whole: rss
    buffers,          ///< different ones
    descriptors,      ///< a leak of descriptors of one buffer changes no other amount
    mappings,         ///< a leak of mappings of one buffer changes no other amount
    other_references, ///< that no process explains: in flight, in a ring, a driver's
    attachments,      ///< of devices
};

namespace detail {
inline constexpr text_for<subject_kind> subject_names[] = {
    {subject_kind::process, "process"}, {subject_kind::process_buffer, "process_buffer"},
    {subject_kind::maker, "maker"},     {subject_kind::cgroup, "cgroup"},
    {subject_kind::unheld, "unheld"},   {subject_kind::exporter, "exporter"},
    {subject_kind::buffer, "buffer"},
};
static_assert(are_in_order(subject_names, subject_kind::buffer));
inline constexpr std::size_t subject_kinds = std::size(subject_names);

inline constexpr text_for<measure> measure_names[] = {
    {measure::bytes, "bytes"},
    {measure::buffers, "buffers"},
    {measure::descriptors, "descriptors"},
    {measure::mappings, "mappings"},
    {measure::other_references, "other_references"},
    {measure::attachments, "attachments"},
};
static_assert(are_in_order(measure_names, measure::attachments));
inline constexpr std::size_t measures = std::size(measure_names);
} // namespace detail

/// The word for the value in reports and in JSON.
constexpr std::string_view name_of(subject_kind kind) {
    return detail::text_of(detail::subject_names, kind, "process");
}
constexpr std::string_view name_of(measure what) {
    return detail::text_of(detail::measure_names, what, "bytes");
}

/// The name of a subject. Of a longer one, as a cgroup's path may be, its end.
using subject_name = inline_text<255>;

/// Names a subject. Fields that its kind does not need are 0 or empty.
struct growth_subject {
    subject_kind kind = subject_kind::process;
    std::int32_t pid = 0;
    std::uint64_t start_ticks = 0; ///< with `pid`, names this process and no later one
    std::uint64_t inode = 0;       ///< of a buffer
    /// Raw bytes: print `escaped(name)`. Identifies a subject without pid and inode; empty for all
    /// unheld buffers together. The comm of a process, which may change.
    subject_name name;
};

/// One amount of one subject over time.
struct growth_series {
    growth_subject of;
    measure what = measure::bytes;
    trend so_far;
    std::uint64_t name_hash = 0; ///< of the whole name, be it longer than `of.name`
};

struct growth_options {
    trend_rules rules;
    /// The series that are kept, of about 1 KiB each; twice the memory where all end at once. Where
    /// there are more amounts, those that rise are kept, then processes, exporters and cgroups
    /// before single buffers, then the largest.
    std::size_t series = 2048;
    /// The process each of whose buffers is watched, on top of its sums; 0: none. Snapshots of one
    /// process alone need no such choice.
    std::int32_t buffers_of = 0;
};

/// The looks and series so far.
struct growth_counts {
    std::uint64_t looks = 0;
    std::uint64_t incomplete = 0;    ///< looks that told some amounts within bounds, or not at all.
                                     ///< Those amounts are left out, as if there had been no look
    std::uint64_t interruptions = 0; ///< looks after a gap, or by a clock that had jumped
    std::size_t series = 0;          ///< kept now
    std::size_t left_out = 0;        ///< amounts of the last look that `growth_options::series` has
                                     ///< no room for
};

enum class growth_change : std::uint8_t {
    grows,
    stopped, ///< the subject is there, and nothing rises any more
    ended,   ///< it grew, and is gone: it holds nothing, has exited, or was released
};

namespace detail {
inline constexpr text_for<growth_change> growth_change_names[] = {
    {growth_change::grows, "grows"},
    {growth_change::stopped, "stopped"},
    {growth_change::ended, "ended"},
};
static_assert(are_in_order(growth_change_names, growth_change::ended));

/// FNV-1a.
constexpr std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (char const c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

constexpr std::string_view end_of(std::string_view text, std::size_t size) {
    return text.size() > size ? text.substr(text.size() - size) : text;
}

/// What tells one series from all others, and their order.
struct series_key {
    subject_kind kind = subject_kind::process;
    std::int32_t pid = 0;
    std::uint64_t start_ticks = 0;
    std::uint64_t inode = 0;
    std::uint64_t name_hash = 0;
    std::string_view name; ///< its end, where it is long
    measure what = measure::bytes;

    friend constexpr auto operator<=>(series_key const&, series_key const&) = default;
};

/// Whether the name of a subject identifies it. The name of a process may change.
constexpr bool is_named(growth_subject const& of) {
    return of.pid == 0 && of.inode == 0;
}

constexpr series_key key_of(growth_series const& one) {
    return {one.of.kind,
            one.of.pid,
            one.of.start_ticks,
            one.of.inode,
            one.name_hash,
            detail::is_named(one.of) ? one.of.name.view() : std::string_view(),
            one.what};
}

/// The maker as a subject, but for its name. Those that have ended have no pid: many of one name
/// may leave a buffer each.
constexpr growth_subject subject_of(actor const& maker) {
    bool const ended = maker.now == process_state::ended || maker.now == process_state::replaced;
    if (ended) return {subject_kind::maker, 0, 0, 0, {}};
    return {subject_kind::maker, maker.pid, maker.start_ticks(), 0, {}};
}

/// An amount that a look tells.
struct told_amount {
    series_key key;
    std::string_view name; ///< to print
    std::uint64_t value = 0;
};

/// A series, or an amount that has none yet, among all that want to be kept.
struct rank {
    bool grows = false;
    std::uint32_t rising_steps = 0;
    bool single_buffer = false;
    double share = 0; ///< of all amounts of its kind
    bool kept = false;
    std::uint32_t index = 0;

    [[nodiscard]] constexpr bool is_below(rank const& other) const {
        if (grows != other.grows) return other.grows;
        if (rising_steps != other.rising_steps) return rising_steps < other.rising_steps;
        if (single_buffer != other.single_buffer) return single_buffer;
        if (share != other.share) return share < other.share;
        return kept != other.kept ? other.kept : index > other.index;
    }
};

constexpr bool is_exact(certainty how) {
    return how == certainty::exact;
}

constexpr std::uint64_t middle_of(auto const& now) {
    return now.begin_ns + (now.end_ns - now.begin_ns) / 2;
}
} // namespace detail

/// The word for the value in reports and in JSON.
constexpr std::string_view name_of(growth_change what) {
    return detail::text_of(detail::growth_change_names, what, "grows");
}

/// Watches all amounts of a system, or of one process, and tells which grow.
/// Each look is a snapshot. Amounts of processes, exporters, cgroups and unheld buffers become
/// series, each with a trend (dmabuf/trend.hpp tells when it grows, and why so). An amount that a
/// snapshot knows only within bounds is left out of its look: no slope is made of what was out of
/// sight. Series are kept up to `growth_options::series`.
/// A subject that holds nothing any more ends; a process whose pid is used again is another.
template<class = detail::if_called>
class basic_growth_watch {
public:
    explicit basic_growth_watch(growth_options options = {})
        : options_(options) {}

    /// Makes room for looks at systems up to the size of `most`, and for all series. No look then
    /// allocates.
    /// Cost: 12 allocations.
    void reserve(capacity const& most) {
        auto const most_told =
            4 * (2 * most.holders + most.exporters + 1) + 8 * most.buffers + 2 * most.per_process;
        series_.reserve(2 * options_.series);
        free_.reserve(2 * options_.series);
        released_.reserve(options_.series);
        order_.reserve(options_.series);
        kept_.reserve(options_.series);
        told_.reserve(most_told);
        newcomers_.reserve(most_told);
        ranks_.reserve(options_.series + most_told);
        events_.reserve(options_.series);
        groups_.reserve(most);
    }

    /// Takes a look at a snapshot. Its time is the middle of the sample, by CLOCK_MONOTONIC, which
    /// stands still while the machine is suspended: rates are per second that it ran.
    /// Cost: sorts of amounts, buffers and references, N log N at most; about 200 instructions a
    /// series. No allocation once everything has grown to the size of the system.
    void feed(snapshot const& now) { feed(now, detail::middle_of(now)); }

    /// Takes a look at a snapshot of another time than its own, as of a recording. After a time
    /// that is not later than the one before, or later by more than `trend_rules::longest_gap_ns`,
    /// all windows begin anew.
    void feed(snapshot const& now, std::uint64_t time_ns) {
        begin_look(time_ns);
        add(now);
        end_look();
    }

    /// Begins a look that `end_look()` ends. In between, `add()` tells the amounts. A look of which
    /// nothing was told is none.
    void begin_look(std::uint64_t time_ns) {
        for (auto const at : released_)
            free_.push_back(at);
        released_.clear();
        events_.clear();
        told_.clear();
        for (auto& of_kind : all_told_)
            for (auto& one : of_kind)
                one = false;
        only_pid_ = 0;
        auto const gap = options_.rules.longest_gap_ns;
        bool const interrupted = time_ns <= time_ns_ || time_ns - time_ns_ > gap;
        counts_.interruptions += counts_.looks != 0 && interrupted ? 1U : 0U;
        ++counts_.looks;
        time_ns_ = time_ns;
    }

    /// Tells all amounts that the snapshot knows exactly.
    /// Lifetime: the snapshot must live, unchanged, until `end_look()`.
    void add(snapshot const& now) {
        detail::knowledge const knows(now.coverage);
        only_pid_ = now.coverage.alone_pid;
        add_processes(now, knows);
        add_makers(now, knows);
        add_cgroups(now, knows);
        add_exporters(now, knows);
        add_unheld(now, knows);
        add_counts(now, knows);
        counts_.incomplete += is_incomplete(now.coverage, knows) ? 1U : 0U;
    }
    void add(snapshot const&&) = delete;

    /// Tells an amount that no snapshot has. Amounts of one subject add up.
    /// Lifetime: the subject must live, unchanged, until `end_look()`.
    void add(growth_subject const& of, measure what, std::uint64_t value) {
        tell(of, of.name.view(), what, value);
    }
    void add(growth_subject const&&, measure, std::uint64_t) = delete;

    /// States that the look told this measure of all subjects of a kind that exist. Those that were
    /// not told then end. Without this, they wait, as after an incomplete look.
    void all_told(subject_kind kind, measure what) {
        all_told_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(what)] = true;
    }

    void end_look() {
        combine();
        kept_.clear();
        newcomers_.clear();
        detail::side_by_side(order_, told_, by_key(),
                             [&](std::uint32_t const* at, detail::told_amount const* told) {
                                 if (at && told)
                                     follow(*at, *told);
                                 else if (told)
                                     welcome(*told);
                                 else if (at)
                                     miss(*at);
                             });
        make_room();
        settle();
        // An event of a later look makes no allocation.
        events_.reserve(order_.size());
        released_.reserve(order_.size());
        free_.reserve(series_.size());
        counts_.series = order_.size();
    }

    /// Calls `visit(growth_change, growth_series const&)` for all changes that the last look told,
    /// processes first.
    template<class Visit>
    void for_each_event(Visit visit) const {
        for (auto const& one : events_)
            visit(one.what, series_[one.series]);
    }

    /// Calls `visit(growth_series const&)` for all series that are kept, processes first. Those
    /// that grow say so: `so_far.grows()`. Each has its high-water mark.
    template<class Visit>
    void for_each(Visit visit) const {
        for (auto const at : order_)
            visit(series_[at]);
    }

    [[nodiscard]] growth_counts const& counts() const { return counts_; }

private:
    struct event {
        growth_change what;
        std::uint32_t series;
    };

    // --- the amounts of a look ---

    void tell(growth_subject const& of, std::string_view name, measure what, std::uint64_t value) {
        detail::series_key key{of.kind, of.pid, of.start_ticks, of.inode, 0, {}, what};
        if (detail::is_named(of)) {
            key.name_hash = detail::hash_of(name);
            key.name = detail::end_of(name, longest_name);
        }
        told_.push_back({key, name, value});
    }

    /// Tells the amounts of a subject. The measures are told as far as `exact` says of each.
    struct amounts {
        measure what;
        bool exact;
        std::uint64_t value;
    };
    void tell_each(growth_subject const& of, std::string_view name,
                   std::initializer_list<amounts> all) {
        for (auto const& one : all)
            if (one.exact) tell(of, name, one.what, one.value);
    }

    void add_processes(snapshot const& now, detail::knowledge const& knows) {
        if (!detail::is_exact(knows.own) || now.coverage.indistinct.kernel_major != 0) return;
        bool const buffers = detail::is_exact(knows.only_mapped);
        bool const tables = detail::is_exact(knows.tables);
        bool const maps = detail::is_exact(knows.maps);
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
            if (who.pid == now.coverage.alone_pid || who.pid == options_.buffers_of)
                add_buffers_of(now, who, tables, maps);
        }
        bool const alone = now.coverage.alone_pid != 0 && now.coverage.processes_denied == 0;
        if (!detail::is_exact(knows.seen) && !alone) return;
        for (auto const kind : {subject_kind::process, subject_kind::process_buffer}) {
            if (buffers && detail::is_exact(knows.sized)) all_told(kind, measure::bytes);
            if (buffers) all_told(kind, measure::buffers);
            if (tables) all_told(kind, measure::descriptors);
            if (maps) all_told(kind, measure::mappings);
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

    /// Where nothing lists the buffers that no process holds, makers are told of the others.
    void add_makers(snapshot const& now, detail::knowledge const& knows) {
        bool const listed = !now.coverage.buffers_compared() || detail::is_exact(knows.unheld);
        bool const held = detail::is_exact(detail::weaker(knows.seen, knows.only_mapped));
        if (!now.watch.origins_read || !listed || !held) return;
        for (auto const& one : now.origins)
            if (one.state == origin_state::uncertain) return;
        bool sized = true;
        detail::for_each_buffer(now,
                                [&](buffer const& one, bool) { sized = sized && one.size_known; });
        detail::for_each_buffer(now, [&](buffer const& one, bool) {
            auto const* const told = now.origin_of(one);
            if (told && told->state == origin_state::made_by)
                tell_each(detail::subject_of(told->maker), told->maker.comm.view(),
                          {{measure::bytes, sized, one.size_bytes}, {measure::buffers, true, 1}});
        });
        if (sized) all_told(subject_kind::maker, measure::bytes);
        all_told(subject_kind::maker, measure::buffers);
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
        std::size_t device = 0;
        std::size_t others_told = 0;
        std::size_t devices_told = 0;
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
            others_told += one.others_known ? 1U : 0U;
            devices_told += one.devices_known ? 1U : 0U;
        }
        auto const all = now.buffers.size() + now.unheld.size();
        if (knows.absence && others_told == all)
            all_told(subject_kind::buffer, measure::other_references);
        if (knows.absence && devices_told == all)
            all_told(subject_kind::buffer, measure::attachments);
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

    /// Puts the amounts in order. Those of one series are one.
    void combine() {
        detail::sort(told_, [](auto const& a, auto const& b) { return (a.key <=> b.key) < 0; });
        std::size_t kept = 0;
        for (auto const& one : told_) {
            if (kept != 0 && told_[kept - 1].key == one.key)
                told_[kept - 1].value += one.value;
            else
                told_[kept++] = one;
        }
        told_.resize(kept);
    }

    // --- the series ---

    auto by_key() const {
        return [this](std::uint32_t at, detail::told_amount const& told) {
            return detail::order_of(detail::key_of(series_[at]), told.key);
        };
    }

    void welcome(detail::told_amount const& told) {
        if (told.value != 0) newcomers_.push_back(told);
    }

    void follow(std::uint32_t at, detail::told_amount const& told) {
        if (told.value == 0) return end(at);
        auto& one = series_[at];
        auto const change = one.so_far.add(told.value, time_ns_, options_.rules);
        kept_.push_back(at);
        if (change == trend_change::none) return;
        one.of.name =
            subject_name(detail::end_of(told.name, longest_name)); // a process's may change
        bool const grows = change == trend_change::grows;
        events_.push_back({grows ? growth_change::grows : growth_change::stopped, at});
    }

    /// The look did not tell of this series. Where it may have been out of sight, it waits.
    void miss(std::uint32_t at) {
        auto const& one = series_[at];
        auto const kind = static_cast<std::size_t>(one.of.kind);
        bool const of_those_told = only_pid_ == 0 || one.of.pid == only_pid_;
        bool const gone = of_those_told && all_told_[kind][static_cast<std::size_t>(one.what)];
        auto const waits_ns = time_ns_ - one.so_far.last_ns();
        if (gone || (time_ns_ > one.so_far.last_ns() && waits_ns > options_.rules.longest_gap_ns))
            return end(at);
        kept_.push_back(at);
    }

    void end(std::uint32_t at) {
        if (series_[at].so_far.grows()) events_.push_back({growth_change::ended, at});
        released_.push_back(at);
    }

    /// Where there are too many series, those of the lowest rank go.
    void make_room() {
        auto const all = kept_.size() + newcomers_.size();
        counts_.left_out = all > options_.series ? all - options_.series : 0;
        if (counts_.left_out == 0) return;
        add_up_kinds();
        ranks_.clear();
        for (std::uint32_t at = 0; at < kept_.size(); ++at)
            ranks_.push_back(rank_of(series_[kept_[at]], at));
        for (std::uint32_t at = 0; at < newcomers_.size(); ++at)
            ranks_.push_back({.single_buffer = is_single(newcomers_[at].key.kind),
                              .share = share_of(newcomers_[at].key, newcomers_[at].value),
                              .index = at});
        detail::sort(ranks_, [](auto const& a, auto const& b) { return a.is_below(b); });
        for (std::size_t at = 0; at < counts_.left_out; ++at)
            leave_out(ranks_[at]);
        drop_if(kept_, [](std::uint32_t at) { return at == no_series; });
        drop_if(newcomers_, [](detail::told_amount const& one) { return one.value == 0; });
    }

    detail::rank rank_of(growth_series const& one, std::uint32_t index) const {
        return {.grows = one.so_far.grows(),
                .rising_steps = one.so_far.rising_steps(),
                .single_buffer = is_single(one.of.kind),
                .share = share_of(detail::key_of(one), one.so_far.value()),
                .kept = true,
                .index = index};
    }

    void leave_out(detail::rank const& which) {
        if (!which.kept) return (void)(newcomers_[which.index].value = 0);
        released_.push_back(std::exchange(kept_[which.index], no_series));
    }

    template<class Range, class Predicate>
    static void drop_if(Range& all, Predicate unwanted) {
        std::size_t kept = 0;
        for (auto const& one : all)
            if (!unwanted(one)) all[kept++] = one;
        all.resize(kept);
    }

    void add_up_kinds() {
        for (auto& of_kind : sums_)
            for (auto& one : of_kind)
                one = 0;
        for (auto const& one : told_)
            sum_of(one.key) += static_cast<double>(one.value);
    }
    double& sum_of(detail::series_key const& key) {
        return sums_[static_cast<std::size_t>(key.kind)][static_cast<std::size_t>(key.what)];
    }
    [[nodiscard]] double share_of(detail::series_key const& key, std::uint64_t value) const {
        auto const sum =
            sums_[static_cast<std::size_t>(key.kind)][static_cast<std::size_t>(key.what)];
        return sum > 0 ? static_cast<double>(value) / sum : 0;
    }
    static bool is_single(subject_kind kind) {
        return kind == subject_kind::buffer || kind == subject_kind::process_buffer;
    }

    /// Starts the series of those that are new, and puts all in order.
    void settle() {
        order_.clear();
        detail::side_by_side(kept_, newcomers_, by_key(),
                             [&](std::uint32_t const* at, detail::told_amount const* told) {
                                 if (at) order_.push_back(*at);
                                 if (told) order_.push_back(begin_series(*told));
                             });
    }

    std::uint32_t begin_series(detail::told_amount const& told) {
        if (free_.empty()) {
            free_.push_back(detail::in_32_bits(series_.size()));
            series_.emplace_back();
        }
        auto const at = free_.back();
        free_.pop_back();
        auto& one = series_[at];
        one = {};
        one.of = {told.key.kind, told.key.pid, told.key.start_ticks, told.key.inode,
                  subject_name(detail::end_of(told.name, longest_name))};
        one.what = told.key.what;
        one.name_hash = told.key.name_hash;
        one.so_far.add(told.value, time_ns_, options_.rules);
        return at;
    }

    static constexpr std::size_t longest_name = 255;
    static constexpr std::uint32_t no_series = ~std::uint32_t{0};

    growth_options options_;
    growth_counts counts_;
    std::uint64_t time_ns_ = 0;
    std::int32_t only_pid_ = 0; ///< the look tells of this process alone
    bool all_told_[detail::subject_kinds][detail::measures]{};
    double sums_[detail::subject_kinds][detail::measures]{};
    std::vector<growth_series> series_;
    std::vector<std::uint32_t> free_;     ///< places in `series_`
    std::vector<std::uint32_t> released_; ///< free after this look, whose events may name them
    std::vector<std::uint32_t> order_;    ///< those in use, in order of their keys
    std::vector<std::uint32_t> kept_;
    std::vector<detail::told_amount> told_;
    std::vector<detail::told_amount> newcomers_;
    std::vector<detail::rank> ranks_;
    std::vector<event> events_;
    group_sums groups_;
};

/// The watch of a program.
using growth_watch = basic_growth_watch<>;

} // namespace v0
} // namespace dmabuf
