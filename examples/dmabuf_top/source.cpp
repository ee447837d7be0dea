// SPDX-License-Identifier: MIT
#include "source.hpp"

#include "replaying/record_here.hpp"
#include "report/failure_words.hpp"
#include "report/source_words.hpp"

#include <fmt/format.h>

#include <sys/stat.h>
#include <utility>

namespace dmabuf_top {

namespace {

constexpr unsigned most_recordings = 9999;

bool is_there(std::string const& path) {
    struct ::stat found{};
    return ::lstat(path.c_str(), &found) == 0;
}

} // namespace

std::string live_source::look() {
    if (auto const done = sampler_.sample(next_); !done)
        return report::words_of(done.error(), chosen_.roots);
    auto const& coverage = next_.coverage;
    if (chosen_.source != dmabuf::source::none && coverage.found_by != chosen_.source)
        return report::why_not_served(chosen_.source, coverage, mine_);
    std::swap(now_, next_);
    name_users();
    return {};
}

/// Each user is asked for once.
void live_source::name_users() {
    std::set<std::uint32_t> unknown;
    for (auto const& who : now_.holders)
        if (asked_.insert(who.uid).second) unknown.insert(who.uid);
    if (!unknown.empty()) users_.add(identity::names_of(unknown));
}

std::string recordings::name_of(unsigned number) const {
    return fmt::format("{}.{:04}", chosen_.record, number);
}

std::string recordings::start() {
    kept_ = 0;
    for (number_ = 1; number_ <= most_recordings; ++number_)
        if (!is_there(name_of(number_))) return {};
    number_ = 0;
    return fmt::format("cannot record: {} and all before it are there", name_of(most_recordings));
}

std::string recordings::keep() {
    file_ = name_of(number_);
    auto const wrong = number_ > most_recordings
                           ? "there are as many as there can be"
                           : replaying::record_here(file_, sampling(chosen_, mine_), mine_);
    if (!wrong.empty()) {
        stop();
        return fmt::format("cannot write {}: {}", file_, wrong);
    }
    ++number_;
    ++kept_;
    return {};
}

} // namespace dmabuf_top
