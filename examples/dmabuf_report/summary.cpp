// SPDX-License-Identifier: MIT
#include "summary.hpp"

#include <dmabuf/fmt.hpp>
#include <dmabuf/origins.hpp>

#include "html.hpp"
#include "makers.hpp"
#include "report/coverage_words.hpp"
#include "utc.hpp"

#include <algorithm>

namespace dmabuf_report {

namespace {

constexpr std::size_t most_rows = 10;
constexpr std::size_t most_events = 200;

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", number, number == 1 ? one : many);
}

std::string name_of(dmabuf::holder const& who) {
    return fmt::format("{} ({})", who.comm, who.pid);
}

std::string element(std::string_view tag, std::string_view text) {
    return fmt::format("<{0}>{1}</{0}>\n", tag, html(text));
}

/// Rounded down: 100 means all.
unsigned percent(std::uint64_t part, std::uint64_t whole) {
    if (part >= whole) return 100;
    return std::min(
        99U, static_cast<unsigned>(static_cast<double>(part) * 100 / static_cast<double>(whole)));
}

std::string held_words(dmabuf::snapshot const& now) {
    auto const& seen = now.coverage;
    if (seen.indistinct.kernel_major != 0) return "This kernel does not tell DMA-BUFs apart.";
    if (!now.holders.empty())
        return fmt::format("{} {} {} of DMA-BUF memory in {}.",
                           counted(now.holders.size(), "process", "processes"),
                           now.holders.size() == 1 ? "holds" : "hold",
                           dmabuf::bytes{now.total_bytes},
                           counted(now.buffers.size(), "buffer", "buffers"));
    return seen.complete() ? "No process holds a DMA-BUF."
                           : "No DMA-BUF was seen, but not everything could be looked at.";
}

std::string largest_words(account const& shown) {
    auto const& now = shown.now;
    if (shown.processes.empty() || now.total_bytes == 0) return {};
    auto const& who = *shown.processes[0];
    if (!who.pss_bytes.has_value()) return {};
    return fmt::format(
        "The largest holder is {} with {}, {} % of it, each buffer's size split over its holders.",
        name_of(who), dmabuf::bytes{*who.pss_bytes}, percent(*who.pss_bytes, now.total_bytes));
}

std::string exporter_words(dmabuf::snapshot const& now) {
    std::string text;
    for (auto const& one : now.exporters)
        text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", dmabuf::bytes{one.size_bytes},
                            one.name.empty() ? std::string("an unknown exporter")
                                             : fmt::format("{}", one.name));
    return text.empty() ? text : "By exporter: " + text + ".";
}

std::string shared_words(dmabuf::snapshot const& now) {
    std::uint64_t buffers = 0;
    std::uint64_t bytes = 0;
    for (auto const& one : now.buffers)
        if (one.holders.value_or(0) > 1) ++buffers, bytes += one.size_bytes;
    if (buffers == 0) return {};
    return fmt::format("{} {} held by more than one process: {} in all.",
                       counted(buffers, "buffer", "buffers"), buffers == 1 ? "is" : "are",
                       dmabuf::bytes{bytes});
}

std::string unheld_words(dmabuf::snapshot const& now) {
    if (now.unheld.empty()) return {};
    std::uint64_t bytes = 0;
    for (auto const& one : now.unheld)
        bytes += one.size_bytes;
    return fmt::format(
        "{} {} held by no process that was seen, but by a driver, a socket or a ring: {} in all.",
        counted(now.unheld.size(), "buffer", "buffers"), now.unheld.size() == 1 ? "is" : "are",
        dmabuf::bytes{bytes});
}

std::string maker_words(dmabuf::snapshot const& now) {
    std::string text;
    if (!now.watch.origins_read) return text;
    std::size_t told = 0;
    for (auto const& one : dmabuf::by_maker(now)) {
        if (one.state != dmabuf::origin_state::made_by || told++ == 3) continue;
        text += fmt::format("{}{} ({}) made {}", text.empty() ? "" : ", ", one.maker.comm,
                            one.maker.pid, dmabuf::bytes{one.size_bytes});
    }
    return text.empty() ? text : "Of makers, " + text + ".";
}

/// The parts that are drawn, and those that are only summed up.
std::string limits(account const& shown) {
    std::string text;
    if (auto const rest = shown.whole_rest(); rest.buffers != 0)
        text = fmt::format("The {} largest buffers are shown one by one; the {} smaller ones, {} "
                           "in all, only as sums.",
                           shown.buffers.size(), rest.buffers, dmabuf::bytes{rest.bytes});
    if (shown.processes_left_out != 0)
        text += fmt::format("{}The {} largest holders are shown one by one; {} more hold {}.",
                            text.empty() ? "" : " ", shown.processes.size(),
                            shown.processes_left_out, dmabuf::bytes{shown.left_out_bytes});
    return text;
}

