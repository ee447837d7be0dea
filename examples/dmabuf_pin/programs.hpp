// SPDX-License-Identifier: MIT
//
// The BPF programs of kernel/bpf: loaded by libbpf, which finds out from the kernel's BTF where the
// fields are that they read.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct bpf_link;
struct bpf_object;
struct bpf_program;

namespace dmabuf_pin {

struct close_object {
    void operator()(bpf_object* object) const;
};
struct destroy_link {
    void operator()(bpf_link* link) const;
};

/// A program that is loaded, and can be pinned under its name.
struct iterator {
    std::string_view name;
    std::unique_ptr<bpf_link, destroy_link> link;
    bpf_program* program = nullptr; ///< of an object in `programs`
};

struct programs {
    std::vector<std::unique_ptr<bpf_object, close_object>> objects;
    std::vector<iterator> iterators;
    std::vector<std::string> notes; ///< what this kernel does not have or allow
    std::string complaint;          ///< why they are not to be pinned; empty: they are
};

/// All that this kernel has, or a complaint: a part is never loaded in silence.
programs load_programs();

/// "cannot DOING: ", the errno, and what libbpf said of it.
std::string failed_words(std::string_view doing);

} // namespace dmabuf_pin
