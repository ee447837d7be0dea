// SPDX-License-Identifier: MIT
#include "watch_log.hpp"

#include <dmabuf/fmt.hpp>

#include "lines_by_size.hpp"
#include "replay/recording.hpp"
#include "utc.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <limits>

namespace dmabuf_report {

namespace {

using nlohmann::json;

constexpr std::size_t longest_row = 64 * 1024;
constexpr std::size_t most_rows = 1'000'000;
constexpr std::size_t most_events = 5000;
constexpr std::string_view no_json = "it is not JSON";

/// Why a row is none; thrown.
struct bad_row {
    std::string why;
};

/// Names are escaped as dmabuf_watch does it: nothing else reaches the page.
std::string text(json const& row, char const* key) {
    auto const found = row.find(key);
    if (found == row.end() || found->is_null()) return {};
    bool const is_text = found->is_string();
    auto told = is_text ? found->get<std::string>() : std::string();
    std::string bytes, again;
    if (replay::unescape(told, bytes)) dmabuf::escape(bytes, std::back_inserter(again));
    if (!is_text || told != again) throw bad_row{fmt::format("{} is no escaped text", key)};
    return told;
}

template<class Number>
std::optional<Number> number(json const& row, char const* key) {
    auto const found = row.find(key);
    if (found == row.end() || found->is_null()) return std::nullopt;
    if (!(std::is_same_v<Number, double> ? found->is_number() : found->is_number_unsigned()))
        throw bad_row{fmt::format("{} is no number that fits", key)};
    return found->get<Number>();
}

struct row {
    double seconds = 0;
    std::optional<double> wall;
    std::string event, subject, name, measure;
    std::uint64_t pid = 0, inode = 0, start_ticks = 0;
    std::uint64_t value = 0;
    std::optional<double> rate, for_seconds;
    std::optional<std::uint64_t> since_value, leak;
};

row row_of(json const& from) {
    if (!from.is_object()) throw bad_row{"it is no object"};
    row one;
    auto const seconds = number<double>(from, "seconds");
    auto const value = number<std::uint64_t>(from, "value");
    if (!seconds || !value) throw bad_row{"it has no seconds or no value"};
    one.seconds = std::clamp(*seconds, 0.0, 1e12);
    one.value = *value;
    auto const time = text(from, "time");
    one.wall = seconds_of(time);
    if (!time.empty() && !one.wall) throw bad_row{"time is none"};
    one.event = text(from, "event");
    one.subject = text(from, "subject");
    one.name = text(from, "name");
    one.measure = text(from, "measure");
    one.pid = number<std::uint64_t>(from, "pid").value_or(0);
    one.inode = number<std::uint64_t>(from, "inode").value_or(0);
    one.start_ticks = number<std::uint64_t>(from, "start_ticks").value_or(0);
    one.rate = number<double>(from, "rate_per_second");
    one.for_seconds = number<double>(from, "for_seconds");
    if (one.for_seconds) one.for_seconds = std::clamp(*one.for_seconds, 0.0, 1e12);
    one.since_value = number<std::uint64_t>(from, "since_value");
    one.leak = number<std::uint64_t>(from, "leak");
    return one;
}

/// The name by its kind: only those of drivers are kept in every page.
std::string name_of(row const& one, names& shown) {
    if (one.subject == "exporter" || one.subject == "unheld") return one.name;
    if (one.subject == "cgroup") return shown.cgroup(one.name);
    return shown.process(one.name);
}

/// As dmabuf_watch says it to people.
std::string subject_words(row const& one, names& shown) {
    auto const name = name_of(one, shown);
    if (one.subject.empty()) return "all processes";
    if (one.subject == "process") return fmt::format("{} ({})", name, one.pid);
    if (one.subject == "process_buffer")
        return fmt::format("buffer {} of {} ({})", one.inode, name, one.pid);
    if (one.subject == "unheld")
        return name.empty() ? "buffers that no process holds"
                            : fmt::format("buffers of {} that no process holds", name);
    if (one.subject == "buffer") return fmt::format("buffer {}", one.inode);
    return fmt::format("{} {}", one.subject, name);
}

std::string amount(std::uint64_t value, std::string const& measure) {
    if (measure == "bytes") return fmt::format("{}", dmabuf::bytes{value});
    return fmt::format("{} {}", value, measure);
}

std::string rate(double per_second, std::string const& measure) {
    if (measure == "bytes" && per_second >= 0 && per_second < 1e18)
        return fmt::format("{}", dmabuf::bytes{static_cast<std::uint64_t>(per_second + 0.5)});
    return fmt::format("{:.3g} {}", per_second, measure);
}

std::string event_words(row const& one, names& shown) {
    if (one.subject.empty() && one.event == "started")
        return "the watch begins at " + amount(one.value, one.measure);
    if (one.subject.empty() && one.event == "finished")
        return "the watch ends at " + amount(one.value, one.measure);
    auto words = fmt::format("{} {}: {}", subject_words(one, shown), one.event,
                             amount(one.value, one.measure));
    if (one.rate && one.for_seconds && one.since_value)
        words += fmt::format(", {} a second for {:.0f} s, from {}", rate(*one.rate, one.measure),
                             *one.for_seconds, amount(*one.since_value, one.measure));
    return words;
}

bool begins_watch(row const& one) {
    return one.event == "started" && one.subject.empty();
}

/// Puts the rows of one log on one axis of time.
class clock {
public:
    explicit clock(bool utc)
        : utc_(utc) {}