std::string list(std::vector<std::string> const& sentences) {
    std::string text = "<ul>\n";
    for (auto const& one : sentences)
        if (!one.empty()) text += element("li", one);
    return text + "</ul>\n";
}

std::string sizes(dmabuf::known_number<std::uint64_t> bytes) {
    return bytes.has_value() ? fmt::format("{}", dmabuf::bytes{*bytes}) : "–";
}

constexpr std::string_view titles =
    "<thead><tr><th scope=\"col\">Process</th><th scope=\"col\" class=\"number\">PSS</th>"
    "<th scope=\"col\" class=\"number\">RSS</th><th scope=\"col\" class=\"number\">USS</th>"
    "<th scope=\"col\" class=\"number\">Buffers</th><th scope=\"col\">User</th></tr></thead>\n";

std::string row(scene const& of, dmabuf::holder const& who) {
    std::string text = "<tr><td>" + html(name_of(who)) + "</td>";
    for (auto const& number : {sizes(who.pss_bytes), sizes(who.rss_bytes), sizes(who.uss_bytes),
                               std::to_string(who.reference_count)})
        text += "<td class=\"number\">" + number + "</td>";
    return text + "<td>" + html(of.users.of(who.uid)) + "</td></tr>\n";
}

/// The first rows of the table: all there is without the script.
std::string holders(scene const& of, account const& shown) {
    if (shown.processes.empty()) return {};
    std::string text = "<h2 id=\"holders\">The largest holders</h2>\n"
                       "<div class=\"scrolls\" tabindex=\"0\" role=\"region\" "
                       "aria-labelledby=\"holders\">\n<table>\n";
    text += titles;
    text += "<tbody>\n";
    auto const count = std::min(shown.processes.size(), most_rows);
    for (auto const* who : std::span(shown.processes).first(count))
        text += row(of, *who);
    text += "</tbody>\n</table>\n</div>\n";
    auto const all = of.now.holders.size();
    auto note = count < all ? fmt::format("{} more hold less. ", all - count) : std::string();
    note += "PSS: each buffer's size split over its holders. RSS: the full size of all that it "
            "holds. USS: of that what no other process holds.";
    return text + fmt::format("<p class=\"note\">{}</p>\n", html(note));
}

std::string when(timeline const& times, double at) {
    if (times.utc) return utc_words(static_cast<std::time_t>(at));
    return fmt::format("+{:.1f} s", at);
}

std::string events(timeline const& times) {
    if (times.events.empty()) return {};
    auto const count = std::min(times.events.size(), most_events);
    std::string text = "<h2 id=\"happened\">What happened</h2>\n"
                       "<ol class=\"events\" tabindex=\"0\" aria-labelledby=\"happened\">\n";
    for (auto const& one : std::span(times.events).first(count))
        text += element("li", when(times, one.at) + ": " + one.words);
    text += "</ol>\n";
    auto const rest = times.events.size() - count + times.events_left_out;
    if (rest != 0) text += element("p", fmt::format("{} more events are left out.", rest));
    return text;
}

/// The first growth that a watch told: the rest stands among the events.
std::string growth_words(timeline const& times) {
    auto const first = std::ranges::find(times.events, true, &timeline::event::grows);
    return first == times.events.end() ? std::string() : first->words + ".";
}

std::string lead(scene const& of) {
    if (of.has_snapshot) return held_words(of.now);
    auto const grow = std::ranges::count(of.times.events, true, &timeline::event::grows);
    return fmt::format(
        "A watch told {}, {} of growth.",
        counted(of.times.events.size() + of.times.events_left_out, "event", "events"), grow);
}

std::string sources(scene const& of) {
    std::string text;
    for (auto const& one : of.sources)
        text += (text.empty() ? "" : ", ") + one;
    text = "Source: " + text + ".";
    if (!of.taken.empty()) text += " Taken " + of.taken + ".";
    if (!of.kernel.empty()) text += " Linux " + of.kernel + ".";
    if (of.shown.anonymise())
        text += " Names of processes, buffers and cgroups are not the real ones.";
    return text;
}

} // namespace

std::string summary(scene const& of, account const& shown) {
    auto const& now = of.now;
    std::string text = "<header>\n<h1>DMA-BUF memory</h1>\n";
    text += fmt::format("<p class=\"lead\">{}</p>\n<p class=\"note\">{}</p>\n</header>\n",
                        html(lead(of)), html(sources(of)));
    if (of.has_snapshot) {
        text += list({growth_words(of.times), largest_words(shown), shared_words(now),
                      exporter_words(now), maker_words(now), unheld_words(now), limits(shown)});
        text += "<h2>What was seen, and what was not</h2>\n" + list(of.gaps);
        text += holders(of, shown);
    }
    return text + events(of.times);
}

} // namespace dmabuf_report
