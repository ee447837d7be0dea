// SPDX-License-Identifier: MIT
//
// The account while everything changes: known holders must be right in every snapshot, and nothing
// may appear that never existed. Takes minutes: DMABUF_CHURN_SECONDS (default 180).
#include "scene.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <sched.h>
#include <sys/syscall.h>
#include <thread>

using namespace scene;

namespace {

/// Sizes of churned buffers are one page or multiples of 7 pages, those of the known ones are
/// neither: any other size was made up.
constexpr std::uint64_t churn_pages = 7;

/// Allocates small buffers by the dozen, passes one of each dozen around, drops them; for ever.
[[noreturn]] void flood() {
    auto const heap = lab::open_heap();
    auto const pair = lab::make_socket_pair();
    for (;;) {
        std::vector<lab::descriptor> held;
        for (unsigned i = 0; i < 12; ++i)
            held.push_back(lab::alloc_heap(heap, page));
        lab::send_fd(pair.here.get(), held[0].get());
        held.push_back(lab::recv_fd(pair.there.get()));
    }
}

/// Allocates, passes around, maps, drops; forks, makes threads, execs, exits; for ever.
[[noreturn]] void churn(unsigned seed) {
    std::minstd_rand random(seed);
    auto const pair = lab::make_socket_pair();
    for (;;) {
        std::vector<lab::descriptor> held;
        for (unsigned i = 0; i < 1 + random() % 8; ++i)
            held.push_back(lab::alloc_heap(churn_pages * page * (1 + random() % 3)));
        for (auto const& fd : held) {
            lab::send_fd(pair.here.get(), fd.get());
            auto const back = lab::recv_fd(pair.there.get());
        }
        void* const at = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, held[0].get(), 0);
        std::thread own([&] {
            ::unshare(CLONE_FILES);
            auto const inside = lab::alloc_heap(churn_pages * page);
            ::sched_yield();
        });
        pid_t const child = ::fork();
        if (child == 0) {
            if (random() % 3 == 0) ::execl("/bin/true", "true", nullptr);
            ::sched_yield();
            ::_exit(0);
        }
        own.join();
        if (child > 0) ::waitpid(child, nullptr, 0);
        if (at != MAP_FAILED) ::munmap(at, page);
    }
}

struct known_holder {
    std::optional<actor> process;
    std::uint64_t rss_bytes;
};

} // namespace

TEST_CASE("under churn, known holders are right in every snapshot", "[.long]") {
    auto const* const seconds = std::getenv("DMABUF_CHURN_SECONDS");
    auto const end =
        std::chrono::steady_clock::now() + std::chrono::seconds(seconds ? std::atoi(seconds) : 180);

    std::vector<known_holder> known;
    for (std::uint64_t i = 1; i <= 6; ++i) {
        auto const pages = churn_pages * i + 1;
        known.push_back({std::nullopt, pages * page});
        known.back().process.emplace([=] {
            if (i % 2 == 0) return std::vector{keep(lab::alloc_heap(pages * page))};
            std::uint64_t inode = 0;
            std::atomic<bool> ready = false;
            std::thread([&] { // in a table of its own
                ::unshare(CLONE_FILES);
                inode = keep(lab::alloc_heap(pages * page));
                ready = true;
                for (;;)
                    ::pause();
            })
                .detach();
            while (!ready)
                ::usleep(100);
            return std::vector{inode};
        });
    }
    std::vector<lab::child> churners;
    for (unsigned i = 0; i < 6; ++i)
        churners.emplace_back([i](lab::ready& done) {
            done.tell();
            if (i < 2) flood();
            churn(i + 1);
        });
    for (auto& one : churners)
        one.wait_ready();

    dmabuf::sampler sampler({.unheld = true, .bufinfo = true});
    dmabuf::snapshot now;
    unsigned samples = 0;
    std::uint64_t gone = 0, closed = 0, lowest = ~std::uint64_t{0}, highest = 0;
    auto const begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < end) {
        REQUIRE(sampler.sample(now));
        ++samples;
        gone += now.coverage.processes_gone;
        closed += now.coverage.descriptors_gone;
        auto const& coverage = now.coverage;
        REQUIRE(coverage.processes_failed == 0);
        REQUIRE(coverage.descriptors_failed == 0);
        // Without it, the size of what was unmapped while it was looked at stays unknown.
        if (has_sysfs()) REQUIRE(coverage.buffers_unsized == 0);
        REQUIRE(coverage.processes == coverage.processes_seen + coverage.processes_denied +
                                          coverage.processes_gone + coverage.processes_failed +
                                          coverage.kernel_threads);
        for (auto const& one : known) {
            auto const& holder = holder_of(now, one.process->pid());
            REQUIRE(holder.rss_bytes == one.rss_bytes);
            REQUIRE(holder.pss_bytes == one.rss_bytes);
            REQUIRE(holder.uss_bytes == one.rss_bytes);
            REQUIRE(holder.reference_count == 1);
        }
        std::uint64_t shares = 0;
        for (auto const& holder : now.holders)
            shares += *holder.pss_bytes;
        REQUIRE(shares == now.total_bytes);
        for (auto const& buffer : now.buffers) {
            lowest = std::min(lowest, buffer.inode);
            highest = std::max(highest, buffer.inode);
            if (!buffer.size_known) continue;
            auto const pages = buffer.size_bytes / page;
            bool const churned =
                pages == 1 || (pages % churn_pages == 0 && pages <= 3 * churn_pages && pages != 0);
            bool const ours = pages % churn_pages == 1 && pages <= 6 * churn_pages + 1;
            CAPTURE(buffer.inode, buffer.size_bytes);
            REQUIRE((churned || ours));
            REQUIRE((now.exporter_of(buffer).empty() ||
                     now.exporter_of(buffer).view() == lab::heap_exporter()));
        }
    }
    auto const elapsed =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin)
            .count();
    REQUIRE(elapsed > 0);
    WARN("churn: " << samples << " snapshots, " << gone << " processes and " << closed
                   << " descriptors vanished while looked at, "
                   << (highest - lowest) / static_cast<std::uint64_t>(elapsed)
                   << " buffers a second"); // their inodes are consecutive
    CHECK(samples > 10);
    CHECK(gone > 0);
    CHECK(closed > 0);
}
