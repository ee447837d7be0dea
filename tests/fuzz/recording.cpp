// SPDX-License-Identifier: MIT
//
// Recordings come from strangers: refused with a line, or kept in full, and replayed to an end.
#include "replay/recording.hpp"

#include <dmabuf/diff.hpp>
#include <dmabuf/groups.hpp>
#include <dmabuf/origins.hpp>

#include "replay/replayed_system.hpp"
#include "target.hpp"

#include <algorithm>
#include <iterator>

namespace {

/// Those of the recording, all that there are, and few.
std::vector<dmabuf::sample_options> ways(dmabuf::sample_options const& recorded) {
    using dmabuf::source;
    std::vector<dmabuf::sample_options> all{recorded,
                                            {true, true, true, true, true, true, true, false},
                                            {false, false, false, true, false, true, false, false},
                                            {true, false, false, false}};
    all[2].force = source::fd_walk;
    all[3].bpf = false;
    all[1].origins = true;
    all[2].origins_of_unheld = true;
    return all;
}

void replay_as(replay::recording const& recorded, dmabuf::sample_options const& options) {
    replay::replayed_system const system(recorded);
    dmabuf::snapshot before;
    dmabuf::snapshot now;
    {
        dmabuf::basic_sampler<replay::replayed_system> sampler(options, system);
        (void)sampler.sample(before);
        (void)sampler.sample(now);
    }
    require(system.open_count() == 0, "all that was opened is closed");
    for (auto const& who : now.holders)
        require(who.pss_bytes <= who.rss_bytes && who.uss_bytes <= who.pss_bytes,
                "a share is a part");
    (void)dmabuf::diff(before, now);
    (void)dmabuf::by_user(now);
    (void)dmabuf::by_cgroup(now);
    (void)dmabuf::by_maker(now);
    (void)dmabuf::by_device(now);
}

} // namespace

void run_target(std::string_view input) {
    auto const found = replay::parse(input);
    if (auto const* const wrong = std::get_if<replay::malformed>(&found)) {
        auto const lines = std::count(input.begin(), input.end(), '\n') + 1;
        require(wrong->line <= static_cast<std::size_t>(lines), "a failure is within the text");
        require(!wrong->why.empty(), "a failure has its cause");
    } else {
        auto const& first = std::get<replay::recording>(found);
        auto const text = replay::write(first);
        auto const again = replay::parse(text);
        auto const* const second = std::get_if<replay::recording>(&again);
        require(second != nullptr, "what is written can be read");
        require(second->entries == first.entries, "no call is lost, and none changed");
        require(replay::write(*second) == text, "written again it is the same");
        for (auto const& options : ways(first.made.options))
            replay_as(first, options);
    }
    std::string bytes;
    if (replay::unescape(input, bytes)) {
        require(bytes.size() <= input.size(), "nothing grows");
        std::string escaped;
        dmabuf::escape(bytes, std::back_inserter(escaped));
        std::string again;
        require(replay::unescape(escaped, again) && again == bytes, "escape is the inverse");
    }
}
