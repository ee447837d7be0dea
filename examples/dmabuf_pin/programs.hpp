// SPDX-License-Identifier: MIT
//
// The BPF programs of kernel/bpf: loaded by libbpf, which finds out from the kernel's BTF where the
// fields are that they read.
#pragma once

#include "loading.hpp"
#include "options.hpp"

#include <string>
#include <vector>

namespace dmabuf_pin {

/// A BPF object that is to become a file.
struct pinnable {
    std::string name;
    int fd = -1;             ///< of a program, map or link of `programs`
    bool for_readers = true; ///< else it keeps the watch over makers going, and is root's
};

struct programs {
    std::vector<object_ptr> objects;
    std::vector<link_ptr> links;
    std::vector<pinnable> files;
    std::vector<std::string> notes; ///< parts that this kernel does not have or allow
    std::string complaint;          ///< why they are not to be pinned; empty: they are
};

/// All that was chosen and this kernel has, or a complaint: a part is never loaded in silence.
programs load_programs(options const& chosen);

} // namespace dmabuf_pin
