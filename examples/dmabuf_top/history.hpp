// SPDX-License-Identifier: MIT
//
// The amounts of the last minutes, for sparklines. Pure values.
#pragma once

#include <dmabuf/growing/series.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dmabuf_top {

/// A number for a subject: two subjects with one number would share a sparkline.
std::uint64_t key_of(dmabuf::growth_subject const& of, std::string_view name);

/// Keeps the highest amount of each step of time. Reused, it keeps its memory.
/// Cost: a sort of the amounts of each look.
class history {
public:
    static constexpr std::size_t steps = 12;
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};
    using amounts = std::array<std::uint64_t, steps>; ///< the latest last

    explicit history(std::uint64_t step_ns)
        : step_ns_(step_ns) {}

    /// Begins a look. A time that is not later than the one before begins all anew.
    void begin(std::uint64_t time_ns);
    /// Amounts of one key add up.
    void add(std::uint64_t key, std::uint64_t value) { told_.push_back({key, value}); }
    /// Ends the look: of what was not told, nothing is kept.
    void end();

    /// Null where the last look did not tell of it.
    [[nodiscard]] amounts const* of(std::uint64_t key) const;

private:
    struct told {
        std::uint64_t key;
        std::uint64_t value;
    };
    struct series {
        std::uint64_t key;
        amounts values;
    };

    void combine();
    void keep(series const* before, told const& now);

    std::uint64_t step_ns_;
    std::uint64_t step_ = 0;     ///< number of the latest one
    std::size_t passed_ = steps; ///< steps since the look before
    std::vector<told> told_;
    std::vector<series> all_; ///< in ascending order of key
    std::vector<series> before_;
};

} // namespace dmabuf_top
