// SPDX-License-Identifier: MIT
//
// One side of a comparison: how well its snapshot knows amounts, and where they go.
#pragma once

#include <dmabuf/changes.hpp>

namespace dmabuf {
inline namespace v0 {
namespace detail {

/// The certainty of a value that two sources limit.
constexpr certainty weaker(certainty a, certainty b) {
    if (a == certainty::exact || a == b) return b;
    return b == certainty::exact ? a : certainty::unknown;
}

/// "At least 0" tells nothing, and "at most 0" all.
constexpr amount amount_of(std::uint64_t value, certainty how) {
    if (value == 0 && how == certainty::at_least) how = certainty::unknown;
    if (value == 0 && how == certainty::at_most) how = certainty::exact;
    return {how == certainty::unknown ? 0 : value, how};
}

constexpr certainty exact_if(bool condition, certainty otherwise) {
    return condition ? certainty::exact : otherwise;
}

/// The certainty of the amounts of a snapshot, by its coverage.
struct knowledge {
    certainty seen;        ///< of the holdings of all processes
    certainty own;         ///< of the holdings of a process that was seen
    certainty tables;      ///< of descriptors
    certainty maps;        ///< of mappings
    certainty only_mapped; ///< of buffers, some of which may be only mapped
    certainty sized;       ///< of bytes
    certainty shares;      ///< of pss and uss: processes out of sight may share a buffer
    certainty unheld;      ///< of the buffers that no process seen holds
    certainty exporters;   ///< of the buffers of an exporter
    certainty cgroups;     ///< of the processes in a cgroup
    bool absence;          ///< a buffer that is neither held nor unheld does not exist

    constexpr explicit knowledge(coverage const& of) {
        auto const least = certainty::at_least;
        bool const failed =
            of.processes_failed != 0 || of.descriptors_failed != 0 || of.undecided != 0;
        bool const all = !failed && of.proc_shows == visibility::everything &&
                         of.processes_denied == 0 && of.alone_pid == 0 &&
                         of.indistinct.kernel_major == 0;
        seen = exact_if(all, least);
        own = exact_if(!failed, least);
        tables = exact_if(of.tables_uncertain == 0, certainty::at_most);
        maps = exact_if(of.mappings_read, certainty::unknown);
        only_mapped = exact_if(of.mappings_read, least);
        sized = exact_if(of.buffers_unsized == 0, least);
        shares = exact_if(of.complete(), certainty::at_most);
        bool const whole = of.odd_rows == 0 && of.buffers_leaving == 0;
        unheld = !of.buffers_compared()
                     ? certainty::unknown
                     : weaker(exact_if(whole, least), exact_if(all, certainty::at_most));
        exporters = exact_if(of.buffers_undescribed == 0, least);
        cgroups = exact_if(of.cgroups_unknown == 0, least);
        absence = all && of.mappings_read && of.buffers_compared() && whole;
    }
};

/// One side of a comparison.
struct compared {
    snapshot const* now;
    knowledge knows;
    amount amount_change::* side; ///< where its amounts go
    bool later;

    compared(snapshot const& which, bool is_later)
        : now(&which)
        , knows(which.coverage)
        , side(is_later ? &amount_change::after : &amount_change::before)
        , later(is_later) {}

    /// Notes an amount of this side.
    template<class... More>
    constexpr void tell(amount_change& where, std::uint64_t value, certainty how,
                        More... more) const {
        ((how = weaker(how, more)), ...);
        where.*side = amount_of(value, how);
    }
    template<class Number, class... More>
    constexpr void tell(amount_change& where, known_number<Number> value, certainty how,
                        More... more) const {
        tell(where, std::uint64_t{value.value_or(0)}, value.has_value() ? how : certainty::unknown,
             more...);
    }
};

/// Walks two sorted ranges side by side. `order(a, b)` is below 0, 0 or above 0, as `a` is before,
/// with or behind `b`. `visit(a, b)` gets pointers to each element and its counterpart; null where
/// there is none.
template<class Before, class After, class Order, class Visit>
constexpr void side_by_side(Before const& before, After const& after, Order order, Visit visit) {
    std::size_t a = 0;
    std::size_t b = 0;
    while (a < before.size() || b < after.size()) {
        int const which = a == before.size()  ? 1
                          : b == after.size() ? -1
                                              : order(before[a], after[b]);
        visit(which <= 0 ? &before[a] : nullptr, which >= 0 ? &after[b] : nullptr);
        a += which <= 0 ? 1U : 0U;
        b += which >= 0 ? 1U : 0U;
    }
}

template<class Value>
constexpr int order_of(Value const& a, Value const& b) {
    return a < b ? -1 : b < a ? 1 : 0;
}

constexpr change change_of(bool was, bool is) {
    return was && is ? change::changed : is ? change::appeared : change::gone;
}

/// Keeps a row that appeared, is gone, or has an amount that changed. Counts a row that is left out
/// in doubt.
template<class Row>
constexpr void keep_changed(Row const& row, bool changed, std::vector<Row>& rows,
                            std::size_t& in_doubt) {
    bool doubtful = false;
    row.for_each_amount([&](auto const&, amount_change const& one) {
        changed = changed || one.differs();
        doubtful = doubtful || one.doubtful();
    });
    if (changed || row.what != change::changed)
        rows.push_back(row);
    else
        in_doubt += doubtful ? 1U : 0U;
}

} // namespace detail
} // namespace v0
} // namespace dmabuf
