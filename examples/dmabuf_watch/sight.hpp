// SPDX-License-Identifier: MIT
//
// Gaps of a look, in words on stderr, each kind once.
#pragma once

#include <dmabuf/snapshot.hpp>

#include "report/rights.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace dmabuf_watch {

class sight {
public:
    /// Says what is missing where that is new, and that another source serves than before.
    void look(dmabuf::snapshot const& now, report::rights const& mine);

    /// A look that could not be taken at all. The words of one reason are said once in a row.
    void fail(std::string_view why);

    [[nodiscard]] std::uint64_t failures() const { return failures_; }

private:
    void compare_sources(dmabuf::coverage const& now);

    std::uint32_t said_ = 0; ///< kinds of gaps
    dmabuf::source source_ = dmabuf::source::none;
    dmabuf::listing list_ = dmabuf::listing::none;
    bool looked_ = false;
    std::string why_failed_; ///< empty: the look before did not fail
    std::uint64_t failures_ = 0;
};

} // namespace dmabuf_watch
