// SPDX-License-Identifier: MIT
//
// The sampler behind a filter of the system calls that are listed for its source, and dmabuf_pin
// behind one of its own.
#include "calls.hpp"
#include "scene.hpp"

#include <algorithm>
#include <sched.h>
#include <sys/syscall.h>
#include <thread>

using namespace scene;
using dmabuf::source;

namespace {

/// Holds a buffer by a descriptor and, where that is possible, a mapping, and one by an O_PATH
/// descriptor alone. It has a thread that shares its table, and one with a table of its own.
actor busy_holder() {
    return actor([] {
        auto buffer = lab::alloc_heap(2 * page);
        if (mappings_hold() &&
            ::mmap(nullptr, page, PROT_READ, MAP_SHARED, buffer.get(), 0) == MAP_FAILED)
            lab::check(-1, "mmap");
        auto const alone = lab::alloc_heap(page);
        auto const path = "/proc/self/fd/" + std::to_string(alone.get());
        lab::check(::open(path.c_str(), O_PATH), "open O_PATH");
        for (bool const shares : {true, false})
            std::thread([shares] {
                if (!shares) lab::check(::unshare(CLONE_FILES), "unshare");
                for (;;)
                    ::pause();
            }).detach();
        return std::vector{keep(std::move(buffer))};
    });
}

/// The look that the sampler takes behind the filter.
enum class look { first, repeated, one_process };

constexpr look all_looks[] = {look::first, look::repeated, look::one_process};

/// Takes the look in a process that calls::follow() or its like runs.
auto sampling(source by, look how, pid_t pid) {
    return [=](std::function<void()> const& filter) {
        dmabuf::sample_options options;
        options.force = by;
        options.cgroups = options.unheld = options.bufinfo = options.counts = how == look::repeated;
        dmabuf::sampler sampler(options);
        dmabuf::snapshot now;
        dmabuf::capacity const most{.buffers = 100, .holders = 100, .references = 100};
        sampler.reserve(most);
        now.reserve(most);
        if (how == look::repeated && !sampler.sample(now)) ::_exit(1);
        filter();
        auto const done =
            how == look::one_process ? sampler.sample_process(now, pid) : sampler.sample(now);
        ::_exit(done && now.coverage.found_by == by ? 0 : 1);
    };
}

void check_source(source by) {
    auto const one = busy_holder();
    auto const expected = calls::of({"sampler", std::string(name_of(by))});
    std::vector<calls::trace> runs;
    for (auto const how : all_looks)
        runs.push_back(calls::follow(expected.all(), sampling(by, how, one.pid())));
    CHECK(difference(expected, runs) == "");
    for (auto const& run : runs)
        CHECK(run.status == 0);

    for (auto const& name : expected.always) {
        INFO("without " << name);
        auto fewer = expected.all();
        fewer.erase(name);
        CHECK(std::ranges::any_of(all_looks, [&](look how) {
            auto const run = calls::follow_to_refusal(fewer, sampling(by, how, one.pid()));
            return run.refused == name && WIFSIGNALED(run.status);
        }));
    }
}

} // namespace

TEST_CASE("calls: the sampler makes those that are listed for its source, and no other") {
    check_source(source::fd_walk);
    if (has_list())
        check_source(source::dmabuf_fds);
    else
        skip("the calls by dmabuf_fds: this kernel has no such file");
}

TEST_CASE("bpf: sampler and dmabuf_pin make the calls that are listed, and no other", "[.bpf]") {
    auto const pin = output_of("command -v dmabuf_pin | tr -d '\\n'");
    auto const expected = calls::of({"start", "dmabuf_pin"});
    std::vector runs{calls::follow_program(expected.all(), {pin})};
    CHECK(runs.back().status == 0);
    check_source(source::bpf_iterator);
    for (auto const* const option : {"--origins", "--origins", "--status", "--unpin"}) {
        runs.push_back(calls::follow_program(expected.all(), {pin, option}));
        CHECK(runs.back().status == 0);
    }
    CHECK(difference(expected, runs) == "");
}
