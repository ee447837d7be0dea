// SPDX-License-Identifier: MIT
//
// The options that choose where the kernel's files are: a container may have those of its host
// elsewhere than at the usual places.
#pragma once

#include <dmabuf/result.hpp>

#include <CLI/CLI.hpp>

namespace command_line {

/// `name` takes a directory, without slashes at its end.
inline CLI::Option* add_directory(CLI::App& app, std::string const& name, dmabuf::root_path& chosen,
                                  std::string help) {
    auto const take = [&chosen, name](std::string word) {
        if (word.empty()) throw CLI::ValidationError(name, "it is empty");
        while (word.size() > 1 && word.ends_with('/'))
            word.pop_back();
        chosen = word;
        if (chosen.truncated()) throw CLI::ValidationError(name, "it has more than 150 bytes");
    };
    return app.add_option_function<std::string>(name, take, std::move(help))->type_name("DIR");
}

inline CLI::Option* add_bpffs(CLI::App& app, dmabuf::root_path& chosen, std::string const& usual) {
    return add_directory(app, "--bpffs", chosen,
                         "The bpffs with the pins of dmabuf_pin (default: " + usual + ")");
}

/// --proc, --sys and --bpffs.
inline void add_roots(CLI::App& app, dmabuf::roots& chosen) {
    add_directory(app, "--proc", chosen.proc,
                  "The procfs to look at, as /host/proc in a container; words call it /proc "
                  "(default: /proc)");
    add_directory(app, "--sys", chosen.sys,
                  "The sysfs to look at, with debugfs in kernel/debug; words call it /sys "
                  "(default: /sys)");
    add_bpffs(app, chosen.bpffs, "fs/bpf in that sysfs");
}

} // namespace command_line
