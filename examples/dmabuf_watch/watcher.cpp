// SPDX-License-Identifier: MIT
#include "watcher.hpp"

#include "holders.hpp"
#include "leaks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dmabuf_watch {

namespace {

using dmabuf::subject_kind;

dmabuf::growth_options growth_options_of(options const& chosen) {
    dmabuf::growth_options wanted;
    wanted.rules = dmabuf::trend_rules::for_looks_every(chosen.every_ns);
    if (chosen.pids.size() == 1) wanted.buffers_of = chosen.pids[0];
    return wanted;
}

amount amount_of(dmabuf::growth_series const& one) {
    auto const& seen = one.so_far;
    return {one.what,
            seen.value(),
            true,
            seen.rate_per_second(),
            seen.rate_error_per_second(),
            seen.since_ns(),
            seen.since_value(),
            seen.highest()};
}

bool is_same(dmabuf::growth_subject const& a, dmabuf::growth_subject const& b) {
    return a.kind == b.kind && is_process(a, b.pid, b.start_ticks) && a.inode == b.inode;
}

bool has(std::vector<dmabuf::buffer> const& all, std::uint64_t inode) {
    return std::ranges::find(all, inode, &dmabuf::buffer::inode) != all.end();
}

/// The number of gaps in which any process may be: descriptors and mappings that were not seen, and
/// processes that /proc does not list.
std::uint64_t gaps_in(dmabuf::coverage const& of) {
    return std::uint64_t{of.descriptors_failed} + of.undecided + (of.mappings_read ? 0U : 1U) +
           (of.proc_shows == dmabuf::visibility::everything ? 0U : 1U);
}

bool has(std::vector<std::int32_t> const& pids, std::int32_t pid) {
    return std::ranges::find(pids, pid) != pids.end();
}

} // namespace

bool watcher::told_growth::is_of(dmabuf::growth_series const& one) const {
    return is_same(of, one.of) && name_hash == one.name_hash && what == one.what;
}

watcher::watcher(options const& chosen)
    : chosen_(chosen)
    , growth_(growth_options_of(chosen)) {}

std::vector<event> const& watcher::look(dmabuf::snapshot const& now) {
    events_.clear();
    time_ns_ = now.begin_ns + (now.end_ns - now.begin_ns) / 2;
    if (chosen_.wanted.of_buffers())
        look_at(selection::of_chosen_buffers(now, chosen_.wanted));
    else
        look_at(now);
    return events_;
}

void watcher::look_at(dmabuf::snapshot const& now) {
    growth_.feed(now);
    keep_processes(now);
    bytes_ = now.total_bytes;
    buffers_ = now.buffers.size();
    if (!started_) {
        events_.push_back(of_all(event_kind::started));
        events_.back().note = fmt::format("found by {}", name_of(now.coverage.found_by));
    } else if (!chosen_.leaks) {
        compare_processes(now);
    }
    tell_growth(now);
    std::swap(before_, now_);
    unread_before_ = now.unread;
    gaps_before_ = gaps_in(now.coverage);
    started_ = true;
}

event watcher::of_all(event_kind what) const {
    event all;
    all.what = what;
    all.time_ns = time_ns_;
    all.of_watch = true;
    all.amounts.push_back({.what = dmabuf::measure::bytes, .value = bytes_});
    all.amounts.push_back({.what = dmabuf::measure::buffers, .value = buffers_});
    return all;
}

event watcher::finish() const {
    return of_all(event_kind::finished);
}

// --- processes that come and go ---

void watcher::keep_processes(dmabuf::snapshot const& now) {
    now_.clear();
    for (auto const& who : now.holders)
        now_.push_back({who.pid, who.start_ticks, who.comm, who.rss_bytes, who.reference_count,
                        chooses(now, who)});
    before_.reserve(now_.size()); // the next look's
}

