// SPDX-License-Identifier: MIT
//
// The part of a snapshot that the page shows one by one. What is smaller is summed up.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "report/buffer_holders.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dmabuf_report {

struct account {
    /// As many as a browser draws within a second.
    static constexpr std::size_t most_buffers = 5000;
    static constexpr std::size_t most_processes = 1000;
    static constexpr std::size_t most_references = 50'000;

    struct sum {
        std::uint64_t buffers = 0, bytes = 0;
    };

    explicit account(dmabuf::snapshot const& of);

    dmabuf::snapshot const& now;
    std::vector<dmabuf::holder const*> processes; ///< the largest share first
    std::vector<dmabuf::buffer const*>
        buffers;                       ///< the largest first; those that no process holds, too
    std::vector<std::uint32_t> places; ///< in `processes`, by index of `now.holders`; or `no_place`
    std::map<dmabuf::exporter_id, sum> rest; ///< of the buffers that are left out
    std::size_t processes_left_out = 0;
    std::uint64_t left_out_bytes = 0; ///< the shares of these processes

    static constexpr std::uint32_t no_place = ~std::uint32_t{0};

    [[nodiscard]] bool is_held(dmabuf::buffer const& one) const {
        return &one >= now.buffers.data() && &one < now.buffers.data() + now.buffers.size();
    }
    /// Indices of `now.holders`.
    [[nodiscard]] std::span<std::uint32_t const> holders_of(dmabuf::buffer const& one) const {
        if (!is_held(one)) return {};
        return holders_.of(static_cast<std::size_t>(&one - now.buffers.data()));
    }
    /// Of all that are left out.
    [[nodiscard]] sum whole_rest() const;

private:
    void choose_processes();
    void choose_buffers();

    report::buffer_holders holders_;
};

/// The share of a process; where other processes are unknown all that it holds.
inline std::uint64_t share_of(dmabuf::holder const& who) {
    return who.pss_bytes.value_or(who.rss_bytes);
}

} // namespace dmabuf_report
