// SPDX-License-Identifier: MIT
//
// Looks at the system and writes down what it sees, without asking for memory.
#pragma once

#include <dmabuf/dmabuf.hpp>

#include "memory.hpp"
#include "options.hpp"
#include "report/snapshot_json.hpp"
#include "ring.hpp"
#include "trigger.hpp"

#include <array>

namespace lowmem_capture {

/// What a capture is made for.
struct occasion {
    std::uint64_t event_ns = 0;        ///< CLOCK_MONOTONIC, when poll(2) returned, or a test began
    std::uint64_t events_skipped = 0;  ///< since the capture before, within its cooldown
    std::uint64_t captures_failed = 0; ///< since the capture before: none could be written
};

class capturer {
public:
    /// `armed` may be null: a test. It must outlive this.
    capturer(options const& chosen, trigger const* armed);

    /// Gets all memory that will be needed, and goes through all of it once. Empty, or what is
    /// wrong.
    std::string prepare();

    /// Adds a capture to `files`, and says so or why not. Whether that worked.
    bool capture(ring& files, occasion const& why);

private:
    void look();
    void arrange();
    void write(report::text_sink& sink, occasion const& why) const;
    void write_fields(report::json_writer& out, occasion const& why) const;
    void write_what_it_took(report::json_writer& out, occasion const& why) const;
    void say_it(ring const& files, occasion const& why) const;
    [[nodiscard]] report::snapshot_view view() const;

    using text_space = std::array<char, 8192>;

    trigger const* armed_;
    dmabuf::source forced_;
    dmabuf::sampler sampler_;
    dmabuf::snapshot now_;
    dmabuf::result<void> done_;
    dmabuf::group_sums users_, cgroups_;
    report::buffer_holders holders_;
    std::vector<dmabuf::holder const*> processes_; ///< largest pss first
    std::vector<dmabuf::buffer const*> buffers_;
    std::string kernel_;
    report::rights mine_;
    dmabuf::unique_fd<> pressure_file_, meminfo_file_;
    text_space pressure_space_{}, meminfo_space_{};
    std::string_view pressure_, meminfo_;
    std::uint64_t allocations_before_ = 0;
    faults faults_before_;
};

} // namespace lowmem_capture
