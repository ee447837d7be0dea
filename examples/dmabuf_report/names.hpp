// SPDX-License-Identifier: MIT
//
// Names as the page shows them: escaped, or with --anonymise others in their place.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "replay/aliases.hpp"

#include <string>
#include <string_view>

namespace dmabuf_report {

/// Takes and returns escaped names. Those of drivers (exporters and devices) stay.
class names {
public:
    explicit names(bool anonymise)
        : anonymise_(anonymise) {}

    [[nodiscard]] bool anonymise() const { return anonymise_; }

    /// Of processes that hold buffers, and of those that made them.
    std::string process(std::string_view escaped) { return of(processes_, escaped); }
    std::string buffer(std::string_view escaped) { return of(buffers_, escaped); }
    std::string cgroup(std::string_view escaped) { return of(cgroups_, escaped); }

private:
    [[nodiscard]] std::string of(replay::aliases& all, std::string_view name) const {
        return anonymise_ ? all.of(name) : std::string(name);
    }

    bool anonymise_;
    replay::aliases processes_{"process-"};
    replay::aliases buffers_{"buffer-"};
    replay::aliases cgroups_{"/cgroup-"};
};

} // namespace dmabuf_report
