// SPDX-License-Identifier: MIT
//
// The pins of dmabuf_pin, for as long as a test needs them.
#pragma once

#include "scene.hpp"

#include <cstdlib>
#include <string>

namespace scene {

inline int shell(std::string const& command) {
    return std::system(command.c_str());
}

/// Pins for as long as it lives.
class pins {
public:
    explicit pins(std::string const& options) {
        INFO(options);
        REQUIRE(shell("dmabuf_pin " + options + " > /tmp/pinned") == 0);
    }
    ~pins() { take_away(); }
    pins(pins&&) = delete;

    static void take_away() { CHECK(shell("dmabuf_pin --unpin") == 0); }
};

} // namespace scene
