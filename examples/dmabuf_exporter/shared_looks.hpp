// SPDX-License-Identifier: MIT
//
// One sample for all scrapes: a thread takes it, and no scrape waits longer than the time limit.
#pragma once

#include "options.hpp"
#include "page.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <prometheus/collectable.h>
#include <thread>

namespace dmabuf_exporter {

class shared_looks : public prometheus::Collectable {
public:
    /// Takes a sample; `for_growth`: it is one of those at regular times. Called by one thread.
    using look = std::function<page(bool for_growth)>;

    shared_looks(options const& chosen, look take);
    ~shared_looks() override;
    shared_looks(shared_looks const&) = delete;
    shared_looks& operator=(shared_looks const&) = delete;

    /// The metrics of a sample that is younger than --min-interval, or of a new one. Those without
    /// amounts where there is none in time.
    page Collect() const override;

private:
    using clock = std::chrono::steady_clock;

    void run();
    void take(std::unique_lock<std::mutex>& lock, bool for_growth);
    [[nodiscard]] bool is_fresh(clock::time_point now) const;
    [[nodiscard]] page answer(clock::time_point asked, std::unique_lock<std::mutex>& lock) const;

    std::chrono::nanoseconds every_, min_interval_, time_limit_;
    look take_;
    mutable std::mutex mutex_;
    mutable std::condition_variable wanted_, done_;
    mutable bool is_wanted_ = false;
    mutable std::uint64_t timeouts_ = 0;
    bool is_over_ = false;
    bool is_looking_ = false;
    bool has_looked_ = false;
    clock::time_point began_{}, ended_{}; ///< of the last look
    page newest_;
    std::thread thread_;
};

} // namespace dmabuf_exporter
