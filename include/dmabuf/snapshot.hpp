// SPDX-License-Identifier: MIT
//
// The account as values: the buffers and their holders. No system call. dmabuf/account.hpp fills in
// the sums, dmabuf/coverage.hpp has the coverage.
#pragma once

#include <dmabuf/coverage.hpp>
#include <dmabuf/detail/sort.hpp>
#include <dmabuf/names.hpp>
#include <dmabuf/result.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace dmabuf {
inline namespace v0 {

/// An exporter by its number in one snapshot; `snapshot::exporter_of()` has the name. Buffers of
/// one snapshot have the same number where their exporters have the same name. A name that was cut,
/// since it was longer than an `exporter_name`, gets a number of its own for each buffer. Compare
/// exporters of two snapshots by name, not by number.
enum class exporter_id : std::uint32_t { unknown = 0 };

/// A number that depends on all processes, as the share of a buffer does. Unknown where a sample is
/// of one process alone. As large as the number itself: the pages of a snapshot cost.
template<class Number>
class known_number {
public:
    constexpr known_number(Number number = 0)
        : number_(number) {}

    /// The number that is not known.
    static constexpr known_number unknown() { return known_number(none); }

    /// Whether the number is known.
    [[nodiscard]] constexpr bool has_value() const { return number_ != none; }
    /// The number. Stops the program where it is unknown, in every build.
    [[nodiscard]] constexpr Number operator*() const {
        detail::stop_if(!has_value());
        return number_;
    }
    /// The number, or `other` where it is unknown.
    [[nodiscard]] constexpr Number value_or(Number other) const {
        return has_value() ? number_ : other;
    }

    /// A sum with an unknown number is unknown.
    constexpr known_number& operator+=(known_number const& more) {
        number_ = has_value() && more.has_value() ? number_ + more.number_ : none;
        return *this;
    }

    /// In order, the unknown last.
    constexpr auto operator<=>(known_number const&) const = default;

private:
    static constexpr Number none = ~Number{0};

    Number number_;
};

/// One DMA-BUF.
struct buffer {
    std::uint64_t inode = 0;      ///< identifies it; never used again since 5.18 (stable 5.15)
    std::uint64_t size_bytes = 0; ///< 0 where `size_known` is false
    bool size_known = false;      ///< false also of sizes too large to be true: see `account()`
    bool name_known = false;      ///< false also where names were not asked for
    bool named = false;           ///< somebody set a name, be it an empty one
    buffer_name name;             ///< raw bytes that a holder chose: print `escaped(name)`
    exporter_id exporter = exporter_id::unknown; ///< also where it was not asked for
    known_number<std::uint32_t> holders{};       ///< processes seen holding it
    /// In all distinct tables of all processes seen, O_PATH included.
    std::uint32_t descriptors = 0;
    std::uint32_t mappings = 0;
};

/// The cgroup was not asked for, or could not be read.
inline constexpr std::uint32_t no_cgroup = ~std::uint32_t{0};

/// One process that holds at least one DMA-BUF.
struct holder {
    std::int32_t pid = 0;            ///< of the thread group
    std::uint32_t uid = 0;           ///< effective
    std::uint64_t start_ticks = 0;   ///< with `pid`, names this process and no later one
    process_name comm;               ///< raw bytes that the process chose: print `escaped(comm)`
    std::size_t first_reference = 0; ///< index into `snapshot::references`
    std::size_t reference_count = 0; ///< buffers held
    std::uint64_t rss_bytes = 0;     ///< full size of every buffer it references
    /// Its share, each buffer's size being split over its holders.
    known_number<std::uint64_t> pss_bytes{};
    known_number<std::uint64_t> uss_bytes{}; ///< of the buffers that no other process seen holds
    std::uint64_t mapped_bytes = 0;    ///< address space that maps buffers, each mapping counted
    std::uint32_t unsized_buffers = 0; ///< of unknown size, and so in none of the three sums
    std::uint32_t cgroup = no_cgroup;  ///< for `snapshot::cgroup_name()`
    bool partly_seen = false; ///< a table or its mappings could not be read: it may hold more
};

/// One process holds one buffer: how often, by descriptor and by mapping.
struct reference {
    std::uint32_t holder = 0;           ///< index into `snapshot::holders`
    std::uint32_t buffer = 0;           ///< index into `snapshot::buffers`
    std::uint32_t descriptors = 0;      ///< in all distinct tables of the process
    std::uint32_t path_descriptors = 0; ///< of these, opened with O_PATH: `coverage::paths_marked`
    std::uint32_t mappings = 0;
    std::uint64_t mapped_bytes = 0;
};

/// The references to one buffer's file, as the kernel counts them: one for each ordinary descriptor
/// of each table, and each mapping of each memory map; those of descriptors in flight over a
/// socket, of an io_uring's fixed files, and of drivers. They are references, not holders. An
/// exported GEM object holds one on its own buffer, and the PRIME cache of each DRM file that
/// exported or imported the buffer one more, so two are ordinary for the exporter "drm". An
/// attached device holds none for its attachment. An O_PATH descriptor is a file of its own.
struct reference_count {
    std::uint64_t inode = 0;
    std::uint64_t count = 0;            ///< without those of the reader
    std::uint64_t other_references = 0; ///< `count`, less those that processes were seen to have: a
                                        ///< table or memory map that two processes share once
    /// False where other references are unknown, since `coverage::complete()` is false. Also of a
    /// buffer that processes hold, if O_PATH descriptors are not marked, a table may have been read
    /// twice, or the processes were seen to have more references than `count`, being read at
    /// another moment.
    bool others_known = false;
    bool devices_known = false; ///< `attachments` has all devices that are attached
};

/// A device that is attached to a buffer.
struct attachment {
    std::uint64_t inode = 0; ///< of the buffer
    device_name device;
    std::uint32_t times = 0;
};

/// The state of a process that did something earlier.
enum class process_state : std::uint8_t {
    unknown, ///< /proc does not show it, or could not be read
    runs,
    ended,
    replaced, ///< it ended, and its number is another process's now
};

namespace detail {
/// A start time since boot in clock ticks, as /proc/P/stat shows it: of 10 ms each (USER_HZ).
constexpr std::uint64_t ticks_of(std::uint64_t start_ns) {
    return start_ns / 10'000'000U;
}
} // namespace detail

/// The process that exported a buffer or attached a device to one, as it was then.
struct actor {
    std::int32_t pid = 0;       ///< of the thread group
    std::int32_t tid = 0;       ///< of the thread that did it
    std::uint32_t uid = 0;      ///< effective, of that thread
    std::uint64_t start_ns = 0; ///< since boot; with `pid`, names this process and no later one
    task_name comm;             ///< of the group's leader, raw bytes: print `escaped(comm)`
    task_name thread_comm;      ///< of the thread that did it, likewise
    process_state now = process_state::unknown;

    /// The start time in clock ticks, as in `holder::start_ticks`.
    [[nodiscard]] constexpr std::uint64_t start_ticks() const { return detail::ticks_of(start_ns); }
    /// Whether this is the process `who`, and no later one of its number.
    [[nodiscard]] constexpr bool is(holder const& who) const {
        return pid == who.pid && start_ticks() == who.start_ticks;
    }
};

/// The knowledge of a buffer's maker.
enum class origin_state : std::uint8_t {
    not_watched,  ///< nothing is pinned that watches, or the caller may not read it
    made_by,      ///< a record names the maker
    before_watch, ///< it was made before the watch began
    missed,       ///< it was made under the watch, which lost the event
    no_room,      ///< the same, since there were as many records as there is room for
    uncertain,    ///< the records do not tell: they changed while they were read, or the buffer has
                  ///< been released since; before Linux 5.18 also where two buffers can have one
                  ///< inode, or where the watch lost events
};

/// The origin of one buffer: the process that called dma_buf_export() for it. That is the process
/// that asked for the memory, but for two cases. An allocator service exports for its clients, and
/// a DRM driver exports a buffer when its owner first shares it.
struct origin {
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    origin_state state = origin_state::not_watched; ///< but for `made_by` nothing below is known
    std::uint64_t made_ns = 0;                      ///< since boot
    std::uint64_t cgroup = 0; ///< id of the maker's in the v2 hierarchy, an inode; 0: none
    actor maker;
};

/// A device that was attached to a buffer under the watch, and still is.
struct watched_attachment {
    std::uint64_t inode = 0; ///< of the buffer
    std::uint64_t size_bytes = 0;
    bool named = true;             ///< false: the device's name could not be read
    device_name device;            ///< of the importing device
    std::uint64_t attached_ns = 0; ///< since boot
    actor importer;
};

/// The watch over exports and attaching that tells origins, and its completeness.
struct origin_watch {
    bool origins_read = false;
    bool attachments_read = false;
    /// No list of all buffers was compared, and `snapshot::unheld` has the buffers that the watch
    /// knows: those made since it began. How many there are in all stays unknown.
    bool tells_unheld = false;
    failure why_no_origins;     ///< `error` 0: they were read, or not asked for
    failure why_no_attachments; ///< the same
    std::uint64_t now_ns = 0;   ///< boot time at which the origins were read; 0: unknown
    std::uint64_t since_ns = 0; ///< boot time at which the watch began
    std::uint64_t room = 0;     ///< buffers that it can know at a time
    std::uint64_t no_room = 0;  ///< exports that found no room
    std::uint64_t failed = 0;   ///< exports that could not be noted for another reason
    known_number<std::uint64_t> attachments_lost{}; ///< the sum of all three, of attachments
    /// Attachments that may be told though they have ended.
    known_number<std::uint64_t> attachments_left_over{};
    /// Exports for which the kernel did not run the program, since it was running already.
    known_number<std::uint64_t> missed{};
    std::uint64_t changes = 0; ///< exports and releases while the records were read

    /// The time since `then`, a boot time; 0 where the clock is unknown.
    [[nodiscard]] constexpr std::uint64_t age_ns(std::uint64_t then) const {
        return now_ns > then ? now_ns - then : 0;
    }
};

/// The buffers of one exporter, added up.
struct exporter_total {
    exporter_name name; ///< empty: not known
    exporter_id exporter = exporter_id::unknown;
    std::uint32_t buffers = 0;
    std::uint64_t size_bytes = 0;
};

namespace detail {
inline constexpr text_for<origin_state> origin_state_names[] = {
    {origin_state::not_watched, "not_watched"},   {origin_state::made_by, "made_by"},
    {origin_state::before_watch, "before_watch"}, {origin_state::missed, "missed"},
    {origin_state::no_room, "no_room"},           {origin_state::uncertain, "uncertain"},
};
static_assert(are_in_order(origin_state_names, origin_state::uncertain));

inline constexpr text_for<process_state> process_state_names[] = {
    {process_state::unknown, "unknown"},
    {process_state::runs, "runs"},
    {process_state::ended, "ended"},
    {process_state::replaced, "replaced"},
};
static_assert(are_in_order(process_state_names, process_state::replaced));
} // namespace detail

/// The word for the value in reports and in JSON.
constexpr std::string_view name_of(origin_state how) {
    return detail::text_of(detail::origin_state_names, how, "not_watched");
}
constexpr std::string_view name_of(process_state how) {
    return detail::text_of(detail::process_state_names, how, "unknown");
}

/// The largest size of a system that gets room beforehand: see `sampler::reserve()`.
struct capacity {
    std::size_t buffers = 0;    ///< of the whole system
    std::size_t holders = 0;    ///< processes that hold buffers
    std::size_t references = 0; ///< buffers held, added up over the holders
    /// Descriptors of buffers in the tables of one process, and its mappings.
    std::size_t per_process = 4096;
    std::size_t threads = 4096;      ///< of one process
    std::size_t exporters = 32;      ///< different ones
    std::size_t cgroup_bytes = 4096; ///< the holders' different cgroup paths, one after the other
    std::size_t origins = 0;         ///< buffers whose makers are asked for
    std::size_t watched_attachments = 0; ///< of these buffers
    std::size_t unread = 4096;           ///< processes that cannot be read
};

namespace detail {

/// The place of the first element with this inode, or for it, in a range that is sorted by inode.
template<class Range>
constexpr std::size_t first_of_inode(Range const& all, std::uint64_t inode) {
    return detail::lower_bound(
        all, inode, [](auto const& one, std::uint64_t number) { return one.inode < number; });
}

} // namespace detail

/// One sample: buffers, holders, references, sums and coverage. Reused, it keeps its memory: the
/// second `sample()` allocates nothing.
struct snapshot {
    std::vector<buffer> buffers;           ///< in ascending order of inode
    std::vector<holder> holders;           ///< in ascending order of pid
    std::vector<reference> references;     ///< by holder, then by buffer
    std::vector<exporter_total> exporters; ///< in descending order of bytes
    /// Buffers that the kernel lists and no process seen holds. A driver, a descriptor in flight
    /// over a socket, an io_uring, or a process that was not seen holds them. Unknown, and so
    /// empty, unless `coverage::buffers_compared()`; a part of them, without exporter and name,
    /// where `watch.tells_unheld`.
    std::vector<buffer> unheld;
    /// The references to `buffers` and `unheld`, in ascending order of inode; with
    /// `sample_options::counts` only.
    /// A buffer is left out where nothing told its count.
    std::vector<reference_count> counts;
    /// The devices attached to the same buffers, in ascending order of inode, where the kernel's
    /// list tells them.
    std::vector<attachment> attachments;
    /// The origin of each of `buffers` and `unheld` whose maker was asked for
    /// (`sample_options::origins`), in ascending order of inode, then of size. Empty where `watch`
    /// tells why they were not read.
    std::vector<origin> origins;
    /// The devices attached to the same buffers under the watch, in the same order, then in that of
    /// attaching.
    std::vector<watched_attachment> watched_attachments;
    origin_watch watch;
    dmabuf::coverage coverage;
    std::uint64_t begin_ns = 0; ///< CLOCK_MONOTONIC
    std::uint64_t end_ns = 0;
    std::uint64_t total_bytes = 0;  ///< of all buffers held, where their size is known
    std::uint64_t unheld_bytes = 0; ///< unknown unless `coverage::buffers_compared()`

    /// The different cgroups of the holders. The paths lie in `cgroup_text`: see `cgroup_name()`.
    struct cgroup_path {
        std::size_t begin = 0;
        std::size_t size = 0;
    };
    std::vector<cgroup_path> cgroups;
    std::vector<char> cgroup_text;

    std::vector<exporter_name> exporter_names; ///< of `exporter_id{1}`, `exporter_id{2}` …

    /// The pids of the processes that `coverage` counts as denied or failed, in the order of /proc.
    /// One that was read in part is among `holders`, too.
    std::vector<std::int32_t> unread;

    /// The exporter of one of `buffers` or `unheld`, raw bytes: print `escaped(name)`. Empty where
    /// it is not known.
    /// Lifetime: that of the snapshot.
    template<class = detail::if_called>
    [[nodiscard]] exporter_name const& exporter_of(buffer const& one) const& {
        static constexpr exporter_name unknown;
        auto const number = static_cast<std::size_t>(one.exporter);
        return number == 0 ? unknown : exporter_names[number - 1];
    }
    template<class = detail::if_called>
    void exporter_of(buffer const& one) const&& = delete;

    /// The references of `who`, one for each buffer that it holds.
    /// Lifetime: that of the snapshot.
    template<class = detail::if_called>
    [[nodiscard]] std::span<reference const> references_of(holder const& who) const& {
        return std::span(references).subspan(who.first_reference, who.reference_count);
    }
    template<class = detail::if_called>
    void references_of(holder const& who) const&& = delete; // they go with the snapshot

    /// The references to one of `buffers` or `unheld`. Null where they are not known.
    /// Lifetime: that of the snapshot.
    template<class = detail::if_called>
    [[nodiscard]] reference_count const* count_of(buffer const& one) const& {
        auto const at = detail::first_of_inode(counts, one.inode);
        return at < counts.size() && counts[at].inode == one.inode ? &counts[at] : nullptr;
    }
    template<class = detail::if_called>
    void count_of(buffer const& one) const&& = delete;

    /// The devices that are attached to one of `buffers` or `unheld`. Empty also where they are not
    /// known: see `reference_count::devices_known`.
    /// Lifetime: that of the snapshot.
    template<class = detail::if_called>
    [[nodiscard]] std::span<attachment const> attachments_of(buffer const& one) const& {
        auto const first = detail::first_of_inode(attachments, one.inode);
        auto last = first;
        while (last < attachments.size() && attachments[last].inode == one.inode)
            ++last;
        return std::span(attachments).subspan(first, last - first);
    }
    template<class = detail::if_called>
    void attachments_of(buffer const& one) const&& = delete;

    /// The origin of one of `buffers` or `unheld`. Null where it was not asked for or not read.
    /// Lifetime: that of the snapshot.
    template<class = detail::if_called>
    [[nodiscard]] origin const* origin_of(buffer const& one) const& {
        for (auto at = detail::first_of_inode(origins, one.inode);
             at < origins.size() && origins[at].inode == one.inode; ++at)
            if (!one.size_known || origins[at].size_bytes == one.size_bytes) return &origins[at];
        return nullptr;
    }
    template<class = detail::if_called>
    void origin_of(buffer const& one) const&& = delete;

    /// The devices that were attached under the watch to one of `buffers` or `unheld`.
    /// Lifetime: that of the snapshot.
    template<class = detail::if_called>
    [[nodiscard]] std::span<watched_attachment const>
    watched_attachments_of(buffer const& one) const& {
        auto const& all = watched_attachments;
        auto first = detail::first_of_inode(all, one.inode);
        auto const is_of = [&](std::size_t at) {
            return at < all.size() && all[at].inode == one.inode;
        };
        while (is_of(first) && one.size_known && all[first].size_bytes != one.size_bytes)
            ++first;
        auto last = first;
        while (is_of(last) && all[last].size_bytes == all[first].size_bytes)
            ++last;
        return std::span(all).subspan(first, last - first);
    }
    template<class = detail::if_called>
    void watched_attachments_of(buffer const& one) const&& = delete;

    /// The path of a holder's cgroup; empty for `no_cgroup`.
    /// Lifetime: that of the snapshot.
    template<class = detail::if_called>
    [[nodiscard]] std::string_view cgroup_name(std::uint32_t cgroup) const& {
        if (cgroup >= cgroups.size()) return {};
        return std::string_view(cgroup_text.data(), cgroup_text.size())
            .substr(cgroups[cgroup].begin, cgroups[cgroup].size);
    }
    template<class = detail::if_called>
    void cgroup_name(std::uint32_t cgroup) const&& = delete;

    /// Empties the snapshot and keeps its memory.
    template<class = detail::if_called>
    void clear() {
        buffers.clear();
        holders.clear();
        references.clear();
        exporters.clear();
        unheld.clear();
        counts.clear();
        attachments.clear();
        origins.clear();
        watched_attachments.clear();
        watch = {};
        cgroups.clear();
        cgroup_text.clear();
        exporter_names.clear();
        coverage = {};
        unread.clear();
        begin_ns = end_ns = total_bytes = unheld_bytes = 0;
    }

    /// Makes room for a snapshot of a system up to the size of `most`. See `sampler::reserve()`.
    /// Cost: nine allocations, eleven with room for origins and attachments.
    template<class = detail::if_called>
    void reserve(capacity const& most) {
        buffers.reserve(2 * most.buffers); // those of the sample before may still be among them
        holders.reserve(most.holders);
        references.reserve(most.references + 2 * most.per_process); // a process's each on its own
        exporters.reserve(most.exporters + 1);                      // unknown is one
        exporter_names.reserve(most.exporters);
        unheld.reserve(most.buffers);
        cgroups.reserve(most.holders);
        cgroup_text.reserve(most.cgroup_bytes);
        unread.reserve(most.unread);
        if (most.origins != 0) origins.reserve(most.origins);
        if (most.watched_attachments != 0) watched_attachments.reserve(most.watched_attachments);
    }
};

} // namespace v0
} // namespace dmabuf
