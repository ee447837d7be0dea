// SPDX-License-Identifier: MIT
//
// The three kinds of name that the kernel shows. All are raw bytes that somebody chose: print
// `escaped(name)`, compare and store the raw value.
#pragma once

#include <dmabuf/text.hpp>

#include <optional>
#include <string_view>

namespace dmabuf {
inline namespace v0 {

/// Of a buffer, set by whoever holds it. DMA_BUF_NAME_LEN allows 31 bytes; there is room for
/// kernels that allow more.
using buffer_name = inline_text<63>;
/// Of the driver or heap that allocated a buffer, e.g. "system", "udmabuf", "i915". The kernel sets
/// no limit; a heap of reserved memory is called as its device-tree node is, up to 63 bytes. A
/// longer one is cut, and tells no exporter from another: see `truncated()`.
using exporter_name = inline_text<63>;
/// Of a process or thread (comm), set by itself: 15 bytes, up to 63 for kernel threads.
using process_name = inline_text<63>;

/// The name of a DMA-BUF out of its path, as the link /proc/P/fd/N and PROCMAP_QUERY show it: all
/// that follows "/dmabuf:", byte for byte. Nothing for any other path. An unnamed buffer looks like
/// one with an empty name.
constexpr std::optional<buffer_name> parse_linked_name(std::string_view target) {
    constexpr std::string_view prefix = "/dmabuf:";
    if (!target.starts_with(prefix)) return std::nullopt;
    return buffer_name(target.substr(prefix.size()));
}

} // namespace v0
} // namespace dmabuf
