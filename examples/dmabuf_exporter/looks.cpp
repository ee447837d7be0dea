// SPDX-License-Identifier: MIT
#include "looks.hpp"

#include "options/sampled_place.hpp"
#include "replaying/samples.hpp"
#include "report/failure_words.hpp"
#include "report/source_words.hpp"

namespace dmabuf_exporter {

namespace {

dmabuf::sample_options sampling(options const& chosen, report::rights const& mine) {
    auto wanted = command_line::sampling_at(chosen.roots, chosen.source);
    wanted.counts = true; // whose references grow
    wanted.path_descriptors = true;
    wanted.cgroups = true;
    wanted.origins = true; // where dmabuf_pin --origins watches
    wanted.unheld = true;
    wanted.bufinfo = !chosen.no_debugfs && mine.root;
    return wanted;
}

} // namespace

looks::looks(options const& chosen)
    : chosen_(chosen)
    , mine_(report::own_rights(chosen.roots))
    , sampler_(sampling(chosen, mine_)) {}

std::string looks::open() {
    for (auto const& path : chosen_.replay) {
        auto const wrong = replaying::replay_file(path, [&](replaying::recorded_look const& look) {
            recorded_.push_back(look.now);
            return true;
        });
        if (!wrong.empty()) return wrong;
    }
    return {};
}

std::string looks::take() {
    if (chosen_.replay.empty()) return take_here();
    if (recorded_.empty()) return "the recordings have no sample";
    is_repeated_ = left() == 0;
    if (!is_repeated_) at_ = taken_++;
    return {};
}

std::string looks::take_here() {
    auto const done = sampler_.sample(now_);
    if (!done) return report::words_of(done.error(), chosen_.roots);
    auto const& coverage = now_.coverage;
    if (chosen_.source != dmabuf::source::none && coverage.found_by != chosen_.source)
        return report::why_not_served(chosen_.source, coverage, mine_);
    return {};
}

} // namespace dmabuf_exporter
