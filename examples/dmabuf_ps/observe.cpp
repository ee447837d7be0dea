// SPDX-License-Identifier: MIT
#include "observe.hpp"

#include <dmabuf/dmabuf.hpp>
#include <dmabuf/fmt.hpp>

#include "compare.hpp"
#include "files/whole_file.hpp"
#include "hints/hints.hpp"
#include "json/json_file.hpp"
#include "replay/anonymise.hpp"
#include "replay/each_sample.hpp"
#include "replay/machine.hpp"
#include "report/failure_words.hpp"
#include "report/source_words.hpp"
#include "sampling.hpp"
#include "selection.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <set>
#include <thread>

namespace dmabuf_ps {

namespace {

using answer = std::variant<observation, complaint>;

/// The id of this boot, where files may be compared by it. Empty where it cannot be read.
std::string boot_id_here(options const& chosen) {
    if (!chosen.json && chosen.record.empty() && chosen.diff_with.empty()) return {};
    return replay::boot_id_here();
}

/// The options and rights of this machine's samples, as a recording tells them.
replay::circumstances circumstances_here(options const& chosen) {
    auto const mine = report::own_rights(chosen.roots);
    replay::circumstances here;
    here.kernel = replay::kernel_release();
    here.uid = ::geteuid();
    here.rights = report::words_of(mine);
    here.samples = chosen.diff_seconds ? 2 : 1;
    if (chosen.alone) here.alone_pid = chosen.pids.front();
    here.options = sampling(chosen, mine);
    return here;
}

bool is_holder(dmabuf::snapshot const& now, std::int32_t pid) {
    return std::ranges::count(now.holders, pid, &dmabuf::holder::pid) != 0;
}

/// Takes one sample, or two. `between` is called between them.
template<dmabuf::system System, class Between>
std::optional<complaint> take_samples(System system, replay::circumstances const& made,
                                      Between between, observation& seen) {
    auto const& wanted = made.options;
    dmabuf::basic_sampler<System> sampler(wanted, system);
    if (made.samples == 2) {
        if (auto const done = sampler.sample(seen.before); !done)
            return complaint{report::words_of(done.error(), wanted.roots())};
        between();
    }
    if (auto const done = replay::take_sample(sampler, made.alone_pid, seen.now); !done)
        return complaint{report::words_of(done.error(), wanted.roots())};
    return std::nullopt;
}

/// Why the source that was asked for did not serve.
std::optional<complaint> refusal(dmabuf::sample_options const& wanted, observation const& seen) {
    auto const& coverage = seen.now.coverage;
    if (wanted.force == dmabuf::source::none || coverage.found_by == wanted.force)
        return std::nullopt;
    return complaint{report::why_not_served(wanted.force, coverage, seen.mine)};
}

/// Finds out which iterators dmabuf_pin could pin, where the words that name it are wanted: that
/// costs more than a sample.
void look_for_pins(options const& chosen, observation& seen) {
    auto const& coverage = seen.now.coverage;
    bool const no_bpf = coverage.why_no_bpf.error != 0;
    bool const lacking = no_bpf || coverage.why_no_list.error != 0;
    bool const refused = no_bpf && chosen.source == dmabuf::source::bpf_iterator;
    bool const told = chosen.verbose || !chosen.record.empty();
    if (refused || (lacking && told)) report::look_for_pins(seen.mine, chosen.roots);
}

template<dmabuf::system System>
void look_for_absent(System system, options const& chosen, observation& seen) {
    for (auto const pid : chosen.pids)
        if (!is_holder(seen.now, pid))
            seen.absences.push_back(why_not_shown(system, pid, seen.mine, chosen.roots));
}

/// The users of all holders.
std::set<std::uint32_t> users_in(observation const& seen) {
    std::set<std::uint32_t> users;
    for (auto const* sample : {&seen.before, &seen.now})
        for (auto const& who : sample->holders)
            users.insert(who.uid);
    return users;
}

/// Whether the report names users: JSON tells numbers, and so do rows without a user.
bool names_users(options const& chosen) {
    if (!chosen.wanted.users.empty()) return true;
    bool const has_users = chosen.by == grouping::process || chosen.by == grouping::user;
    return !chosen.record.empty() || (!chosen.json && !chosen.buffers && has_users);
}

/// Reads the command lines of the processes shown, or of all that a replay could show.
template<dmabuf::system System>
void look_at_arguments(System system, options const& chosen, observation& seen) {
    if (!chosen.args) return;
    selection const whose(seen, chosen.record.empty() ? chosen : options{});
    seen.command_lines = identity::read_command_lines(system, whose.processes);
}

/// Explains the failure of a sample of one process alone.
template<dmabuf::system System>
complaint explained(System system, replay::circumstances const& made, observation const& seen,
                    complaint failed) {
    if (made.alone_pid == 0) return failed;
    auto why = why_not_shown(system, made.alone_pid, seen.mine, made.options.roots());
    return why.could_not_read ? complaint{std::move(why.sentence)} : failed;
}

template<dmabuf::system System>
std::optional<complaint> look(System system, replay::circumstances const& made,
                              options const& chosen, observation& seen) {
    auto const wait = [&] {
        std::this_thread::sleep_for(std::chrono::duration<double>(*chosen.diff_seconds));
    };
    if (auto failed = take_samples(system, made, wait, seen))
        return explained(system, made, seen, *std::move(failed));
    look_for_pins(chosen, seen);
    if (auto refused = refusal(made.options, seen)) return refused;
    if (names_users(chosen)) seen.users = identity::names_of(users_in(seen));
    look_at_arguments(system, chosen, seen);
    look_for_absent(system, chosen, seen);
    if (chosen.hints)
        seen.hints = hints::find(seen.now, {chosen.roots.proc.c_str(), chosen.roots.sys.c_str()});
    return std::nullopt;
}

observation here(replay::circumstances const& made) {
    observation seen;
    seen.mine = report::rights_of(made.rights);
    seen.kernel = made.kernel;
    return seen;
}

answer observe_here(options const& chosen) {
    auto const made = circumstances_here(chosen);
    auto seen = here(made);
    seen.boot_id = boot_id_here(chosen);
    if (auto failed = look(dmabuf::live_system{}, made, chosen, seen)) return *failed;
    return seen;
}

/// The names of the users of all holders, as a recording keeps them.
std::map<std::uint32_t, std::string> shown_users(observation const& seen) {
    std::map<std::uint32_t, std::string> users;
    for (auto const uid : users_in(seen))
        if (auto const* const name = seen.users.raw(uid)) users[uid] = *name;
    return users;
}

/// Takes the samples and records them. The recording is written even where a sample failed: it
/// tells why.
answer record(options const& chosen) {
    replay::recording kept{circumstances_here(chosen), {}};
    auto seen = here(kept.made);
    replay::recording_system<> const system;
    auto const failed = look(system, kept.made, chosen, seen);
    kept.entries =
        replay::below_usual_roots(system.needed_entries(kept.made.left_out), chosen.roots);
    kept.made.rights = report::words_of(seen.mine);
    seen.boot_id = boot_id_here(chosen);
    if (!seen.boot_id.empty()) kept.entries.push_back(replay::boot_id_entry(seen.boot_id));
    kept.made.users = shown_users(seen);
    if (chosen.anonymise) kept = replay::anonymised(std::move(kept));
    auto const wrong = files::write_whole(chosen.record, replay::write(kept));
    if (!wrong.words.empty())
        seen.trouble = fmt::format("cannot write {}: {}", chosen.record, wrong.words);
    if (failed) return *failed;
    return seen;
}

/// The reason why a recording cannot show the view that was asked for; empty: it can.
std::string why_not_recorded(replay::circumstances const& made, options const& chosen) {
    if (chosen.diff_seconds && made.samples != 2)
        return fmt::format("{} holds one sample: record it with --diff", chosen.replay);
    if (chosen.alone && made.alone_pid == 0)
        return fmt::format("{} is of all processes: leave out --alone", chosen.replay);
    if (made.alone_pid != 0 &&
        std::ranges::any_of(chosen.pids, [&](auto pid) { return pid != made.alone_pid; }))
        return fmt::format("{} is of process {} alone", chosen.replay, made.alone_pid);
    return {};
}

} // namespace

options as_observed(options chosen, observation const& seen) {
    auto const pid = seen.now.coverage.alone_pid;
    if (pid == 0) return chosen;
    chosen.pids = {pid};
    chosen.alone = true;
    return chosen;
}

/// Takes the samples of a recording again, all of them: the second one remembered the first.
answer observe_recording(replay::recording recorded, options const& chosen) {
    auto boot_id = replay::boot_id_of(recorded);
    replay::replayed_system const system(std::move(recorded));
    auto const& made = system.made();
    bool const two = made.samples == 2;
    if (auto why = why_not_recorded(made, chosen); !why.empty()) return complaint{std::move(why)};
    observation seen;
    seen.mine = report::rights_of(made.rights);
    seen.kernel = made.kernel;
    seen.users = identity::user_names(made.users);
    seen.boot_id = std::move(boot_id);
    seen.anonymised = made.anonymised;
    auto failed = take_samples(system, made, [] {}, seen);
    if (!system.missing().empty())
        return complaint{
            fmt::format("{} does not hold this call: {}", chosen.replay, system.missing())};
    if (failed) return explained(system, made, seen, *std::move(failed));
    if (auto const refused = refusal(made.options, seen)) return *refused;
    look_at_arguments(system, chosen, seen);
    if (!system.take_missing().empty())
        return complaint{
            fmt::format("{} holds no command lines: record it with --args", chosen.replay)};
    look_for_absent(system, as_observed(chosen, seen), seen);
    if (two && !chosen.compares())
        seen.note = fmt::format(
            "{} holds two samples: this is the second; --diff 0 shows what changed", chosen.replay);
    return seen;
}

namespace {

answer observe_json(std::string const& path, std::string_view text) {
    if (text.size() > json_file::largest_json)
        return complaint{fmt::format("{} is larger than the {} of JSON that are read", path,
                                     dmabuf::bytes{json_file::largest_json})};
    auto read = json_file::read_json(text);
    if (auto const* const wrong = std::get_if<json_file::json_trouble>(&read)) {
        std::string where; // keys of a stranger's file
        dmabuf::escape(wrong->where, std::back_inserter(where));
        return complaint{fmt::format("{}: {}: {}", path, where, wrong->why)};
    }
    auto& found = std::get<json_file::json_snapshot>(read);
    observation seen;
    seen.now = std::move(found.now);
    seen.kernel = std::move(found.kernel);
    seen.boot_id = std::move(found.boot_id);
    seen.notes = std::move(found.notes);
    seen.whole = found.whole;
    return seen;
}

/// Observes the file `chosen.replay`: a recording, or where files are compared JSON.
answer observe_file(options const& chosen) {
    auto const& path = chosen.replay;
    auto const read = files::read_whole(path, replay::largest_recording);
    if (auto const* const wrong = std::get_if<files::trouble>(&read))
        return complaint{fmt::format("cannot read {}: {}", path, wrong->words)};
    auto const& text = std::get<std::string>(read);
    if (json_file::looks_like_json(text)) {
        if (!chosen.diff_with.empty()) return observe_json(path, text);
        return complaint{fmt::format("{} is JSON, and no recording: with --diff-with it is "
                                     "compared",
                                     path)};
    }
    auto parsed = replay::parse(text);
    if (auto const* const wrong = std::get_if<replay::malformed>(&parsed))
        return complaint{fmt::format("{}:{}: {}", path, wrong->line, wrong->why)};
    return observe_recording(std::get<replay::recording>(std::move(parsed)), chosen);
}

answer observe_newer(options const& chosen) {
    if (!chosen.replay.empty()) return observe_file(chosen);
    return chosen.record.empty() ? observe_here(chosen) : record(chosen);
}

/// The file of --diff-with; of a recording with two samples the second.
answer observe_older(options const& chosen) {
    auto of_file = chosen;
    of_file.replay = chosen.diff_with;
    of_file.pids.clear();
    return observe_file(of_file);
}

} // namespace

answer observe(options const& chosen) {
    if (chosen.diff_with.empty()) return observe_newer(chosen);
    auto older = observe_older(chosen);
    if (std::holds_alternative<complaint>(older)) return older;
    auto found = observe_newer(chosen);
    if (auto* const seen = std::get_if<observation>(&found))
        put_before(*seen, std::get<observation>(std::move(older)), chosen.diff_with, chosen.replay);
    return found;
}

} // namespace dmabuf_ps
