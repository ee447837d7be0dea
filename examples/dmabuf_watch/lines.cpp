// SPDX-License-Identifier: MIT
#include "lines.hpp"

#include <dmabuf/fmt.hpp>

#include "rows/rows.hpp"

#include <array>
#include <ctime>
#include <iterator>

namespace dmabuf_watch {

namespace {

using dmabuf::measure;
using dmabuf::subject_kind;

// --- times ---

double seconds_between(std::uint64_t from_ns, std::uint64_t to_ns) {
    return static_cast<double>(static_cast<std::int64_t>(to_ns - from_ns)) / 1e9;
}

/// UTC; empty where the time of day is not known.
std::string wall_time(std::uint64_t time_ns, time_base const& base) {
    if (base.to_wall_ns == 0) return {};
    auto const now_ns = static_cast<std::int64_t>(time_ns) + base.to_wall_ns;
    std::time_t const now = now_ns / 1'000'000'000;
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> text{};
    auto const size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return {text.data(), size};
}

std::string mark_of(std::uint64_t time_ns, time_base const& base) {
    auto wall = wall_time(time_ns, base);
    return wall.empty() ? fmt::format("+{:.1f} s", seconds_between(base.first_ns, time_ns)) : wall;
}

// --- for people ---

std::string_view noun_of(measure what, bool one = false) {
    switch (what) {
    case measure::buffers:
        return one ? "buffer" : "buffers";
    case measure::descriptors:
        return one ? "descriptor" : "descriptors";
    case measure::mappings:
        return one ? "mapping" : "mappings";
    case measure::other_references:
        return one ? "reference of no process" : "references of no process";
    case measure::attachments:
        return one ? "attachment" : "attachments";
    case measure::bytes:
        break;
    }
    return "bytes";
}

std::string value_words(amount const& one) {
    if (one.what == measure::bytes) return fmt::format("{}", dmabuf::bytes{one.value});
    return fmt::format("{} {}", one.value, noun_of(one.what, one.value == 1));
}

/// A rate in the unit of time in which it is not small.
struct scaled_rate {
    double number;
    double error;
    std::string_view per;
};
scaled_rate scaled(amount const& one) {
    constexpr struct {
        double seconds;
        std::string_view name;
    } units[] = {{1, "s"}, {60, "min"}, {3600, "h"}};
    constexpr double small = 0.2;
    for (auto const& unit : units)
        if (one.rate_per_second * unit.seconds >= small || unit.seconds == 3600)
            return {one.rate_per_second * unit.seconds, one.rate_error_per_second * unit.seconds,
                    unit.name};
    return {};
}

dmabuf::bytes whole_bytes(double number) {
    return {number > 0 ? static_cast<std::uint64_t>(number + 0.5) : 0};
}

std::string rate_words(amount const& one) {
    auto const rate = scaled(one);
    if (one.what == measure::bytes)
        return fmt::format("{}/{} ± {}", whole_bytes(rate.number), rate.per,
                           whole_bytes(rate.error));
    return fmt::format("{:.3g} {}/{} ± {:.1g}", rate.number, noun_of(one.what), rate.per,
                       rate.error);
}

/// "16.0 KiB/s ± 160 B (64.0 KiB → 1.0 MiB)"
std::string growth_words(amount const& one) {
    auto from = one;
    from.value = one.since_value;
    auto const values = one.what == measure::bytes
                            ? fmt::format("{} → {}", value_words(from), value_words(one))
                            : fmt::format("{} → {}", one.since_value, one.value);
    return fmt::format("{} ({})", rate_words(one), values);
}

std::string end_words(amount const& one) {
    return fmt::format("{}, {} at most", value_words(one),
                       one.what == measure::bytes ? fmt::format("{}", dmabuf::bytes{one.highest})
                                                  : fmt::format("{}", one.highest));
}

std::string amount_words(event_kind what, amount const& one) {
    switch (what) {
    case event_kind::grows:
        return growth_words(one);
    case event_kind::stopped:
    case event_kind::ended:
        return end_words(one);
    default:
        return value_words(one);
    }
}

std::uint64_t earliest(event const& what) {
    auto since = what.time_ns;
    for (auto const& one : what.amounts)
        if (one.since_ns < since) since = one.since_ns;
    return since;
}

std::string text_line(event const& what, time_base const& base) {
    if (what.told_before) return {};
    auto line = fmt::format("{}: {}: ", mark_of(what.time_ns, base), name_of(what.what));
    line += what.of_watch ? std::string("all processes") : words_of(what.of);
    if (what.what == event_kind::grows)
        line += fmt::format(", for {}", duration_words(what.time_ns - earliest(what)));
    std::string_view before = ": ";
    for (auto const& one : what.amounts) {
        line += before;
        line += amount_words(what.what, one);
        before = "; ";
    }
    before = "; the same in ";
    for (auto const& other : what.also) {
        line += before;
        line += words_of(other);
        before = ", ";
    }
    if (!what.note.empty()) line += "; " + what.note;
    return line + '\n';
}

// --- for programs ---

rows::value text_or_nothing(std::string text) {
    if (text.empty()) return {};
    return text;
}

rows::value number_or_nothing(std::uint64_t number) {
    if (number == 0) return {};
    return number;
}

/// A rate, and all that comes with it.
rows::value of_rate(bool known, double number) {
    if (!known) return {};
    return number;
}

/// One row for each amount.
rows::table table_of(event const& what, time_base const& base) {
    rows::table all;
    all.fields = {{"time", ""},
                  {"seconds", ""},
                  {"event", ""},
                  {"subject", ""},
                  {"pid", ""},
                  {"start_ticks", ""},
                  {"name", ""},
                  {"inode", ""},
                  {"measure", ""},
                  {"value", ""},
                  {"rate_per_second", ""},
                  {"rate_error_per_second", ""},
                  {"for_seconds", ""},
                  {"since_value", ""},
                  {"highest", ""},
                  {"leak", ""}};
    bool const subject = !what.of_watch;
    for (auto const& one : what.amounts) {
        bool const known = one.has_rate;
        std::vector<rows::value> const values = {
            text_or_nothing(wall_time(what.time_ns, base)),
            seconds_between(base.first_ns, what.time_ns),
            std::string(name_of(what.what)),
            subject ? rows::value(std::string(name_of(what.of.kind))) : rows::value(),
            number_or_nothing(static_cast<std::uint64_t>(what.of.pid)),
            number_or_nothing(what.of.start_ticks),
            text_or_nothing(shown(what.of.name)),
            number_or_nothing(what.of.inode),
            std::string(name_of(one.what)),
            one.value,
            of_rate(known, one.rate_per_second),
            of_rate(known, one.rate_error_per_second),
            of_rate(known, seconds_between(one.since_ns, what.time_ns)),
            known ? rows::value(one.since_value) : rows::value(),
            known ? rows::value(one.highest) : rows::value(),
            number_or_nothing(what.leak)};
        auto& row = all.rows.emplace_back();
        for (auto const& value : values)
            row.push_back({value, {}});
    }
    return all;
}

} // namespace

std::string shown(dmabuf::subject_name const& name) {
    std::string text;
    dmabuf::escape(name.view(), std::back_inserter(text));
    return text;
}

std::string duration_words(std::uint64_t ns) {
    auto const seconds = static_cast<double>(ns) / 1e9;
    if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
    if (seconds < 120) return fmt::format("{:.0f} s", seconds);
    if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
    return fmt::format("{:.1f} h", seconds / 3600);
}

std::string words_of(dmabuf::growth_subject const& of) {
    switch (of.kind) {
    case subject_kind::process:
        return fmt::format("process {} ({})", of.pid, shown(of.name));
    case subject_kind::process_buffer:
        return fmt::format("buffer {} of process {} ({})", of.inode, of.pid, shown(of.name));
    case subject_kind::maker:
        return fmt::format("maker {}", shown(of.name));
    case subject_kind::cgroup:
        return fmt::format("cgroup {}", shown(of.name));
    case subject_kind::unheld:
        if (of.name.empty()) return "buffers that no process holds";
        return fmt::format("buffers of {} that no process holds", shown(of.name));
    case subject_kind::exporter:
        return fmt::format("exporter {}", shown(of.name));
    case subject_kind::buffer:
        break;
    }
    return fmt::format("buffer {}", of.inode);
}

std::string header_of(output_format format) {
    return format == output_format::csv ? rows::csv(table_of({}, {})) : std::string();
}

std::string lines_of(output_format format, event const& what, time_base const& base) {
    if (format == output_format::text) return text_line(what, base);
    auto const table = table_of(what, base);
    if (format == output_format::ndjson) return rows::ndjson(table);
    return rows::csv(table).substr(header_of(format).size());
}

} // namespace dmabuf_watch
