// SPDX-License-Identifier: MIT
//
// The kinds of name that the kernel shows. All are raw bytes that a process or a driver chose:
// print `escaped(name)`, compare and store the raw value.
#pragma once

#include <dmabuf/text.hpp>

#include <optional>
#include <string_view>

namespace dmabuf {
inline namespace v0 {

/// The name of a buffer, set by any holder. DMA_BUF_NAME_LEN allows 31 bytes; the rest is room for
/// kernels that allow more.
using buffer_name = inline_text<63>;
/// The name of the driver or heap that allocated a buffer, e.g. "system", "udmabuf", "i915". The
/// kernel sets no limit; a heap of reserved memory has the name of its device-tree node, up to 63
/// bytes. A longer name is cut (`truncated()`), and then does not tell two exporters apart.
using exporter_name = inline_text<63>;
/// The name of a process or thread (comm), set by itself: 15 bytes, up to 63 for kernel threads.
using process_name = inline_text<63>;
/// The name of a process or thread as a BPF program noted it: at most 15 bytes (TASK_COMM_LEN).
using task_name = inline_text<15>;
/// The name of a device as dev_name() has it, e.g. "0000:00:02.0".
using device_name = inline_text<63>;

/// Takes the name of a DMA-BUF from a path of /proc/P/fd/N or PROCMAP_QUERY: all bytes after
/// "/dmabuf:". Nothing for any other path. An unnamed buffer looks like one with an empty name.
constexpr std::optional<buffer_name> parse_linked_name(std::string_view target) {
    constexpr std::string_view prefix = "/dmabuf:";
    if (!target.starts_with(prefix)) return std::nullopt;
    return buffer_name(target.substr(prefix.size()));
}

} // namespace v0
} // namespace dmabuf
