// SPDX-License-Identifier: MIT
//
// Tells the amounts that grow, by one snapshot after the other. Pure: no system call. Opt-in:
// dmabuf/dmabuf.hpp does not include it.
#pragma once

#include <dmabuf/comparing/compared.hpp>
#include <dmabuf/growing/amounts.hpp>

#include <utility>
#include <vector>

namespace dmabuf {
inline namespace v0 {

namespace detail {

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
        if (share < other.share || share > other.share) return share < other.share;
        return kept != other.kept ? other.kept : index > other.index;
    }
};

constexpr std::uint64_t middle_of(auto const& now) {
    return now.begin_ns + (now.end_ns - now.begin_ns) / 2;
}
} // namespace detail

/// Watches all amounts of a system, or of one process, and tells which grow.
/// Each look is a snapshot. Amounts of processes, exporters, cgroups and unheld buffers become
/// series, each with a trend (dmabuf/trend.hpp tells when it grows, and why so). An amount that a
/// snapshot knows only within bounds is left out of its look: no slope is made of what was out of
/// sight. Makers alone are told within bounds, and rise where the bounds do: while buffers come and
/// go, there is one of uncertain origin in nearly each look. Series are kept up to
/// `growth_options::series`. A subject that holds nothing any more ends; a process whose pid is
/// used again is another.
template<class = detail::if_called>
class basic_growth_watch {
public:
    /// A watch that has seen nothing.
    /// Cost: no allocation before the first look.
    explicit basic_growth_watch(growth_options options = {})
        : options_(options) {}

    /// Makes room for looks at systems up to the size of `most`, and for all series. No look then
    /// allocates.
    /// Cost: 12 allocations, 13 with room for origins.
    void reserve(capacity const& most) {
        auto const most_told = told_.most_told(most);
        series_.reserve(2 * options_.series);
        free_.reserve(2 * options_.series);
        released_.reserve(options_.series);
        order_.reserve(options_.series);
        kept_.reserve(options_.series);
        told_.reserve(most);
        newcomers_.reserve(most_told);
        highest_.reserve(options_.series);
        events_.reserve(options_.series);
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
        auto const gap = options_.rules.longest_gap_ns;
        bool const interrupted = time_ns <= time_ns_ || time_ns - time_ns_ > gap;
        counts_.interruptions += counts_.looks != 0 && interrupted ? 1U : 0U;
        ++counts_.looks;
        time_ns_ = time_ns;
    }

    /// Tells all amounts that the snapshot knows exactly.
    /// Lifetime: the snapshot must live, unchanged, until `end_look()`.
    void add(snapshot const& now) {
        counts_.incomplete += told_.add(now, options_.buffers_of) ? 0U : 1U;
    }
    void add(snapshot const&&) = delete;

    /// Tells an amount that no snapshot has. Amounts of one subject add up.
    /// Lifetime: the subject must live, unchanged, until `end_look()`.
    void add(growth_subject const& of, measure what, std::uint64_t value) {
        told_.tell(of, of.name.view(), what, value);
    }
    void add(growth_subject const&&, measure, std::uint64_t) = delete;

    /// States that the look told this measure of all subjects of a kind that exist. Those that were
    /// not told then end. Without this, they wait, as after an incomplete look.
    void all_told(subject_kind kind, measure what) { told_.all_told(kind, what); }

