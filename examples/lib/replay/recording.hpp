// SPDX-License-Identifier: MIT
//
// A recording: the circumstances, and every call with its result. RECORDING.md describes its file.
#pragma once

#include <dmabuf/sampler.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace replay {

/// The kinds of result, named as in the file. The order is that of `name_of()`.
enum class call : std::uint8_t {
    open,
    file,
    dir,
    stat,
    lstat,
    link,
    fs,
    mapping,
    kcmp,
    kcmp_vm,
    pid,
    clock,
    boot_clock
};

std::string_view name_of(call what);

/// Whether the call is made on no path.
constexpr bool has_no_path(call what) {
    return what == call::pid || what == call::clock || what == call::boot_clock;
}

/// Whether two tasks are compared.
constexpr bool is_comparison(call what) {
    return what == call::kcmp || what == call::kcmp_vm;
}

/// One call on one path, or all that was read through one descriptor. A path stands in the place of
/// the descriptor, so that a later version of the library may ask in another order.
struct entry {
    call what = call::open;
    std::string path;               ///< kcmp, kcmp_vm: the two tasks; pid, clocks: empty
    std::uint64_t from = 0;         ///< mapping: where it was looked for
    int error = 0;                  ///< errno; of a file or directory, where it broke off
    bool unended = false;           ///< file, dir, link: there may be more, for which nobody asked
    std::string text;               ///< file, link; mapping: the path
    std::vector<std::string> names; ///< dir, in the kernel's order
    dmabuf::file_status status;     ///< stat, lstat
    dmabuf::mapping mapping;        ///< without its path
    std::uint64_t number = 0;       ///< fs, kcmp, kcmp_vm, pid, clocks
};

bool operator==(entry const& a, entry const& b);

/// The options and rights that shaped the calls, and the facts that are shown beside their results.
struct circumstances {
    std::string kernel; ///< release
    std::uint32_t uid = 0;
    std::vector<std::string> rights; ///< words that the recording program understands
    bool anonymised = false;
    unsigned samples = 1;
    std::int32_t alone_pid = 0; ///< the process that alone was looked at; 0: all were
    dmabuf::sample_options options;
    std::map<std::uint32_t, std::string> users; ///< names, raw
    std::uint64_t left_out = 0; ///< mappings of memory and ordinary files, of all samples
};

/// The largest file that is read, in bytes: more than any system takes. A file without an end is
/// refused there.
inline constexpr std::size_t largest_recording = std::size_t{256} << 20U;

struct recording {
    circumstances made;
    std::vector<entry> entries; ///< in the order of the calls
};

/// Why a text is no recording.
struct malformed {
    std::size_t line = 0; ///< from 1
    std::string why;
};

std::string write(recording const& what);
/// Refuses a text that is no recording, and every result that the kernel cannot give.
std::variant<recording, malformed> parse(std::string_view text);

/// The inverse of dmabuf::escape. False where `text` is none of its results.
bool unescape(std::string_view text, std::string& bytes);

/// The library makes a call again that ends so: it is no result, is not recorded, and would be
/// repeated for ever if it were replayed.
bool is_made_again(int error);

/// The key of the results that belong together: the calls of one key are answered in their order.
/// Files and directories count as openings of their path too.
std::string opening_key(std::string_view path);
std::string key_of(entry const& one);
std::string key_of(call what, std::string_view path);

/// Hands out a mapping's path as the kernel does: not at all, whole in `space`, or with an error.
int hand_out_path(std::string_view path, dmabuf::mapping& found, std::span<char> space);

/// The results as if the kernel had shown its files at the usual places: a replay looks there,
/// wherever they were when it was recorded.
std::vector<entry> below_usual_roots(std::vector<entry> entries, dmabuf::roots const& made_below);

/// `path` as it was given, relative to a directory with a path of its own.
std::string join(std::string_view directory, std::string_view path);

} // namespace replay
