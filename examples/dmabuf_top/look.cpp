// SPDX-License-Identifier: MIT
#include "look.hpp"

#include <algorithm>
#include <utility>

namespace dmabuf_top {

namespace {

using dmabuf::subject_kind;

/// A sparkline shows two minutes, or as many steps of one look each.
constexpr std::uint64_t least_step_ns = 10'000'000'000;

/// The number of a group of processes that were not chosen.
constexpr std::uint32_t not_chosen = dmabuf::no_cgroup - 1;

dmabuf::growth_options growth_options_of(std::uint64_t every_ns) {
    dmabuf::growth_options wanted;
    wanted.rules = dmabuf::trend_rules::for_looks_every(every_ns);
    return wanted;
}

} // namespace

std::uint64_t key_of(dmabuf::holder const& who) {
    return key_of({subject_kind::process, who.pid, who.start_ticks, 0, {}}, {});
}

std::uint64_t key_of(dmabuf::exporter_total const& one) {
    return key_of({subject_kind::exporter, 0, 0, 0, {}}, one.name.view());
}

std::uint64_t key_of(dmabuf::maker_total const& one) {
    return key_of(dmabuf::detail::subject_of(one.maker), one.maker.comm.view());
}

std::uint64_t key_of_cgroup(std::string_view path) {
    return key_of({subject_kind::cgroup, 0, 0, 0, {}}, path);
}

std::uint64_t key_of(dmabuf::buffer const& one) {
    return key_of({subject_kind::buffer, 0, 0, one.inode, {}}, {});
}

look::look(std::uint64_t every_ns, choice chosen)
    : choice_(std::move(chosen))
    , growth_(growth_options_of(every_ns))
    , past_(std::max(every_ns, least_step_ns)) {}

void look::take(dmabuf::snapshot const& now, identity::user_names const& users) {
    whole_ = now_ = &now;
    if (choice_.wanted.of_buffers()) {
        part_ = selection::of_chosen_buffers(now, choice_.wanted);
        now_ = &part_;
    }
    name_users(users);
    choose(users);
    add_up();
    remember();
    find_growth();
}

void look::name_users(identity::user_names const& users) {
    for (auto const& who : now_->holders) {
        auto const place = std::ranges::lower_bound(users_, who.uid, {}, &user::uid);
        if (place == users_.end() || place->uid != who.uid)
            users_.insert(place, {who.uid, users.of(who.uid)});
    }
}

std::string const& look::user_of(dmabuf::holder const& who) const {
    return std::ranges::lower_bound(users_, who.uid, {}, &user::uid)->name;
}

void look::choose(identity::user_names const& users) {
    chosen_holders_.assign(now_->holders.size(), true);
    if (!choice_.of_processes()) return;
    for (std::size_t at = 0; at < now_->holders.size(); ++at) {
        auto const& who = now_->holders[at];
        chosen_holders_[at] =
            (choice_.pids.empty() || std::ranges::count(choice_.pids, who.pid) != 0) &&
            selection::chooses(choice_.wanted, *now_, who, users);
    }
}

void look::add_up() {
    holders_.fill(*now_);
    if (now_->watch.origins_read)
        makers_ = dmabuf::by_maker(*now_);
    else
        makers_.clear();
    auto const group_of = [this](dmabuf::holder const& who) {
        auto const at = static_cast<std::size_t>(&who - now_->holders.data());
        return chosen_holders_[at] ? who.cgroup : not_chosen;
    };
    dmabuf::by_group(*now_, group_of, cgroups_);
    std::erase_if(cgroups_.totals, [](auto const& one) { return one.group == not_chosen; });
}

void look::remember() {
    past_.begin(dmabuf::detail::middle_of(*now_));
    for (auto const& who : now_->holders)
        past_.add(key_of(who), who.rss_bytes);
    for (auto const& one : now_->exporters)
        past_.add(key_of(one), one.size_bytes);
    for (auto const& one : cgroups_.totals)
        past_.add(key_of_cgroup(now_->cgroup_name(one.group)), one.rss_bytes);
    for (auto const& one : makers_)
        if (one.state == dmabuf::origin_state::made_by) past_.add(key_of(one), one.size_bytes);
    past_.end();
}

void look::find_growth() {
    growth_.feed(*now_);
    growing_.clear();
    growth_.for_each([&](dmabuf::growth_series const& one) {
        if (!one.so_far.grows()) return;
        growing_.push_back(
            {key_of(one.of, one.of.name.view()), one.what, one.so_far.rate_per_second()});
    });
    std::ranges::sort(growing_, {},
                      [](growing const& one) { return std::pair(one.key, one.what); });
}

growing const* look::growth_of(std::uint64_t key) const {
    auto const found = std::ranges::lower_bound(growing_, key, {}, &growing::key);
    return found != growing_.end() && found->key == key ? &*found : nullptr;
}

} // namespace dmabuf_top
