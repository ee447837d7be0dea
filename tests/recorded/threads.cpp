// SPDX-License-Identifier: MIT
//
// Samplers in several threads share nothing: the thread sanitizer sees it when they do.
#include <dmabuf/dmabuf.hpp>

#include "harness.hpp"

#include <thread>

namespace {

/// Takes snapshots of a kernel of its own, and says whether each was the truth.
bool sample_own_kernel() {
    fake::kernel kernel;
    auto& process = kernel.add(100, "holder", 1000);
    auto const buffer = kernel.buffer(1, 4096, "system", "name");
    process.open(buffer);
    process.map(buffer, 4096);
    fake_sampler sampler({}, fake::system{&kernel});
    dmabuf::snapshot now;
    bool right = true;
    for (int i = 0; i < 20; ++i)
        right = sampler.sample(now) && difference(now, kernel, kernel.truth()).empty() && right;
    return right;
}

/// Takes snapshots of the machine.
bool sample_machine() {
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    bool right = true;
    for (int i = 0; i < 3; ++i)
        right = sampler.sample(now) && broken_invariant(now).empty() &&
                now.coverage.processes != 0 && right;
    return right;
}

} // namespace

TEST_CASE("threads: a sampler in each") {
    auto* const work = GENERATE(&sample_own_kernel, &sample_machine);
    bool right[2]{};
    {
        std::thread one([&] { right[0] = work(); });
        std::thread two([&] { right[1] = work(); });
        one.join();
        two.join();
    }
    CHECK(right[0]);
    CHECK(right[1]);
}

TEST_CASE("threads: several read one snapshot") {
    fake::kernel kernel;
    for (int pid = 100; pid < 110; ++pid)
        kernel.add(pid, "holder", 1000)
            .open(kernel.buffer(static_cast<std::uint64_t>(pid), 4096, "system", "name"));
    dmabuf::snapshot now;
    REQUIRE(fake_sampler({.counts = true}, fake::system{&kernel}).sample(now));
    auto const read = [&now = std::as_const(now)] {
        std::uint64_t bytes = 0;
        for (auto const& who : now.holders)
            for (auto const& one : now.references_of(who)) {
                auto const& buffer = now.buffers[one.buffer];
                bool const known = now.exporter_of(buffer) == "system" && now.count_of(buffer);
                bytes += known ? buffer.size_bytes : 0;
            }
        auto const users = by_user(now);
        return bytes + (users.size() == 1 ? users[0].rss_bytes : 0) + diff(now, now).holders.size();
    };
    std::uint64_t seen[3]{};
    {
        std::thread one([&] { seen[0] = read(); });
        std::thread two([&] { seen[1] = read(); });
        seen[2] = read();
        one.join();
        two.join();
    }
    for (auto const bytes : seen)
        CHECK(bytes == 2 * 10 * 4096);
}
