// SPDX-License-Identifier: MIT
//
// Takes one sample after the other, follows growth, and makes a page of each. Of one thread.
#pragma once

#include <dmabuf/growth.hpp>

#include "looks.hpp"
#include "options.hpp"
#include "page.hpp"

#include <cstdint>
#include <string>

namespace dmabuf_exporter {

class observation {
public:
    explicit observation(options const& chosen);

    /// Empty, or why there can be no sample.
    std::string open() { return looks_.open(); }

    /// Takes a sample. `for_growth`: it is one of those at regular times.
    void look(bool for_growth);

    /// The metrics after the last look: no amounts where it failed.
    [[nodiscard]] page metrics() const;
    /// Empty, or why the last look failed.
    [[nodiscard]] std::string const& why_failed() const { return why_failed_; }
    /// Recordings that are left.
    [[nodiscard]] std::size_t left() const { return looks_.left(); }

private:
    void tell_failure();

    looks looks_;
    limits limits_;
    dmabuf::growth_watch growth_;
    std::string why_failed_;
    std::string why_failed_before_; ///< the look before
    std::uint64_t samples_ = 0;
    std::uint64_t failures_ = 0;
    double wall_seconds_ = 0;
    double duration_seconds_ = 0;
};

} // namespace dmabuf_exporter
