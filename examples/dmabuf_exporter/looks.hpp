// SPDX-License-Identifier: MIT
//
// The source of the snapshots: this system, or recordings.
#pragma once

#include <dmabuf/sampler.hpp>

#include "options.hpp"
#include "report/rights.hpp"

#include <string>
#include <vector>

namespace dmabuf_exporter {

class looks {
public:
    explicit looks(options const& chosen);

    /// Reads the recordings. Returns nothing, or the fault of one.
    std::string open();

    /// Takes a sample, which `now()` then has. Of recordings the next one; the last one stays.
    /// Empty, or why there is none.
    std::string take();

    [[nodiscard]] dmabuf::snapshot const& now() const {
        return recorded_.empty() ? now_ : recorded_[at_];
    }
    /// Whether the last one is the one before, told again.
    [[nodiscard]] bool is_repeated() const { return is_repeated_; }
    /// Recordings that are left.
    [[nodiscard]] std::size_t left() const { return recorded_.size() - taken_; }

private:
    std::string take_here();

    options const& chosen_;
    report::rights mine_;
    dmabuf::sampler sampler_;
    dmabuf::snapshot now_;
    std::vector<dmabuf::snapshot> recorded_;
    std::size_t taken_ = 0;
    std::size_t at_ = 0;
    bool is_repeated_ = false;
};

} // namespace dmabuf_exporter
