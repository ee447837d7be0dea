// SPDX-License-Identifier: MIT
#include "compare.hpp"

#include <dmabuf/fmt.hpp>

#include <algorithm>
#include <iterator>

namespace dmabuf_ps {

namespace {

using dmabuf::boots;
using dmabuf::holder;

struct verdict {
    boots of = boots::same;
    std::string words; ///< empty: there is nothing to say
};

std::string escaped(std::string_view raw) {
    std::string text;
    dmabuf::escape(raw, std::back_inserter(text));
    return text;
}

constexpr auto nothing_is_the_same =
    "no process and no buffer is the same; exporters, users and cgroups are compared by name";

/// The number of processes that are in both, by pid and start time. Holders are in ascending order
/// of pid.
std::size_t common_processes(dmabuf::snapshot const& before, dmabuf::snapshot const& now) {
    return static_cast<std::size_t>(std::ranges::count_if(before.holders, [&](holder const& old) {
        auto const same = std::ranges::equal_range(now.holders, old.pid, {}, &holder::pid);
        return std::ranges::count(same, old.start_ticks, &holder::start_ticks) != 0;
    }));
}

/// Judges two files by other traces, since one of them does not tell its boot.
verdict by_traces(observation const& seen, observation const& older, std::string const& names) {
    auto const untold = fmt::format("Not both of {} tell the id of their boot", names);
    if (seen.kernel != older.kernel)
        return {boots::different,
                fmt::format("{}, and their kernels differ, {} and {}: {}.", untold,
                            escaped(older.kernel), escaped(seen.kernel), nothing_is_the_same)};
    auto const common = common_processes(older.now, seen.now);
    if (common == 0)
        return {boots::different,
                fmt::format("{}, and no process has one pid and start time in both: {}.", untold,
                            nothing_is_the_same)};
    return {boots::same, fmt::format("{}: they are taken to be of one boot, since {} of holders {} "
                                     "one pid and start time in both.",
                                     untold, common, common == 1 ? "has" : "have")};
}

verdict judge(observation const& seen, observation const& older, std::string const& names) {
    if (seen.boot_id.empty() || older.boot_id.empty()) return by_traces(seen, older, names);
    if (seen.boot_id == older.boot_id) return {};
    return {boots::different,
            fmt::format("{} are of two boots, or machines ({} and {}): {}.", names,
                        escaped(older.boot_id), escaped(seen.boot_id), nothing_is_the_same)};
}

} // namespace

void put_before(observation& seen, observation older, std::string const& file,
                std::string const& newer) {
    auto const now = newer.empty() ? std::string("this system") : escaped(newer);
    auto const names = fmt::format("{} and {}", escaped(file), now);
    auto judged = judge(seen, older, names);
    comparison with;
    with.of = judged.of;
    with.older = {file, older.kernel, older.boot_id};
    with.newer = {newer, seen.kernel, seen.boot_id};
    if (!judged.words.empty()) with.words.push_back(std::move(judged.words));
    if (judged.of == boots::same && older.now.begin_ns > seen.now.begin_ns)
        with.words.push_back(
            fmt::format("{} was taken after {}: the changes go back in time.", escaped(file), now));
    with.cgroups = !seen.anonymised && !older.anonymised;
    if (!with.cgroups)
        with.words.emplace_back("Anonymised recordings number their cgroups and names each on its "
                                "own: cgroups are not compared.");
    for (auto const* one : {&older, &seen})
        if (!one->whole)
            with.words.push_back(
                fmt::format("{} does not hold all processes, by an option that it was made with: "
                            "what is missing in it is unknown.",
                            one == &older ? escaped(file) : now));
    seen.before = std::move(older.now);
    seen.compared = std::move(with);
    seen.users.add(older.users);
}

} // namespace dmabuf_ps
