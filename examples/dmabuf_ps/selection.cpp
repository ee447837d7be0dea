// SPDX-License-Identifier: MIT
#include "selection.hpp"

#include <dmabuf/account.hpp>

#include <algorithm>
#include <tuple>

namespace dmabuf_ps {

namespace {

using dmabuf::holder;

/// Equal processes go by pid.
bool goes_before(sort_key key, holder const& a, holder const& b) {
    switch (key) {
    case sort_key::pss:
        return std::tie(b.pss_bytes, b.rss_bytes, a.pid) <
               std::tie(a.pss_bytes, a.rss_bytes, b.pid);
    case sort_key::rss:
        return std::tie(b.rss_bytes, b.pss_bytes, a.pid) <
               std::tie(a.rss_bytes, a.pss_bytes, b.pid);
    case sort_key::uss:
        return std::tie(b.uss_bytes, b.pss_bytes, a.pid) <
               std::tie(a.uss_bytes, a.pss_bytes, b.pid);
    case sort_key::buffers:
        return std::tie(b.reference_count, b.pss_bytes, a.pid) <
               std::tie(a.reference_count, a.pss_bytes, b.pid);
    case sort_key::name:
        return std::tie(a.comm, a.pid) < std::tie(b.comm, b.pid);
    case sort_key::pid:
        break;
    }
    return a.pid < b.pid;
}

/// The RSS, or the most that it could be with the buffers of unknown size.
std::uint64_t most_rss(holder const& who) {
    return ::selection::most_bytes(who.rss_bytes, who.unsized_buffers == 0);
}

std::uint64_t most_size(dmabuf::buffer const& one) {
    return ::selection::most_bytes(one.size_bytes, one.size_known);
}

} // namespace

bool goes_before(dmabuf::buffer const& a, dmabuf::buffer const& b) {
    return std::tie(b.size_bytes, a.inode) < std::tie(a.size_bytes, b.inode);
}

selection::selection(observation const& seen, options const& chosen)
    : seen_(seen.now) {
    if (chosen.wanted.of_buffers()) part_ = of_chosen_buffers(seen_, chosen.wanted);
    of_all_processes_ = !chosen.of_some_processes();
    choose_processes(seen, chosen);
    choose_buffers(chosen);
    add_up();
    undecided = undecided_in(seen_, chosen.wanted);
    whole = processes.size() == seen_.holders.size() && buffers.size() == seen_.buffers.size();
}

void selection::choose_processes(observation const& seen, options const& chosen) {
    for (auto const& who : now().holders)
        if ((chosen.pids.empty() || std::ranges::count(chosen.pids, who.pid) != 0) &&
            chooses(chosen.wanted, now(), who, seen.users))
            processes.push_back(&who);
    std::ranges::sort(
        processes, [&](auto const* a, auto const* b) { return goes_before(chosen.sort, *a, *b); });
    if (chosen.rows() == row::process)
        keep_chosen_rows(processes, chosen.wanted, [](auto const* who) { return most_rss(*who); });
}

void selection::choose_buffers(options const& chosen) {
    std::vector<bool> held(now().buffers.size());
    for (auto const* who : processes)
        for (auto const& reference : now().references_of(*who))
            held[reference.buffer] = true;
    for (std::size_t at = 0; at < held.size(); ++at)
        if (held[at]) buffers.push_back(&now().buffers[at]);
    if (chosen.rows() != row::buffer || !chosen.wanted.of_rows()) return;
    std::ranges::sort(buffers, [](auto const* a, auto const* b) { return goes_before(*a, *b); });
    keep_chosen_rows(buffers, chosen.wanted, [](auto const* one) { return most_size(*one); });
    std::ranges::sort(buffers);
}

std::vector<dmabuf::buffer const*>
selection::listed_buffers(bool with_unheld, ::selection::criteria const& wanted) const {
    auto listed = buffers;
    for (auto const& one : now().unheld)
        if (with_unheld && of_all_processes_) listed.push_back(&one);
    std::ranges::sort(listed, [](auto const* a, auto const* b) { return goes_before(*a, *b); });
    keep_chosen_rows(listed, wanted, [](auto const* one) { return most_size(*one); });
    return listed;
}

void selection::add_up() {
    if (buffers.size() == now().buffers.size()) {
        exporters = now().exporters;
        total_bytes = now().total_bytes;
        return;
    }
    dmabuf::snapshot part;
    part.exporter_names = now().exporter_names;
    for (auto const* one : buffers)
        part.buffers.push_back(*one);
    dmabuf::account(part);
    exporters = std::move(part.exporters);
    total_bytes = part.total_bytes;
}

} // namespace dmabuf_ps
