// SPDX-License-Identifier: MIT
#include "account.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace dmabuf_report {

account::account(dmabuf::snapshot const& of)
    : now(of) {
    holders_.fill(now);
    choose_processes();
    choose_buffers();
}

void account::choose_processes() {
    for (auto const& who : now.holders)
        processes.push_back(&who);
    std::ranges::sort(processes, [](auto const* a, auto const* b) {
        return std::pair(share_of(*b), a->pid) < std::pair(share_of(*a), b->pid);
    });
    if (processes.size() > most_processes) {
        processes_left_out = processes.size() - most_processes;
        for (auto i = most_processes; i < processes.size(); ++i)
            left_out_bytes += share_of(*processes[i]);
        processes.resize(most_processes);
    }
    places.assign(now.holders.size(), no_place);
    for (std::size_t i = 0; i < processes.size(); ++i)
        places[static_cast<std::size_t>(processes[i] - now.holders.data())] =
            static_cast<std::uint32_t>(i);
}

void account::choose_buffers() {
    for (auto const* all : {&now.buffers, &now.unheld})
        for (auto const& one : *all)
            buffers.push_back(&one);
    std::ranges::sort(buffers, std::greater<>(),
                      [](auto const* one) { return std::tuple(one->size_bytes, ~one->inode); });
    std::size_t references = 0;
    std::size_t kept = 0;
    for (; kept < std::min(buffers.size(), most_buffers); ++kept) {
        references += holders_of(*buffers[kept]).size();
        if (references > most_references) break;
    }
    for (auto i = kept; i < buffers.size(); ++i) {
        auto& its = rest[buffers[i]->exporter];
        ++its.buffers;
        its.bytes += buffers[i]->size_bytes;
    }
    buffers.resize(kept);
}

account::sum account::whole_rest() const {
    sum all;
    for (auto const& [exporter, its] : rest)
        all.buffers += its.buffers, all.bytes += its.bytes;
    return all;
}

} // namespace dmabuf_report
