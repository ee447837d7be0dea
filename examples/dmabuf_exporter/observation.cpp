// SPDX-License-Identifier: MIT
#include "observation.hpp"

#include "own_use.hpp"
#include "say.hpp"

namespace dmabuf_exporter {

namespace {

limits limits_of(options const& chosen) {
    limits most;
    most.processes = chosen.top_processes;
    most.cgroups = chosen.top_cgroups;
    return most;
}

dmabuf::growth_options growth_options_of(options const& chosen) {
    dmabuf::growth_options wanted;
    wanted.rules = dmabuf::trend_rules::for_looks_every(chosen.every_ns);
    return wanted;
}

} // namespace

observation::observation(options const& chosen)
    : looks_(chosen)
    , limits_(limits_of(chosen))
    , growth_(growth_options_of(chosen)) {}

void observation::look(bool for_growth) {
    auto const began_ns = monotonic_ns();
    why_failed_ = looks_.take();
    duration_seconds_ = static_cast<double>(monotonic_ns() - began_ns) / 1e9;
    tell_failure();
    if (!why_failed_.empty()) return;
    ++samples_;
    wall_seconds_ = wall_seconds();
    if (for_growth && !looks_.is_repeated()) growth_.feed(looks_.now());
}

/// Says why a look failed, once for equal reasons in a row.
void observation::tell_failure() {
    failures_ += why_failed_.empty() ? 0U : 1U;
    if (!why_failed_.empty() && why_failed_ != why_failed_before_)
        say("cannot take a sample: {}", why_failed_);
    why_failed_before_ = why_failed_;
}

page observation::metrics() const {
    bool const is_up = samples_ != 0 && why_failed_.empty();
    auto all = is_up ? with_amounts(looks_.now(), growth_, limits_) : without_amounts();
    add_counter(all, "dmabuf_samples_total", "Samples taken", static_cast<double>(samples_));
    add_counter(all, "dmabuf_sample_failures_total", "Samples that could not be taken",
                static_cast<double>(failures_));
    add_gauge(all, "dmabuf_sample_duration_seconds", "Time that the last sample took",
              duration_seconds_);
    if (samples_ != 0)
        add_gauge(all, "dmabuf_sample_timestamp_seconds",
                  "Unix time of the last sample that could be taken", wall_seconds_);
    return all;
}

} // namespace dmabuf_exporter
