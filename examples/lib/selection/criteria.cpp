// SPDX-License-Identifier: MIT
#include "criteria.hpp"

#include <dmabuf/account.hpp>

#include <algorithm>
#include <optional>

namespace selection {

namespace {

/// No pattern asks for nothing.
template<class Fits>
bool one_fits(std::vector<pattern> const& patterns, Fits fits) {
    return patterns.empty() || std::ranges::any_of(patterns, fits);
}

/// The process that made a buffer; null where nothing tells.
dmabuf::actor const* maker_of(dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    auto const* const told = now.origin_of(one);
    return told && told->state == dmabuf::origin_state::made_by ? &told->maker : nullptr;
}

/// The least age that a buffer can have; none where nothing tells.
std::optional<std::uint64_t> least_age(dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    auto const* const told = now.origin_of(one);
    if (!told || now.watch.now_ns == 0) return std::nullopt;
    if (told->state == dmabuf::origin_state::made_by) return now.watch.age_ns(told->made_ns);
    if (told->state == dmabuf::origin_state::before_watch)
        return now.watch.age_ns(now.watch.since_ns);
    return std::nullopt;
}

bool is_old_enough(criteria const& wanted, dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    return wanted.least_age_ns == 0 || least_age(now, one).value_or(0) >= wanted.least_age_ns;
}

/// Whether nothing tells that a buffer is younger than asked for.
bool may_be_old_enough(criteria const& wanted, dmabuf::snapshot const& now,
                       dmabuf::buffer const& one) {
    return !is_old_enough(wanted, now, one) && (now.watch.now_ns == 0 || !maker_of(now, one));
}

/// The chosen ones of `buffers`, each with its new index, or with `left_out`.
constexpr auto left_out = ~std::uint32_t{0};

using buffer_test = std::function<bool(dmabuf::buffer const&)>;

std::vector<std::uint32_t> keep_buffers(dmabuf::snapshot& now, buffer_test const& is_chosen) {
    std::vector<std::uint32_t> places;
    std::uint32_t kept = 0;
    for (auto const& one : now.buffers)
        places.push_back(is_chosen(one) ? kept++ : left_out);
    std::size_t at = 0;
    std::erase_if(now.buffers, [&](auto const&) { return places[at++] == left_out; });
    return places;
}

/// The references to the buffers that are left, and the holders that have some.
void keep_references(dmabuf::snapshot& now, std::vector<std::uint32_t> const& places) {
    std::vector<dmabuf::reference> kept;
    std::uint32_t holders = 0;
    for (auto& who : now.holders) {
        auto const first = kept.size();
        for (auto one : now.references_of(who)) {
            one.buffer = places[one.buffer];
            one.holder = holders;
            if (one.buffer != left_out) kept.push_back(one);
        }
        who.first_reference = first;
        who.reference_count = kept.size() - first;
        if (who.reference_count != 0) ++holders;
    }
    std::erase_if(now.holders, [](auto const& who) { return who.reference_count == 0; });
    now.references = std::move(kept);
}

void keep_unheld(dmabuf::snapshot& now, buffer_test const& is_chosen) {
    std::erase_if(now.unheld, [&](auto const& one) { return !is_chosen(one); });
    now.unheld_bytes = 0;
    for (auto const& one : now.unheld)
        now.unheld_bytes += one.size_bytes;
}

} // namespace

bool chooses(criteria const& wanted, dmabuf::exporter_name const& exporter) {
    return one_fits(wanted.exporters, [&](auto const& name) { return name.fits(exporter); });
}

bool chooses(criteria const& wanted, dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    return is_old_enough(wanted, now, one) && chooses(wanted, now.exporter_of(one)) &&
           one_fits(wanted.makers,
                    [&](auto const& name) {
                        auto const* const maker = maker_of(now, one);
                        return maker && name.fits(maker->comm);
                    }) &&
           one_fits(wanted.names,
                    [&](auto const& name) { return one.named && name.fits(one.name); });
}

bool chooses(criteria const& wanted, dmabuf::snapshot const& now, dmabuf::holder const& who,
             identity::user_names const& users) {
    bool const in_cgroup = who.cgroup != dmabuf::no_cgroup;
    return one_fits(wanted.users,
                    [&](auto const& name) {
                        return name.fits_shown(users.of(who.uid)) ||
                               name.fits_shown(std::to_string(who.uid));
                    }) &&
           one_fits(wanted.comms, [&](auto const& name) { return name.fits(who.comm); }) &&
           one_fits(wanted.cgroups, [&](auto const& name) {
               return in_cgroup && name.fits(now.cgroup_name(who.cgroup));
           });
}

undecided undecided_in(dmabuf::snapshot const& now, criteria const& wanted) {
    undecided found;
    for (auto const& one : now.buffers)
        found.buffers +=
            (!wanted.exporters.empty() && one.exporter == dmabuf::exporter_id::unknown) ||
            (!wanted.names.empty() && !one.name_known) ||
            (!wanted.makers.empty() && !maker_of(now, one)) || may_be_old_enough(wanted, now, one);
    for (auto const& who : now.holders)
        found.processes += !wanted.cgroups.empty() && who.cgroup == dmabuf::no_cgroup;
    return found;
}

dmabuf::snapshot of_buffers(dmabuf::snapshot const& now, buffer_test const& is_chosen) {
    auto part = now;
    keep_references(part, keep_buffers(part, is_chosen));
    keep_unheld(part, is_chosen);
    dmabuf::account(part);
    part.coverage = now.coverage;
    return part;
}

dmabuf::snapshot of_chosen_buffers(dmabuf::snapshot const& now, criteria const& wanted) {
    return of_buffers(now, [&](dmabuf::buffer const& one) { return chooses(wanted, now, one); });
}

} // namespace selection