    double operator()(row const& one) {
        bool const begins = !begun_ || begins_watch(one);
        if (begins) begin_ = utc_ ? one.wall.value_or(0) - one.seconds : last_;
        begun_ = true;
        last_ = std::max(last_, begin_ + one.seconds);
        return begin_ + one.seconds;
    }

private:
    bool utc_;
    bool begun_ = false;
    double begin_ = 0;
    double last_ = 0;
};

void add_bytes(row const& one, double at, std::string const& name, lines_by_size& lines) {
    if (one.measure != "bytes") return;
    auto const key = fmt::format("{} {} {} {}", one.subject, one.pid, one.start_ticks, one.name);
    bool const over = one.event == "gone" || one.event == "ended";
    if (one.since_value && one.for_seconds)
        lines.add(key, name, at - *one.for_seconds, *one.since_value);
    lines.add(key, name, at, over ? 0 : one.value);
}

/// Whether a row tells more of the event of the row before: another measure of the whole watch, or
/// one more amount of the same leak.
bool goes_on(row const& before, row const& one) {
    bool const of_all = one.subject.empty() && before.subject.empty();
    bool const of_leak = one.leak && one.leak == before.leak;
    return (of_all || of_leak) && one.event == before.event && one.seconds == before.seconds;
}

bool is_same_subject(row const& a, row const& b) {
    return a.subject == b.subject && a.pid == b.pid && a.start_ticks == b.start_ticks &&
           a.inode == b.inode && a.name == b.name;
}

/// The words that a row adds which goes on. `first` is the row that the event began with.
std::string more_words(row const& first, row const& before, row const& one, names& shown) {
    if (one.subject.empty()) return ", " + amount(one.value, one.measure);
    bool const begins = is_same_subject(first, before) && before.measure == first.measure;
    std::string const link = begins ? "; with it " : ", ";
    if (is_same_subject(first, one)) return link + "its " + one.measure;
    return is_same_subject(before, one) ? std::string() : link + subject_words(one, shown);
}

/// Half a row is left out where a watch begins behind it: the one before was stopped while it
/// wrote.
std::vector<row> rows_of(std::string_view text, std::optional<log_trouble>& trouble) {
    std::vector<row> all;
    std::size_t half = 0; ///< the line
    for (std::size_t line = 1; text.find('\n') != text.npos; ++line) {
        auto const words = dmabuf::detail::take_until(text, '\n');
        if (words.empty()) continue;
        try {
            if (words.size() > longest_row) throw bad_row{"it is longer than a row can be"};
            if (all.size() == most_rows) throw bad_row{"there are more rows than are read"};
            auto const parsed = json::parse(words, nullptr, false);
            if (parsed.is_discarded() && half == 0) {
                half = line;
                continue;
            }
            if (!parsed.is_discarded()) all.push_back(row_of(parsed));
            if (half != 0 && (parsed.is_discarded() || !begins_watch(all.back()))) {
                trouble = {half, std::string(no_json)};
                return {};
            }
            half = 0;
        } catch (bad_row& wrong) {
            trouble = {line, std::move(wrong.why)};
            return {};
        }
    }
    if (half != 0) trouble = {half, std::string(no_json)};
    return all;
}

} // namespace

bool looks_like_log(std::string_view text) {
    auto const line = text.substr(0, text.find('\n'));
    return line.starts_with('{') && line.ends_with('}') && line.find("\"event\"") != line.npos &&
           line.find("\"schema\"") == line.npos;
}

std::optional<log_trouble> read_log(std::string_view text, names& shown, timeline& times) {
    std::optional<log_trouble> trouble;
    auto const rows = rows_of(text, trouble);
    if (trouble) return trouble;
    times.utc = std::ranges::all_of(rows, [](row const& one) { return one.wall.has_value(); });
    clock at(times.utc);
    lines_by_size lines;
    constexpr auto nothing = ~std::size_t{0};
    auto last = nothing; // place of the event that goes on
    for (std::size_t number = 0, first = 0; number < rows.size(); ++number) {
        auto const& one = rows[number];
        auto const when = at(one);
        add_bytes(one, when, subject_words(one, shown), lines);
        if (number != 0 && goes_on(rows[number - 1], one)) {
            if (last != nothing)
                times.events[last].words += more_words(rows[first], rows[number - 1], one, shown);
            continue;
        }
        first = number;
        last = nothing;
        if (times.events.size() == most_events) {
            ++times.events_left_out;
            continue;
        }
        auto const place = std::ranges::upper_bound(times.events, when, {}, &timeline::event::at);
        last = static_cast<std::size_t>(place - times.events.begin());
        times.events.insert(place, {when, event_words(one, shown), one.event == "grows"});
    }
    lines.finish(times);
    return std::nullopt;
}

} // namespace dmabuf_report
