// SPDX-License-Identifier: MIT
//
// Takes a snapshot of the system and writes it down, without asking for memory.
#pragma once

#include <dmabuf/dmabuf.hpp>

#include "memory.hpp"
#include "options.hpp"
#include "report/coverage_words.hpp"
#include "report/snapshot_json.hpp"
#include "ring.hpp"
#include "trigger.hpp"

#include <array>

namespace lowmem_capture {

/// The event that a capture is made for.
struct occasion {
    std::uint64_t event_ns = 0;        ///< CLOCK_MONOTONIC, when poll(2) returned, or a test began
    std::uint64_t events_skipped = 0;  ///< since the capture before, within its cooldown
    std::uint64_t captures_failed = 0; ///< since the capture before: not taken, or not written
};

enum class outcome : std::uint8_t { captured, not_written, not_seen };

class capturer {
public:
    /// `armed` may be null: a test. It must outlive this. Waiting ends as soon as `ends`, a
    /// descriptor or -1, can be read.
    capturer(options const& chosen, trigger const* armed, int ends);

    /// Gets all memory that will be needed, and goes through all of it once. Returns a failure in
    /// words, or nothing.
    std::string prepare();

    /// Adds a capture to `files`, and says so or why not. Where the system cannot be looked at, it
    /// is tried again at once and then until the window of the event is over; after that the
    /// failure is kept, apart from the captures.
    outcome capture(ring& files, occasion const& why);

    /// Whether not all was seen in the last capture.
    [[nodiscard]] bool has_gaps() const { return report::has_gaps(now_, mine_); }

private:
    void begin();
    void look();
    void look_until_seen(std::uint64_t event_ns);
    [[nodiscard]] bool may_wait() const;
    [[nodiscard]] dmabuf::failure why_not_seen() const;
    void keep_failure(ring& files, occasion const& why) const;
    void arrange();
    void write(report::text_sink& sink, occasion const& why) const;
    void write_fields(report::json_writer& out, occasion const& why) const;
    void write_what_it_took(report::json_writer& out, occasion const& why) const;
    void say_it(ring const& files, occasion const& why) const;
    [[nodiscard]] report::snapshot_view view() const;

    using text_space = std::array<char, 8192>;

    trigger const* armed_;
    int ends_;
    std::uint64_t window_ms_;
    dmabuf::source forced_;
    dmabuf::roots roots_;
    dmabuf::sampler sampler_;
    dmabuf::snapshot now_;
    dmabuf::result<void> done_;
    dmabuf::group_sums users_, cgroups_;
    report::buffer_holders holders_;
    std::vector<dmabuf::holder const*> processes_; ///< largest pss first
    std::vector<dmabuf::buffer const*> buffers_;
    std::string kernel_;
    std::string boot_id_;
    report::rights mine_;
    dmabuf::unique_fd<> pressure_file_, meminfo_file_;
    text_space pressure_space_{}, meminfo_space_{};
    std::string_view pressure_, meminfo_;
    std::uint64_t allocations_before_ = 0;
    faults faults_before_;
};

} // namespace lowmem_capture
