// SPDX-License-Identifier: MIT
//
// The option that chooses how the library finds out.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "choice.hpp"

namespace command_line {

inline std::map<std::string, dmabuf::source> const sources = {
    {"auto", dmabuf::source::none},
    {"fd_walk", dmabuf::source::fd_walk},
    {"dmabuf_fds", dmabuf::source::dmabuf_fds},
    {"bpf_iterator", dmabuf::source::bpf_iterator},
};

/// --source; `dmabuf::source::none` is `auto`.
inline CLI::Option* add_source(CLI::App& app, dmabuf::source& chosen) {
    return add_choice(app, "--source", chosen, sources,
                      "How to find out; default: auto, the fastest")
        ->type_name("SOURCE");
}

} // namespace command_line
