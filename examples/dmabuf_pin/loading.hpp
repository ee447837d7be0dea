// SPDX-License-Identifier: MIT
//
// Loads BPF programs by libbpf, and keeps its words.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct bpf_link;
struct bpf_object;

namespace dmabuf_pin {

struct close_object {
    void operator()(bpf_object* object) const;
};
struct destroy_link {
    void operator()(bpf_link* link) const;
};

using object_ptr = std::unique_ptr<bpf_object, close_object>;
using link_ptr = std::unique_ptr<bpf_link, destroy_link>;

/// Keeps the words of libbpf and of the verifier from now on, for failed_words().
void keep_what_libbpf_says();

/// "cannot DOING: ", the errno, and the words of libbpf.
std::string failed_words(std::string_view doing);

/// Sets a section of constants, or of variables that begin so.
bool set_section(bpf_object& object, char const* section, void const* value, std::size_t bytes);

/// Opens an ELF object, lets `prepare` set its sections and maps, and loads it, in a second attempt
/// where memory was short for a moment. Null, with errno.
object_ptr load(std::string_view bytes, std::function<bool(bpf_object&)> const& prepare);

} // namespace dmabuf_pin
