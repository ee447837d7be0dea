// SPDX-License-Identifier: MIT
//
// Where observations come from: this machine, with a recording made of it, or a recording alone.
#pragma once

#include "observation.hpp"
#include "options.hpp"
#include "replay/recording.hpp"

#include <variant>

namespace dmabuf_ps {

/// Why there is no observation, in words.
struct complaint {
    std::string words;
};

std::variant<observation, complaint> observe(options const& chosen);

/// The options with the process that a recording is of, if it is of one alone.
options as_observed(options chosen, observation const& seen);

/// Of a recording that was read already; `chosen.replay` names it.
std::variant<observation, complaint> observe_recording(replay::recording recorded,
                                                       options const& chosen);

} // namespace dmabuf_ps
