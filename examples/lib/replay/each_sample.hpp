// SPDX-License-Identifier: MIT
//
// The samples that a recording holds, taken again.
#pragma once

#include <dmabuf/fmt.hpp>

#include "samplers.hpp"

#include <string>
#include <utility>

namespace replay {

/// Of all processes, or of one alone; 0: of all.
template<dmabuf::system System>
dmabuf::result<void> take_sample(dmabuf::basic_sampler<System>& sampler, std::int32_t alone_pid,
                                 dmabuf::snapshot& now) {
    return alone_pid == 0 ? sampler.sample(now) : sampler.sample_process(now, alone_pid);
}

/// Takes all samples in their order, by one sampler, which remembers the findings of the first one
/// in the second. `take(snapshot const&)` returns whether it wants another one. The result is
/// empty, or names the fault of the recording.
template<class Take>
std::string each_sample(recording recorded, Take take) {
    replayed_system const system(std::move(recorded));
    auto const& made = system.made();
    dmabuf::basic_sampler<replayed_system> sampler(made.options, system);
    dmabuf::snapshot now;
    for (unsigned i = 0; i < made.samples; ++i) {
        auto const done = take_sample(sampler, made.alone_pid, now);
        if (!system.missing().empty())
            return fmt::format("it does not hold this call: {}", system.missing());
        if (!done) return fmt::format("{}", done.error());
        if (!take(std::as_const(now))) break;
    }
    return {};
}

} // namespace replay
