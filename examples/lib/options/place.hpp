// SPDX-License-Identifier: MIT
//
// Where a program looks, and how: --source, --proc, --sys, --bpffs, --no-debugfs. They go into the
// members `source`, `roots` and `no_debugfs` of its options.
#pragma once

#include "roots.hpp"
#include "source.hpp"

namespace command_line {

inline void add_no_debugfs(CLI::App& app, bool& chosen) {
    app.add_flag("--no-debugfs", chosen,
                 "Do not ask debugfs, as root, for buffers that no process holds");
}

/// All of them. Returns --source, for `tells_place()`.
template<class Options>
CLI::Option const* add_place(CLI::App& app, Options& chosen) {
    auto const* const source = add_source(app, chosen.source);
    add_roots(app, chosen.roots);
    add_no_debugfs(app, chosen.no_debugfs);
    return source;
}

/// Whether the command line has one of them, which do not go with a recording.
template<class Options>
bool tells_place(CLI::Option const* source, Options const& chosen) {
    return source->count() != 0 || chosen.no_debugfs || chosen.roots != dmabuf::roots{};
}

} // namespace command_line
