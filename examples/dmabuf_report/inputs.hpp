// SPDX-License-Identifier: MIT
//
// Sources of a scene: this machine, recordings, JSON, captures, the log of a watch.
#pragma once

#include "options.hpp"
#include "scene.hpp"

#include <string>
#include <variant>

namespace dmabuf_report {

/// Why there is no scene, in words.
struct complaint {
    std::string words;
};

std::variant<scene, complaint> read_inputs(options const& chosen);

} // namespace dmabuf_report
