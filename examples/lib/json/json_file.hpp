// SPDX-License-Identifier: MIT
//
// A snapshot read back from the JSON of `dmabuf_ps --json` or of lowmem_capture.
#pragma once

#include <dmabuf/snapshot.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace json_file {

/// The largest text that is read, in bytes: more than a hundred thousand buffers take.
inline constexpr std::size_t largest_json = std::size_t{64} << 20U;

struct json_snapshot {
    dmabuf::snapshot now;
    std::string kernel;             ///< release, raw
    std::string boot_id;            ///< empty: not told
    std::string time;               ///< of a capture, UTC; empty: not told
    std::vector<std::string> notes; ///< gaps of the coverage, in words; raw
    bool whole = true;              ///< no process or buffer was left out by an option
};

/// Why a text is no such snapshot.
struct json_trouble {
    std::string where; ///< "line 3, column 9", or a JSON pointer: "/processes/0/pid"
    std::string why;
};

/// Whether a text is meant to be JSON, and no recording.
bool looks_like_json(std::string_view text);

/// Reads `dmabuf_ps/2`, `dmabuf_ps/3`, and the snapshot in `lowmem_capture/1`; ignores fields that
/// it does not know. Refuses text that is not JSON, that nests deeper than 16 levels or has more
/// than four million values, a key twice in one object, values of a wrong type or that do not fit,
/// a process or reference twice, and references to buffers that are not there or not told apart.
std::variant<json_snapshot, json_trouble> read_json(std::string_view text);

} // namespace json_file
