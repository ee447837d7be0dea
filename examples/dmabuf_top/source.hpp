// SPDX-License-Identifier: MIT
//
// Looks at this system.
#pragma once

#include <dmabuf/sampler.hpp>

#include "identity/users.hpp"
#include "options.hpp"
#include "report/rights.hpp"

#include <cstdint>
#include <set>
#include <string>

namespace dmabuf_top {

class live_source {
public:
    live_source(options const& chosen, report::rights const& mine)
        : chosen_(chosen)
        , mine_(mine)
        , sampler_(sampling(chosen, mine)) {}

    /// Takes a look. Empty, or why it could not be taken: the look before then stays.
    std::string look();

    [[nodiscard]] dmabuf::snapshot const& now() const { return now_; }
    [[nodiscard]] identity::user_names const& users() const { return users_; }

private:
    void name_users();

    options const& chosen_;
    report::rights const& mine_;
    dmabuf::sampler sampler_;
    dmabuf::snapshot now_;
    dmabuf::snapshot next_;
    identity::user_names users_;
    std::set<std::uint32_t> asked_;
};

/// Keeps looks as files NAME.0001, NAME.0002 and so on, beginning behind those that are there.
class recordings {
public:
    recordings(options const& chosen, report::rights const& mine)
        : chosen_(chosen)
        , mine_(mine) {}

    /// Empty, or why nothing can be recorded.
    std::string start();
    void stop() { number_ = 0; }
    [[nodiscard]] bool is_on() const { return number_ != 0; }

    /// Records a look. Empty, or why that was not done; then there is no further one.
    std::string keep();

    [[nodiscard]] unsigned kept() const { return kept_; }
    [[nodiscard]] std::string const& last_file() const { return file_; }

private:
    [[nodiscard]] std::string name_of(unsigned number) const;

    options const& chosen_;
    report::rights const& mine_;
    unsigned number_ = 0; ///< of the next file; 0: none is made
    unsigned kept_ = 0;
    std::string file_;
};

} // namespace dmabuf_top