    /// Ends a look whose amounts were told one by one, and finds what grows. `feed()` does so
    /// itself. Cost: N log N of the amounts told; no allocation once grown.
    void end_look() {
        told_.combine();
        kept_.clear();
        newcomers_.clear();
        detail::side_by_side(order_, told_.all(), by_key(),
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
        // A later look of as many amounts, and its events, make no allocation.
        kept_.reserve(order_.size());
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

    /// The numbers of series and looks, and of those that found no room.
    /// Lifetime: that of the watch; the next look changes it.
    [[nodiscard]] growth_counts const& counts() const { return counts_; }

private:
    struct event {
        growth_change what;
        std::uint32_t series;
    };

    // --- the series ---

    auto by_key() const {
        return [this](std::uint32_t at, detail::told_amount const& told) {
            auto const order = detail::key_of(series_[at]) <=> told.key;
            return order < 0 ? -1 : order > 0 ? 1 : 0;
        };
    }

    void welcome(detail::told_amount const& told) {
        if (told.value != 0)
            newcomers_.push_back(static_cast<std::uint32_t>(&told - told_.all().data()));
    }

    void follow(std::uint32_t at, detail::told_amount const& told) {
        if (told.value == 0) return end(at);
        auto& one = series_[at];
        auto const change =
            one.so_far.add(told.value, time_ns_, options_.rules, told_.missing_of(told.key));
        kept_.push_back(at);
        if (change == trend_change::none) return;
        one.of.name = subject_name(
            detail::end_of(told.name, detail::longest_subject_name)); // a process's may change
        bool const grows = change == trend_change::grows;
        events_.push_back({grows ? growth_change::grows : growth_change::stopped, at});
    }

    /// The look did not tell of this series. Where it may have been out of sight, it waits.
    void miss(std::uint32_t at) {
        auto const& one = series_[at];
        bool const gone = told_.would_be_told(one.of, one.what);
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
        highest_.clear();
        for (std::uint32_t at = 0; at < kept_.size(); ++at)
            choose(rank_of(series_[kept_[at]], at));
        for (std::uint32_t at = 0; at < newcomers_.size(); ++at) {
            auto const& told = told_.all()[newcomers_[at]];
            choose({.single_buffer = is_single(told.key.kind),
                    .share = share_of(told.key, told.value),
                    .index = at});
        }
        drop_none(kept_);
        drop_none(newcomers_);
    }

    /// Keeps a rank among the highest, as many as there may be series, and leaves out the lowest.
    void choose(detail::rank const& one) {
        auto const is_above = [](auto const& a, auto const& b) { return b.is_below(a); };
        auto const size = highest_.size();
        if (size < options_.series) {
            highest_.push_back(one);
            if (size + 1 == options_.series) detail::make_heap(highest_, is_above);
        } else if (size == 0 || one.is_below(highest_.front())) {
            leave_out(one);
        } else {
            leave_out(std::exchange(highest_.front(), one));
            detail::sink(highest_, 0, size, is_above);
        }
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
        auto& place = which.kept ? kept_[which.index] : newcomers_[which.index];
        if (which.kept) released_.push_back(place);
        place = none;
    }

    static void drop_none(std::vector<std::uint32_t>& places) {
        std::size_t kept = 0;
        for (auto const one : places)
            if (one != none) places[kept++] = one;
        places.resize(kept);
    }

    void add_up_kinds() {
        for (auto& of_kind : sums_)
            for (auto& one : of_kind)
                one = 0;
        for (auto const& one : told_.all())
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
        auto const order = [this](std::uint32_t at, std::uint32_t newcomer) {
            return by_key()(at, told_.all()[newcomer]);
        };
        detail::side_by_side(kept_, newcomers_, order,
                             [&](std::uint32_t const* at, std::uint32_t const* newcomer) {
                                 if (at) order_.push_back(*at);
                                 if (newcomer)
                                     order_.push_back(begin_series(told_.all()[*newcomer]));
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
                  subject_name(detail::end_of(told.name, detail::longest_subject_name))};
        one.what = told.key.what;
        one.name_hash = told.key.name_hash;
        one.so_far.add(told.value, time_ns_, options_.rules, told_.missing_of(told.key));
        return at;
    }

    static constexpr std::uint32_t none = ~std::uint32_t{0};

    growth_options options_;
    growth_counts counts_;
    std::uint64_t time_ns_ = 0;
    double sums_[detail::subject_kinds][detail::measures]{};
    std::vector<growth_series> series_;
    std::vector<std::uint32_t> free_;     ///< places in `series_`
    std::vector<std::uint32_t> released_; ///< free after this look, whose events may name them
    std::vector<std::uint32_t> order_;    ///< those in use, in order of their keys
    std::vector<std::uint32_t> kept_;
    detail::basic_told_amounts<> told_;
    std::vector<std::uint32_t> newcomers_; ///< places in `told_.all()`
    std::vector<detail::rank> highest_;    ///< a heap with the lowest of them in front
    std::vector<event> events_;
};

/// The watch of a program.
using growth_watch = basic_growth_watch<>;

} // namespace v0
} // namespace dmabuf
