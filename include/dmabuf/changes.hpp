// SPDX-License-Identifier: MIT
//
// The difference between two snapshots as values: rows of processes, buffers, exporters, makers,
// users and cgroups, each with its amounts in both. No system call. dmabuf/diff.hpp fills them in.
#pragma once

#include <dmabuf/groups.hpp>

#include <optional>
#include <span>

namespace dmabuf {
inline namespace v0 {

/// How well a snapshot knows an amount.
enum class certainty : std::uint8_t {
    unknown,
    exact,
    at_least, ///< some of the system was out of sight
    at_most,  ///< something may have been counted twice, or may have more holders
};

/// An amount in one snapshot.
struct amount {
    std::uint64_t value = 0; ///< 0 where it is unknown
    certainty how = certainty::unknown;

    /// Whether `value` is the amount, and no bound of it.
    [[nodiscard]] constexpr bool exact() const { return how == certainty::exact; }
    friend constexpr bool operator==(amount const&, amount const&) = default;
};

/// An amount in both snapshots.
struct amount_change {
    amount before;
    amount after;

    /// `after`, less `before`. Nothing where one of them is not exact, or the difference does not
    /// fit.
    [[nodiscard]] constexpr std::optional<std::int64_t> difference() const {
        if (!before.exact() || !after.exact()) return std::nullopt;
        auto const signed_difference = static_cast<std::int64_t>(after.value - before.value);
        if ((signed_difference < 0) != (after.value < before.value)) return std::nullopt;
        return signed_difference;
    }

    /// Whether both snapshots tell an amount, be it a bound, and the two differ.
    [[nodiscard]] constexpr bool differs() const {
        return before.how != certainty::unknown && after.how != certainty::unknown &&
               before.value != after.value;
    }

    /// Whether the difference is unknown though a snapshot tells something.
    [[nodiscard]] constexpr bool doubtful() const {
        bool const told = before.how != certainty::unknown || after.how != certainty::unknown;
        return told && !(before.exact() && after.exact());
    }

    /// Whether it is more than before, as far as was seen: by bounds of the same kind too.
    [[nodiscard]] constexpr bool grew() const {
        return before.how == after.how && before.value < after.value;
    }
};

/// Whether a row is in one snapshot alone. An amount of the other snapshot is an exact 0 where
/// nothing was out of sight there, and else unknown: then the process or buffer may have been there
/// too.
enum class change : std::uint8_t { appeared, gone, changed };

/// The amounts that one process, or a group of processes, holds.
struct holding_change {
    change what = change::changed;
    amount_change buffers; ///< different ones
    amount_change descriptors;
    amount_change mappings;
    amount_change mapped_bytes;
    amount_change rss_bytes;
    amount_change pss_bytes;
    amount_change uss_bytes;

    /// Calls `visit(name, amount_change)` for each amount. The names are those of the members.
    template<class Visit>
    constexpr void for_each_amount(Visit visit) const {
        visit("buffers", buffers);
        visit("descriptors", descriptors);
        visit("mappings", mappings);
        visit("mapped_bytes", mapped_bytes);
        visit("rss_bytes", rss_bytes);
        visit("pss_bytes", pss_bytes);
        visit("uss_bytes", uss_bytes);
    }

    /// Whether there are more buffers, descriptors or mappings than before. Look here first for a
    /// leak.
    [[nodiscard]] constexpr bool grew() const {
        return buffers.grew() || descriptors.grew() || mappings.grew();
    }
};

/// A holder that appeared or is gone, or one of whose amounts changed. Pid and start time identify
/// a process. When a pid is used again, the old process is gone and the new one appeared.
struct holder_change : holding_change {
    std::int32_t pid = 0;
    std::uint32_t uid = 0;
    std::uint64_t start_ticks = 0;
    process_name comm;              ///< raw bytes: print `escaped(comm)`
    std::size_t buffers_gained = 0; ///< held after, not before, as far as was seen
    std::size_t buffers_lost = 0;   ///< held before, not after, as far as was seen
};

/// The processes of one user, or in one cgroup.
struct group_change : holding_change {
    std::uint32_t before = no_cgroup; ///< the uid, or for `snapshot::cgroup_name()` of the earlier
    std::uint32_t after = no_cgroup;  ///< the uid, or for `snapshot::cgroup_name()` of the later
    amount_change processes;

    /// Calls `visit(name, amount_change)` for each amount. The names are those of the members.
    template<class Visit>
    constexpr void for_each_amount(Visit visit) const {
        visit("processes", processes);
        holding_change::for_each_amount(visit);
    }
};

/// The place of a buffer in one snapshot.
enum class presence : std::uint8_t {
    unknown, ///< held by no process seen. Whether it exists is not known
    absent,  ///< it does not exist
    held,
    unheld, ///< it exists, and no process seen holds it
};

namespace detail {
inline constexpr text_for<presence> presence_names[] = {
    {presence::unknown, "unknown"},
    {presence::absent, "absent"},
    {presence::held, "held"},
    {presence::unheld, "unheld"},
};
static_assert(are_in_order(presence_names, presence::unheld));

inline constexpr text_for<certainty> certainty_names[] = {
    {certainty::unknown, "unknown"},
    {certainty::exact, "exact"},
    {certainty::at_least, "at_least"},
    {certainty::at_most, "at_most"},
};
static_assert(are_in_order(certainty_names, certainty::at_most));
} // namespace detail

/// The word for the value in JSON.
constexpr std::string_view name_of(presence where) {
    return detail::text_of(detail::presence_names, where, "unknown");
}
constexpr std::string_view name_of(certainty how) {
    return detail::text_of(detail::certainty_names, how, "unknown");
}

/// A buffer that appeared, is gone, or is held, mapped, attached or referred to in another way than
/// before. A buffer that the last process let go of and that still exists is `unheld`, not gone.
/// Buffers of one inode that differ in size or exporter are two.
struct buffer_change {
    change what = change::changed;
    presence before = presence::unknown;
    presence after = presence::unknown;
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    bool size_known = false;
    exporter_name exporter;     ///< raw bytes: print `escaped(exporter)`. Empty: not known
    bool other_devices = false; ///< the attached devices are known in both, and are not the same
    amount_change holders;
    amount_change descriptors;
    amount_change mappings;
    amount_change mapped_bytes;
    amount_change references;       ///< `reference_count::count`
    amount_change other_references; ///< `reference_count::other_references`
    amount_change attachments;      ///< of all devices

    /// Calls `visit(name, amount_change)` for each amount. The names are those of the members.
    template<class Visit>
    constexpr void for_each_amount(Visit visit) const {
        visit("holders", holders);
        visit("descriptors", descriptors);
        visit("mappings", mappings);
        visit("mapped_bytes", mapped_bytes);
        visit("references", references);
        visit("other_references", other_references);
        visit("attachments", attachments);
    }
};

/// The amounts of buffers that have an exporter, or a maker, in common.
struct buffers_change {
    change what = change::changed;
    amount_change buffers;
    amount_change size_bytes;
    amount_change descriptors;
    amount_change mappings;
    amount_change mapped_bytes;
    amount_change unheld_buffers;
    amount_change unheld_bytes;
    amount_change references;
    amount_change other_references;
    amount_change attachments;

    /// Calls `visit(name, amount_change)` for each amount. The names are those of the members.
    template<class Visit>
    constexpr void for_each_amount(Visit visit) const {
        visit("buffers", buffers);
        visit("size_bytes", size_bytes);
        visit("descriptors", descriptors);
        visit("mappings", mappings);
        visit("mapped_bytes", mapped_bytes);
        visit("unheld_buffers", unheld_buffers);
        visit("unheld_bytes", unheld_bytes);
        visit("references", references);
        visit("other_references", other_references);
        visit("attachments", attachments);
    }
};

/// The buffers of one exporter. Those whose exporter is unknown are one row.
struct exporter_change : buffers_change {
    exporter_name name; ///< raw bytes: print `escaped(name)`. Empty: not known
};

/// The buffers of one maker. Where `state` is not `made_by`, all buffers in that state are one row.
struct maker_change : buffers_change {
    origin_state state = origin_state::not_watched;
    /// The names are those of the newest buffer, of the later snapshot where it has one.
    actor maker;
};

/// Whether both snapshots are of the same boot of the same machine.
enum class boots : std::uint8_t { same, different };

/// All changes. A row without a visible change is left out. Reused, it keeps its memory.
struct snapshot_diff {
    std::vector<holder_change> holders;     ///< in ascending order of pid
    std::vector<buffer_change> buffers;     ///< held and unheld, in ascending order of inode
    std::vector<exporter_change> exporters; ///< in ascending order of name; see `exporters_known`
    std::vector<maker_change> makers;       ///< by pid and start; see `makers_known`
    std::vector<group_change> users;        ///< in ascending order of uid
    std::vector<group_change> cgroups;      ///< in ascending order of path; see `cgroups_known`
    bool exporters_known = false;           ///< both snapshots tell exporters
    bool makers_known = false;              ///< both snapshots, of one boot, tell makers
    bool cgroups_known = false;             ///< both snapshots tell cgroups
    amount_change held_buffers;
    amount_change held_bytes;
    amount_change unheld_buffers;
    amount_change unheld_bytes;

    /// Rows that were left out though a change of theirs is unknown: an amount that one snapshot
    /// alone tells, or that either tells within bounds.
    struct {
        std::size_t holders = 0;
        std::size_t buffers = 0;
        std::size_t exporters = 0;
        std::size_t makers = 0;
        std::size_t users = 0;
        std::size_t cgroups = 0;
    } doubtful;

    /// Scratch memory of `diff()`.
    struct memory {
        /// A buffer of one snapshot: held or not, and its place among those.
        struct place {
            std::uint32_t index;
            bool held;
        };
        /// A buffer of either snapshot, to be added up with others.
        struct member {
            buffer const* which;
            exporter_name const* exporter;
            origin const* made; ///< null: the snapshot does not tell
            std::uint32_t index;
            bool held;
            bool later; ///< of the snapshot after
        };
        /// The cgroup of a holder in one snapshot.
        struct path {
            std::string_view text;
            std::uint32_t index;
            bool later;
        };
        std::vector<place> places[2];
        std::vector<std::uint64_t> mapped[2]; ///< bytes, by held buffer
        std::vector<std::uint32_t> same;      ///< the later place of each earlier held buffer
        std::vector<member> members;
        std::vector<path> paths;
        std::vector<std::uint32_t> numbers[2]; ///< of cgroups, by path
        std::vector<std::uint32_t> first[2];   ///< a cgroup that has the number
        group_sums sums[2];
    } scratch;
};

} // namespace v0
} // namespace dmabuf
