// SPDX-License-Identifier: MIT
#include "inputs.hpp"

#include "anonymise.hpp"
#include "files/whole_file.hpp"
#include "json/json_file.hpp"
#include "lines_by_size.hpp"
#include "options/sampled_place.hpp"
#include "replay/each_sample.hpp"
#include "replay/machine.hpp"
#include "report/coverage_words.hpp"
#include "report/failure_words.hpp"
#include "report/source_words.hpp"
#include "utc.hpp"
#include "watch_log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <functional>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace dmabuf_report {

namespace {

/// More than any system takes; a file without an end is refused there.
constexpr std::size_t largest_file = std::size_t{256} << 20U;

std::string escaped(std::string_view raw) {
    std::string text;
    dmabuf::escape(raw, std::back_inserter(text));
    return text;
}

/// All that the page shows.
dmabuf::sample_options sampling(options const& chosen, report::rights const& mine) {
    auto wanted = command_line::sampling_at(chosen.roots, chosen.source);
    wanted.names = wanted.counts = wanted.cgroups = wanted.origins = wanted.unheld = true;
    wanted.bufinfo = !chosen.no_debugfs && mine.root;
    return wanted;
}

/// The lines of a text, escaped, without the blanks that they begin with.
std::vector<std::string> sentences(std::string_view text) {
    std::vector<std::string> all;
    while (!text.empty()) {
        auto line = dmabuf::detail::take_until(text, '\n');
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        if (!line.empty()) all.push_back(escaped(line));
    }
    return all;
}

/// The regular files in a directory of lowmem_capture that are captures, the oldest first: their
/// names sort by number.
std::variant<std::vector<std::string>, complaint> captures_in(std::string const& directory) {
    std::unique_ptr<DIR, int (*)(DIR*)> const open(::opendir(directory.c_str()), ::closedir);
    if (!open) return complaint{fmt::format("cannot read {}: {}", directory, std::strerror(errno))};
    std::vector<std::string> files;
    while (auto const* const entry = ::readdir(open.get())) {
        std::string_view const name = entry->d_name;
        struct ::stat found{};
        if (!name.starts_with("lowmem-") || !name.ends_with(".json")) continue;
        if (::fstatat(::dirfd(open.get()), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(found.st_mode))
            continue;
        files.push_back(directory + "/" + std::string(name));
    }
    std::ranges::sort(files);
    if (files.empty()) return complaint{fmt::format("{} holds no capture", directory)};
    return files;
}

bool is_directory(std::string const& path) {
    struct ::stat found{};
    return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

/// A state's part of the timeline.
struct moment {
    struct share {
        std::string key, name; ///< "4711 123", "player (4711)"
        std::uint64_t bytes;
    };

    double since_boot = 0;
    std::optional<double> wall;
    std::string boot; ///< empty: not told
    std::string kernel;
    std::size_t file = 0; ///< the number of that which tells it
    std::uint64_t bytes = 0;
    std::vector<share> shares;
};

/// Whether they are of one boot. Where a file does not tell, a process with one pid and start time
/// in both does, as in dmabuf_ps --diff-with.
bool are_of_one_boot(moment const& a, moment const& b) {
    if (a.file == b.file) return true;
    if (!a.boot.empty() && !b.boot.empty()) return a.boot == b.boot;
    std::set<std::string_view> keys;
    for (auto const& one : a.shares)
        keys.insert(one.key);
    return a.kernel == b.kernel &&
           std::ranges::any_of(b.shares, [&](auto const& one) { return keys.contains(one.key); });
}

/// Puts a scene together, one file after the other. Each failure is thrown as a complaint.
class reader {
public:
    explicit reader(options const& chosen) { found_.shown = names(chosen.anonymise); }

    scene read_here(options const& chosen) {
        auto const mine = report::own_rights(chosen.roots);
        auto const wanted = sampling(chosen, mine);
        dmabuf::sampler sampler(wanted);
        dmabuf::snapshot now;
        if (auto const done = sampler.sample(now); !done)
            throw complaint{report::words_of(done.error(), wanted.roots())};
        if (wanted.force != dmabuf::source::none && now.coverage.found_by != wanted.force)
            throw complaint{report::why_not_served(wanted.force, now.coverage, mine)};
        std::set<std::uint32_t> users;
        for (auto const& who : now.holders)
            users.insert(who.uid);
        if (!chosen.anonymise) found_.users = identity::names_of(users);
        found_.kernel = escaped(replay::kernel_release());
        found_.taken = utc_words(std::time(nullptr));
        add_source("this system");
        take(now, sentences(report::coverage_words(now, mine)), {});
        return finish();
    }

    scene read(std::vector<std::string> const& paths) {
        for (auto const& path : paths) {
            if (!is_directory(path)) {
                read_file(path);
                continue;
            }
            auto const files = captures_in(path);
            if (auto const* const wrong = std::get_if<complaint>(&files)) throw *wrong;
            for (auto const& file : std::get<std::vector<std::string>>(files))
                read_file(file);
        }
        return finish();
    }

private:
    void read_file(std::string const& path) {
        auto const whole = files::read_whole(path, largest_file);
        if (auto const* const wrong = std::get_if<files::trouble>(&whole))
            throw complaint{fmt::format("cannot read {}: {}", path, wrong->words)};
        auto const& text = std::get<std::string>(whole);
        ++files_;
        if (looks_like_log(text))
            take_log(path, text);
        else if (json_file::looks_like_json(text))
            take_json(path, text);
        else
            take_recording(path, text);
    }

    void take_log(std::string const& path, std::string_view text) {
        if (!found_.times.empty())
            throw complaint{fmt::format("{}: one page shows the log of one watch", path)};
        if (auto const wrong = read_log(text, found_.shown, found_.times))
            throw complaint{fmt::format("{}:{}: {}", path, wrong->line, wrong->why)};
        add_source("the log of a watch");
    }

    void take_json(std::string const& path, std::string_view text) {
        if (text.size() > json_file::largest_json)
            throw complaint{fmt::format("{} is larger than the {} of JSON that are read", path,
                                        dmabuf::bytes{json_file::largest_json})};
        auto read = json_file::read_json(text);
        if (auto const* const wrong = std::get_if<json_file::json_trouble>(&read))
            throw complaint{fmt::format("{}: {}: {}", path, wrong->where, wrong->why)};
        auto& found = std::get<json_file::json_snapshot>(read);
        found_.kernel = escaped(found.kernel);
        found_.users = {};
        bool const capture = !found.time.empty();
        add_source(capture ? "a capture of lowmem_capture" : "JSON of dmabuf_ps");
        found_.taken.clear();
        moment when;
        when.boot = found.boot_id;
        when.wall = seconds_of(found.time);
        if (when.wall) found_.taken = utc_words(static_cast<std::time_t>(*when.wall));
        if (when.wall) captures_.push_back({*when.wall, "memory was short: a capture"});
        take(found.now, gaps_of(found), std::move(when));
    }

    /// Sentences of a stranger's file may name what is not to be named.
    std::vector<std::string> gaps_of(json_file::json_snapshot const& from) const {
        if (from.notes.empty()) return {"It names no gaps."};
        if (found_.shown.anonymise())
            return {fmt::format("{} of its sentences on what was not seen are left out, since they "
                                "may hold names.",
                                from.notes.size())};
        std::vector<std::string> all;
        for (auto const& note : from.notes)
            all.push_back(escaped(note));
        return all;
    }

    void take_recording(std::string const& path, std::string_view text) {
        auto parsed = replay::parse(text);
        if (auto const* const wrong = std::get_if<replay::malformed>(&parsed))
            throw complaint{fmt::format("{}:{}: {}", path, wrong->line, wrong->why)};
        auto recorded = std::get<replay::recording>(std::move(parsed));
        auto const mine = report::rights_of(recorded.made.rights);
        auto const boot = replay::boot_id_of(recorded);
        found_.kernel = escaped(recorded.made.kernel);
        found_.users = {};
        if (!found_.shown.anonymise()) found_.users = identity::user_names(recorded.made.users);
        found_.taken.clear();
        add_source(recorded.made.anonymised ? "an anonymised recording" : "a recording");
        auto const wrong =
            replay::each_sample(std::move(recorded), [&](dmabuf::snapshot const& now) {
                moment when;
                when.boot = boot;
                take(now, sentences(report::coverage_words(now, mine)), std::move(when));
                return true;
            });
        if (!wrong.empty()) throw complaint{fmt::format("{}: {}", path, wrong)};
    }

    void add_source(std::string const& words) {
        if (std::ranges::count(found_.sources, words) == 0) found_.sources.push_back(words);
    }

    void take(dmabuf::snapshot const& seen, std::vector<std::string> gaps, moment when) {
        auto& now = found_.now = seen;
        if (found_.shown.anonymise()) anonymise(now, found_.shown);
        when.since_boot = static_cast<double>(now.begin_ns) / 1e9;
        when.kernel = found_.kernel;
        when.file = files_;
        when.bytes = now.total_bytes;
        for (auto const& who : now.holders)
            when.shares.push_back({fmt::format("{} {}", who.pid, who.start_ticks),
                                   fmt::format("{} ({})", escaped(who.comm.view()), who.pid),
                                   who.pss_bytes.value_or(who.rss_bytes)});
        moments_.push_back(std::move(when));
        found_.has_snapshot = true;
        found_.gaps = std::move(gaps);
    }

    scene finish() {
        if (found_.times.empty()) add_moments();
        return std::move(found_);
    }

    /// By the time of day where all tell it, by that since boot where all are of one.
    void add_moments() {
        if (moments_.size() < 2) return;
        bool const utc =
            std::ranges::all_of(moments_, [](moment const& one) { return one.wall.has_value(); });
        bool const one_boot = utc || std::ranges::adjacent_find(
                                         moments_, std::not_fn(are_of_one_boot)) == moments_.end();
        if (!one_boot) {
            found_.gaps.emplace_back("The files are not known to be of one boot, and tell no time "
                                     "of day: this page shows "
                                     "the last one, and nothing over time.");
            return;
        }
        lines_by_size lines;
        auto const first = moments_[0].since_boot;
        for (auto const& one : moments_) {
            auto const at = utc ? *one.wall : one.since_boot - first;
            lines.add("", "all processes", at, one.bytes);
            for (auto const& share : one.shares)
                lines.add(share.key, share.name, at, share.bytes);
        }
        found_.times.utc = utc;
        if (utc) found_.times.events = captures_;
        lines.finish(found_.times);
    }

    scene found_;
    std::vector<moment> moments_;
    std::size_t files_ = 0;
    std::vector<timeline::event> captures_;
};

} // namespace

std::variant<scene, complaint> read_inputs(options const& chosen) {
    try {
        reader reading(chosen);
        return chosen.replay.empty() ? reading.read_here(chosen) : reading.read(chosen.replay);
    } catch (complaint& why) {
        return std::move(why);
    }
}

} // namespace dmabuf_report
