// SPDX-License-Identifier: MIT
#include "samples.hpp"

#include <dmabuf/fmt.hpp>

#include "files/whole_file.hpp"
#include "replay/each_sample.hpp"

#include <variant>

namespace replaying {

namespace {

std::string replay_samples(replay::recording recorded,
                           std::function<bool(recorded_look const&)> const& take) {
    auto const mine = report::rights_of(recorded.made.rights);
    identity::user_names const users(recorded.made.users);
    auto const kernel = recorded.made.kernel;
    return replay::each_sample(std::move(recorded), [&](dmabuf::snapshot const& now) {
        return take({now, mine, users, kernel});
    });
}

} // namespace

std::string replay_file(std::string const& path,
                        std::function<bool(recorded_look const&)> const& take) {
    auto const read = files::read_whole(path, replay::largest_recording);
    if (auto const* const wrong = std::get_if<files::trouble>(&read))
        return fmt::format("cannot read {}: {}", path, wrong->words);
    auto parsed = replay::parse(std::get<std::string>(read));
    if (auto const* const wrong = std::get_if<replay::malformed>(&parsed))
        return fmt::format("{}:{}: {}", path, wrong->line, wrong->why);
    auto const wrong = replay_samples(std::get<replay::recording>(std::move(parsed)), take);
    return wrong.empty() ? wrong : fmt::format("{}: {}", path, wrong);
}

} // namespace replaying
