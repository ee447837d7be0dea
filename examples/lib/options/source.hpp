// SPDX-License-Identifier: MIT
//
// The option that chooses how the library finds out.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "choice.hpp"

namespace command_line {

inline constexpr std::array<command_line::choice<dmabuf::source>, 4> sources = {
    {{"auto", dmabuf::source::none},
     {"bpf_iterator", dmabuf::source::bpf_iterator},
     {"dmabuf_fds", dmabuf::source::dmabuf_fds},
     {"fd_walk", dmabuf::source::fd_walk}}};

/// --source; `dmabuf::source::none` is `auto`.
inline CLI::Option* add_source(CLI::App& app, dmabuf::source& chosen) {
    return add_choice(app, "--source", chosen, sources,
                      "How to find out; default: auto, the fastest")
        ->type_name("SOURCE");
}

} // namespace command_line