/// Both lists are in ascending order of pid. A process that was lost from sight is not gone, and
/// one that came into sight has not appeared.
void watcher::compare_processes(dmabuf::snapshot const& now) {
    auto const gaps = gaps_in(now.coverage);
    auto const key = [](known_process const& one) { return std::pair(one.pid, one.start_ticks); };
    std::vector<known_process> lost;
    auto const end = [&](known_process const& one) {
        if (has(now.unread, one.pid))
            lost.push_back(one);
        else if (gaps <= gaps_before_)
            tell_process(event_kind::gone, one);
    };
    std::size_t old = 0;
    for (auto const& one : now_) {
        for (; old < before_.size() && key(before_[old]) < key(one); ++old)
            end(before_[old]);
        if (old < before_.size() && key(before_[old]) == key(one))
            ++old;
        else if (gaps >= gaps_before_ && !has(unread_before_, one.pid))
            tell_process(event_kind::appeared, one);
    }
    for (; old < before_.size(); ++old)
        end(before_[old]);
    now_.insert(now_.end(), lost.begin(), lost.end());
    std::ranges::sort(now_, {}, key);
}

void watcher::tell_process(event_kind what, known_process const& which) {
    if (!which.chosen) return;
    auto& one = events_.emplace_back();
    one.what = what;
    one.time_ns = time_ns_;
    one.of = {subject_kind::process, which.pid, which.start_ticks, 0,
              dmabuf::subject_name(which.comm.view())};
    one.amounts.push_back({.what = dmabuf::measure::bytes, .value = which.bytes});
    one.amounts.push_back({.what = dmabuf::measure::buffers, .value = which.buffers});
}

// --- growth ---

void watcher::tell_growth(dmabuf::snapshot const& now) {
    growth_.for_each_event([&](dmabuf::growth_change what, dmabuf::growth_series const& one) {
        if (what != dmabuf::growth_change::grows) {
            bool const stopped = what == dmabuf::growth_change::stopped;
            tell_end(stopped ? event_kind::stopped : event_kind::ended, one);
        } else if (chooses(now, one)) {
            told_.push_back({one.of, one.name_hash, one.what, 0});
            event_of(event_kind::grows, one.of, 0).amounts.push_back(amount_of(one));
        }
    });
    number_leaks(now, events_, leaks_);
    for (auto& told : told_)
        if (told.leak == 0) told.leak = event_of(event_kind::grows, told.of, 0).leak;
}

/// Of growth that was told, which is forgotten.
void watcher::tell_end(event_kind what, dmabuf::growth_series const& one) {
    auto const told = std::ranges::find_if(told_, [&](auto const& its) { return its.is_of(one); });
    if (told == told_.end()) return;
    event_of(what, one.of, told->leak).amounts.push_back(amount_of(one));
    told_.erase(told);
}

/// All amounts of a subject that change alike at one look are one event. `leak`: of an end.
event& watcher::event_of(event_kind what, dmabuf::growth_subject const& of, std::uint64_t leak) {
    event* first = nullptr;
    for (auto& one : events_) {
        if (one.what != what || one.of_watch) continue;
        if (is_same(one.of, of) && one.of.name == of.name) return one;
        if (!first && leak != 0 && one.leak == leak) first = &one;
    }
    event added;
    added.what = what;
    added.time_ns = time_ns_;
    added.of = of;
    added.leak = leak;
    if (first) join(*first, added);
    return events_.emplace_back(std::move(added));
}

// --- the choice ---

bool watcher::chooses_processes() const {
    return !chosen_.pids.empty() || chosen_.wanted.of_processes();
}

bool watcher::chooses(dmabuf::snapshot const& now, dmabuf::holder const& who) {
    if (!chosen_.pids.empty() && std::ranges::count(chosen_.pids, who.pid) == 0) return false;
    if (!chosen_.wanted.of_processes()) return true;
    if (!chosen_.wanted.users.empty() && asked_users_.insert(who.uid).second &&
        !users_.raw(who.uid) && chosen_.replay.empty())
        users_.add(identity::names_of({who.uid}));
    return selection::chooses(chosen_.wanted, now, who, users_);
}

/// A choice of processes leaves out the sums over all processes, which are of others, too.
bool watcher::chooses(dmabuf::snapshot const& now, dmabuf::growth_series const& one) {
    bool const of_process =
        one.of.kind == subject_kind::process || one.of.kind == subject_kind::process_buffer;
    if (of_process) {
        auto const* const who = find_holder(now, one.of.pid);
        return who && chooses(now, *who);
    }
    if (chooses_processes()) return false;
    return one.of.kind != subject_kind::buffer || !chosen_.wanted.of_buffers() ||
           has(now.buffers, one.of.inode) || has(now.unheld, one.of.inode);
}

} // namespace dmabuf_watch
