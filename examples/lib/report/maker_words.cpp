// SPDX-License-Identifier: MIT
#include "maker_words.hpp"

#include <dmabuf/fmt.hpp>

#include "visible.hpp"

#include <cerrno>

namespace report {

using dmabuf::origin_state;
using dmabuf::process_state;

std::string words_of(dmabuf::actor const& who) {
    return fmt::format("{} {}", who.pid, visible(who.comm));
}

std::string age_words(std::uint64_t ns) {
    auto const seconds = ns / 1'000'000'000;
    if (seconds < 120) return fmt::format("{} s", seconds);
    if (seconds < 120 * 60) return fmt::format("{} min", seconds / 60);
    if (seconds < 48 * 3600) return fmt::format("{} h", seconds / 3600);
    return fmt::format("{} d", seconds / 86400);
}

std::string maker_words(dmabuf::origin_state state, dmabuf::actor const& maker) {
    switch (state) {
    case origin_state::made_by:
        if (maker.now == process_state::ended) return words_of(maker) + " (ended)";
        if (maker.now == process_state::replaced)
            return fmt::format("{} (ended; {} is another process now)", words_of(maker), maker.pid);
        return words_of(maker);
    case origin_state::before_watch:
        return "before the watch";
    case origin_state::missed:
        return "missed";
    case origin_state::no_room:
        return "no room";
    case origin_state::uncertain:
        return "?";
    case origin_state::not_watched:
        break;
    }
    return "-";
}

std::string maker_words(dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    auto const* const told = now.origin_of(one);
    return told ? maker_words(told->state, told->maker) : "-";
}

std::string age_cell_words(dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    auto const* const told = now.origin_of(one);
    if (!told || told->state != origin_state::made_by) return "-";
    return now.watch.now_ns == 0 ? "?" : age_words(now.watch.age_ns(told->made_ns));
}

std::string not_watched_words(dmabuf::snapshot const& now) {
    auto const& why = now.watch.why_no_origins;
    if (why.error == 0) return {};
    bool const absent = why.error == ENOENT || why.error == ENODEV;
    return absent ? "Makers are not watched: `dmabuf_pin --origins`, run as root, notes those of "
                    "later buffers.\n"
                  : fmt::format("Makers are not told: {}.\n", describe(why).view());
}

} // namespace report
