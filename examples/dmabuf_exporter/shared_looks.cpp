// SPDX-License-Identifier: MIT
#include "shared_looks.hpp"

#include "own_use.hpp"

#include <algorithm>
#include <utility>

namespace dmabuf_exporter {

namespace {

std::chrono::nanoseconds of_ns(std::uint64_t ns) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(ns));
}

void add_own_use(page& all, std::uint64_t timeouts) {
    add_counter(all, "dmabuf_sample_timeouts_total", "Scrapes for which no sample came in time",
                static_cast<double>(timeouts));
    add_counter(all, "dmabuf_exporter_cpu_seconds_total", "Processor time of this exporter",
                own_cpu_seconds());
    if (auto const bytes = own_resident_bytes())
        add_gauge(all, "dmabuf_exporter_resident_memory_bytes", "Memory of this exporter",
                  static_cast<double>(*bytes));
}

} // namespace

shared_looks::shared_looks(options const& chosen, look take)
    : every_(of_ns(chosen.every_ns))
    , min_interval_(of_ns(chosen.min_interval_ns))
    , time_limit_(of_ns(chosen.time_limit_ns))
    , take_(std::move(take))
    , thread_([this] { run(); }) {}

shared_looks::~shared_looks() {
    {
        std::lock_guard const lock(mutex_);
        is_over_ = true;
    }
    wanted_.notify_all();
    thread_.join();
}

// --- the thread ---

void shared_looks::run() {
    std::unique_lock lock(mutex_);
    for (auto next = clock::now(); !is_over_;) {
        bool const for_growth = clock::now() >= next;
        if (for_growth) next = std::max(next + every_, clock::now());
        take(lock, for_growth);
        wanted_.wait_until(lock, next, [&] { return is_over_ || is_wanted_; });
    }
}

/// Takes a look, without the lock. Scrapes that come meanwhile wait for it.
void shared_looks::take(std::unique_lock<std::mutex>& lock, bool for_growth) {
    is_wanted_ = false;
    is_looking_ = true;
    began_ = clock::now();
    lock.unlock();
    auto made = take_(for_growth);
    lock.lock();
    newest_ = std::move(made);
    ended_ = clock::now();
    is_looking_ = false;
    has_looked_ = true;
    done_.notify_all();
}

// --- scrapes ---

bool shared_looks::is_fresh(clock::time_point asked) const {
    return has_looked_ && ended_ + min_interval_ >= asked;
}

page shared_looks::Collect() const {
    std::unique_lock lock(mutex_);
    auto all = answer(clock::now(), lock);
    add_own_use(all, timeouts_);
    return all;
}

/// Waits for a fresh page, or for the time limit. A look that is under way has used up a part of
/// its time.
page shared_looks::answer(clock::time_point asked, std::unique_lock<std::mutex>& lock) const {
    if (!is_fresh(asked) && !is_looking_) {
        is_wanted_ = true;
        wanted_.notify_one();
    }
    auto const until = (is_looking_ ? began_ : asked) + time_limit_;
    if (done_.wait_until(lock, until, [&] { return is_fresh(asked); })) return newest_;
    ++timeouts_;
    return without_amounts();
}

} // namespace dmabuf_exporter
