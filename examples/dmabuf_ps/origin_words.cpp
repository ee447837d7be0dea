// SPDX-License-Identifier: MIT
#include "origin_words.hpp"

#include "cells.hpp"
#include "report/maker_words.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace dmabuf_ps {

namespace {

using dmabuf::origin_state;

/// Lines of makers below the sum of the buffers that no process holds.
constexpr std::size_t most_makers = 5;
/// Devices in one of these lines.
constexpr std::size_t most_devices = 3;

bool is_of(dmabuf::maker_total const& total, dmabuf::snapshot const& now,
           dmabuf::buffer const& one) {
    auto const* const told = now.origin_of(one);
    if (!told) return total.state == origin_state::not_watched;
    return told->state == total.state && told->maker.pid == total.maker.pid &&
           told->maker.start_ns == total.maker.start_ns;
}

/// "vgem by 180 compositor" of every buffer of one maker, each once.
std::set<std::string> attached_words(dmabuf::snapshot const& now,
                                     dmabuf::maker_total const& total) {
    std::set<std::string> words;
    for (auto const& one : now.unheld) {
        if (!is_of(total, now, one)) continue;
        for (auto const& attached : now.watched_attachments_of(one))
            words.insert(fmt::format("{} by {}",
                                     attached.named ? visible(attached.device) : "a device",
                                     report::words_of(attached.importer)));
    }
    return words;
}

/// "3 min ago", or "3 min to 2 h ago"
std::string when(dmabuf::snapshot const& now, dmabuf::maker_total const& total) {
    if (now.watch.now_ns == 0) return {};
    auto const newest = report::age_words(now.watch.age_ns(total.newest_ns));
    auto const oldest = report::age_words(now.watch.age_ns(total.oldest_ns));
    return newest == oldest ? fmt::format(" {} ago", newest)
                            : fmt::format(" {} to {} ago", newest, oldest);
}

std::string made_words(dmabuf::snapshot const& now, dmabuf::maker_total const& total) {
    switch (total.state) {
    case origin_state::made_by:
        return "made by " + report::maker_words(total.state, total.maker) + when(now, total);
    case origin_state::before_watch:
        return "made before the watch began";
    case origin_state::missed:
        return "made under the watch, which missed it";
    case origin_state::no_room:
        return fmt::format("made while the watch had no room: it knows {} at a time",
                           counted(now.watch.room, "buffer"));
    case origin_state::not_watched:
    case origin_state::uncertain:
        break;
    }
    return "made by a process that the records do not tell for certain";
}

std::string line_of(dmabuf::snapshot const& now, dmabuf::maker_total const& total,
                    table_style const& style) {
    auto text = fmt::format("  {}, {}: {}", counted(total.buffers, "buffer"),
                            size(total.size_bytes, style), made_words(now, total));
    std::size_t told = 0;
    auto const attached = attached_words(now, total);
    for (auto const& one : attached) {
        if (told++ == most_devices) break;
        text += (told == 1 ? ", attached to " : " and ") + one;
    }
    if (attached.size() > most_devices)
        text += fmt::format(" and {} more", attached.size() - most_devices);
    return text + "\n";
}

} // namespace

std::string unheld_makers(dmabuf::snapshot const& now, table_style const& style) {
    if (now.unheld.empty()) return {};
    if (!now.watch.origins_read) return report::not_watched_words(now);
    dmabuf::snapshot part; // without the held buffers of these makers, which have other ages
    part.unheld = now.unheld;
    part.origins = now.origins;
    auto const makers = dmabuf::by_maker(part);
    std::string text;
    for (std::size_t at = 0; at < makers.size() && at < most_makers; ++at)
        text += line_of(now, makers[at], style);
    if (makers.size() > most_makers)
        text += fmt::format("  and of {} more: see --by maker\n",
                            counted(makers.size() - most_makers, "maker"));
    return text;
}

std::string detached_words(dmabuf::snapshot const& now, bool table) {
    auto const by_watch = [&](dmabuf::buffer const& one) {
        auto const* const count = now.count_of(one);
        bool const listed = table && count && count->devices_known;
        return !listed && !now.watched_attachments_of(one).empty();
    };
    bool const shown = std::ranges::any_of(now.unheld, by_watch) ||
                       (table && std::ranges::any_of(now.buffers, by_watch));
    auto const& left_over = now.watch.attachments_left_over;
    if (!shown || left_over.value_or(1) == 0) return {};
    if (!left_over.has_value())
        return "An attached device may have been detached: how often the watch missed that is "
               "unknown.\n";
    return fmt::format("Up to {} may have been detached: the watch missed the end of as many "
                       "attachments.\n",
                       counted(*left_over, "attached device"));
}

} // namespace dmabuf_ps
