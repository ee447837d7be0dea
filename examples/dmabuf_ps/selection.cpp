// SPDX-License-Identifier: MIT
#include "selection.hpp"

#include <dmabuf/account.hpp>

#include <algorithm>
#include <tuple>

namespace dmabuf_ps {

namespace {

using dmabuf::holder;

/// What is equal goes by pid.
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

bool is_chosen(holder const& who, options const& chosen) {
    return chosen.pids.empty() || std::ranges::count(chosen.pids, who.pid) != 0;
}

} // namespace

selection select(dmabuf::snapshot const& now, options const& chosen) {
    selection shown;
    shown.whole = chosen.pids.empty();
    std::vector<bool> held(now.buffers.size());
    for (auto const& who : now.holders) {
        if (!is_chosen(who, chosen)) continue;
        shown.processes.push_back(&who);
        for (auto const& reference : now.references_of(who))
            held[reference.buffer] = true;
    }
    std::ranges::sort(shown.processes, [&](auto const* a, auto const* b) {
        return goes_before(chosen.sort, *a, *b);
    });

    dmabuf::snapshot part;
    part.exporter_names = now.exporter_names;
    for (std::size_t at = 0; at < held.size(); ++at) {
        if (!held[at]) continue;
        shown.buffers.push_back(&now.buffers[at]);
        part.buffers.push_back(now.buffers[at]);
    }
    dmabuf::account(part);
    shown.exporters = std::move(part.exporters);
    shown.total_bytes = part.total_bytes;
    return shown;
}

} // namespace dmabuf_ps
