// SPDX-License-Identifier: MIT
//
// The subjects and amounts that dmabuf/growth.hpp watches, and a series of one amount over time.
#pragma once

#include <dmabuf/snapshot.hpp>
#include <dmabuf/trend.hpp>

#include <string_view>

namespace dmabuf {
inline namespace v0 {

/// The kinds of subject whose amounts are watched, in the order in which they are told.
enum class subject_kind : std::uint8_t {
    process,        ///< by pid and start time
    process_buffer, ///< one buffer of one process: of `growth_options::buffers_of`, or where the
                    ///< snapshot is of one process alone
    maker,          ///< by pid and start time while it runs, by name all that have ended; and
                    ///< those of `growth_watch::add()`
    cgroup,         ///< by path
    unheld,         ///< buffers that no process holds: all, and by exporter
    exporter,       ///< by name: buffers that processes hold
    buffer,         ///< by inode: its references and attachments
};

/// The amounts of a subject that are watched.
enum class measure : std::uint8_t {
    bytes,            ///< of different buffers, each whole: rss
    buffers,          ///< different ones
    descriptors,      ///< a leak of descriptors of one buffer changes no other amount
    mappings,         ///< a leak of mappings of one buffer changes no other amount
    other_references, ///< that no process explains: in flight, in a ring, a driver's
    attachments,      ///< of devices
};

namespace detail {
inline constexpr text_for<subject_kind> subject_names[] = {
    {subject_kind::process, "process"}, {subject_kind::process_buffer, "process_buffer"},
    {subject_kind::maker, "maker"},     {subject_kind::cgroup, "cgroup"},
    {subject_kind::unheld, "unheld"},   {subject_kind::exporter, "exporter"},
    {subject_kind::buffer, "buffer"},
};
static_assert(are_in_order(subject_names, subject_kind::buffer));
inline constexpr std::size_t subject_kinds = std::size(subject_names);

inline constexpr text_for<measure> measure_names[] = {
    {measure::bytes, "bytes"},
    {measure::buffers, "buffers"},
    {measure::descriptors, "descriptors"},
    {measure::mappings, "mappings"},
    {measure::other_references, "other_references"},
    {measure::attachments, "attachments"},
};
static_assert(are_in_order(measure_names, measure::attachments));
inline constexpr std::size_t measures = std::size(measure_names);
} // namespace detail

/// The word for the value in reports and in JSON.
constexpr std::string_view name_of(subject_kind kind) {
    return detail::text_of(detail::subject_names, kind, "process");
}
constexpr std::string_view name_of(measure what) {
    return detail::text_of(detail::measure_names, what, "bytes");
}

/// The name of a subject. Of a longer one, as a cgroup's path may be, its end.
using subject_name = inline_text<255>;

/// Names a subject. Fields that its kind does not need are 0 or empty.
struct growth_subject {
    subject_kind kind = subject_kind::process;
    std::int32_t pid = 0;
    std::uint64_t start_ticks = 0; ///< with `pid`, names this process and no later one
    std::uint64_t inode = 0;       ///< of a buffer
    /// Raw bytes: print `escaped(name)`. Identifies a subject without pid and inode; empty for all
    /// unheld buffers together. The comm of a process, which may change.
    subject_name name;
};

/// One amount of one subject over time.
struct growth_series {
    growth_subject of;
    measure what = measure::bytes;
    trend so_far;
    std::uint64_t name_hash = 0; ///< of the whole name, be it longer than `of.name`
};

struct growth_options {
    trend_rules rules;
    /// The series that are kept, of about 1.4 KiB each; twice the memory where all end at once.
    /// Where there are more amounts, those that rise are kept, then processes, exporters and
    /// cgroups before single buffers, then the largest.
    std::size_t series = 2048;
    /// The process each of whose buffers is watched, on top of its sums; 0: none. Snapshots of one
    /// process alone need no such choice.
    std::int32_t buffers_of = 0;
};

/// The looks and series so far.
struct growth_counts {
    std::uint64_t looks = 0;
    std::uint64_t incomplete = 0;    ///< looks that told some amounts within bounds, or not at all.
                                     ///< Those amounts are left out, as if there had been no look
    std::uint64_t interruptions = 0; ///< looks after a gap, or by a clock that had jumped
    std::size_t series = 0;          ///< kept now
    std::size_t left_out = 0;        ///< amounts of the last look that `growth_options::series` has
                                     ///< no room for
};

enum class growth_change : std::uint8_t {
    grows,
    stopped, ///< the subject is there, and nothing rises any more
    ended,   ///< it grew, and is gone: it holds nothing, has exited, or was released
};

namespace detail {
inline constexpr text_for<growth_change> growth_change_names[] = {
    {growth_change::grows, "grows"},
    {growth_change::stopped, "stopped"},
    {growth_change::ended, "ended"},
};
static_assert(are_in_order(growth_change_names, growth_change::ended));

/// FNV-1a.
constexpr std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (char const c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

constexpr std::string_view end_of(std::string_view text, std::size_t size) {
    return text.size() > size ? text.substr(text.size() - size) : text;
}

/// The key that tells one series from all others, and their order.
struct series_key {
    subject_kind kind = subject_kind::process;
    std::int32_t pid = 0;
    std::uint64_t start_ticks = 0;
    std::uint64_t inode = 0;
    std::uint64_t name_hash = 0;
    std::string_view name; ///< its end, where it is long
    measure what = measure::bytes;

    friend constexpr auto operator<=>(series_key const&, series_key const&) = default;
};

/// Whether the name of a subject identifies it. The name of a process may change.
constexpr bool is_named(growth_subject const& of) {
    return of.pid == 0 && of.inode == 0;
}

constexpr series_key key_of(growth_series const& one) {
    return {one.of.kind,
            one.of.pid,
            one.of.start_ticks,
            one.of.inode,
            one.name_hash,
            detail::is_named(one.of) ? one.of.name.view() : std::string_view(),
            one.what};
}

/// The maker as a subject, but for its name. Those that have ended have no pid: many of one name
/// may leave a buffer each.
constexpr growth_subject subject_of(actor const& maker) {
    bool const ended = maker.now == process_state::ended || maker.now == process_state::replaced;
    if (ended) return {subject_kind::maker, 0, 0, 0, {}};
    return {subject_kind::maker, maker.pid, maker.start_ticks(), 0, {}};
}

/// An amount that a look tells.
struct told_amount {
    series_key key;
    std::string_view name; ///< to print
    std::uint64_t value = 0;
};

} // namespace detail

/// The word for the value in reports and in JSON.
constexpr std::string_view name_of(growth_change what) {
    return detail::text_of(detail::growth_change_names, what, "grows");
}

} // namespace v0
} // namespace dmabuf
