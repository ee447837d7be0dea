// SPDX-License-Identifier: MIT
#include "leaks.hpp"

#include "holders.hpp"

#include <algorithm>
#include <cmath>

namespace dmabuf_watch {

namespace {

using dmabuf::growth_subject;
using dmabuf::subject_kind;

/// More at one look are not compared: each has a line of its own. All pairs would take long.
constexpr std::ptrdiff_t most_compared = 256;

bool grows_alike(amount const& a, amount const& b) {
    return a.what == b.what && std::abs(a.rate_per_second - b.rate_per_second) <=
                                   a.rate_error_per_second + b.rate_error_per_second;
}

/// Whether each amount of `part` grows alike in `whole`.
bool grows_within(event const& part, event const& whole) {
    return std::ranges::all_of(part.amounts, [&](auto const& one) {
        return std::ranges::any_of(whole.amounts,
                                   [&](auto const& other) { return grows_alike(one, other); });
    });
}

/// A buffer that a process holds, or none does: `who` is null.
struct place {
    dmabuf::snapshot const& now;
    dmabuf::holder const* who;
    dmabuf::buffer const& what;
};

bool is_made_by(growth_subject const& maker, place const& at) {
    auto const* const told = at.now.origin_of(at.what);
    if (!told || told->state != dmabuf::origin_state::made_by) return false;
    auto const of = dmabuf::detail::subject_of(told->maker);
    return is_process(maker, of.pid, of.start_ticks) &&
           (of.pid != 0 || told->maker.comm.view() == maker.name.view());
}

bool is_of(growth_subject const& subject, place const& at) {
    auto const exporter = at.now.exporter_of(at.what);
    switch (subject.kind) {
    case subject_kind::process_buffer:
        if (at.what.inode != subject.inode) return false;
        [[fallthrough]];
    case subject_kind::process:
        return at.who && is_process(subject, at.who->pid, at.who->start_ticks);
    case subject_kind::maker:
        return is_made_by(subject, at);
    case subject_kind::cgroup:
        return at.who &&
               dmabuf::subject_name(dmabuf::detail::end_of(at.now.cgroup_name(at.who->cgroup),
                                                           dmabuf::detail::longest_subject_name)) ==
                   subject.name;
    case subject_kind::unheld:
        return !at.who && (subject.name.empty() || exporter.view() == subject.name.view());
    case subject_kind::exporter:
        return at.who && exporter.view() == subject.name.view();
    case subject_kind::buffer:
        break;
    }
    return at.what.inode == subject.inode;
}

/// Whether both have a buffer of this process.
bool share(dmabuf::snapshot const& now, dmabuf::holder const& who, growth_subject const& a,
           growth_subject const& b) {
    return std::ranges::any_of(now.references_of(who), [&](auto const& its) {
        place const at{now, &who, now.buffers[its.buffer]};
        return is_of(a, at) && is_of(b, at);
    });
}

bool share(dmabuf::snapshot const& now, growth_subject const& a, growth_subject const& b) {
    if (a.pid != 0 && a.kind != subject_kind::maker) {
        auto const* const who = find_holder(now, a.pid);
        return who && share(now, *who, a, b);
    }
    return std::ranges::any_of(now.holders,
                               [&](auto const& who) { return share(now, who, a, b); }) ||
           std::ranges::any_of(now.unheld, [&](auto const& what) {
               place const at{now, nullptr, what};
               return is_of(a, at) && is_of(b, at);
           });
}

} // namespace

void join(event& first, event& one) {
    one.leak = first.leak;
    one.told_before = true;
    first.also.push_back(one.of);
}

void number_leaks(dmabuf::snapshot const& now, std::vector<event>& events, std::uint64_t& last) {
    auto const grows = [](event const& one) { return one.what == event_kind::grows; };
    bool const compared = std::ranges::count_if(events, grows) <= most_compared;
    for (auto at = events.begin(); at != events.end(); ++at) {
        if (!grows(*at)) continue;
        auto const first = std::find_if(events.begin(), at, [&](auto const& earlier) {
            return compared && grows(earlier) && !earlier.told_before &&
                   grows_within(*at, earlier) && share(now, earlier.of, at->of);
        });
        if (first != at)
            join(*first, *at);
        else
            at->leak = ++last;
    }
}

} // namespace dmabuf_watch
