// SPDX-License-Identifier: MIT
#include "makers.hpp"

#include <dmabuf/fmt.hpp>

namespace dmabuf_report {

namespace {

std::string words_of(dmabuf::actor const& maker) {
    bool const over =
        maker.now == dmabuf::process_state::ended || maker.now == dmabuf::process_state::replaced;
    return fmt::format("{} ({}{})", maker.comm, maker.pid, over ? ", ended" : "");
}

} // namespace

std::string maker_words(dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    auto const* const told = now.origin_of(one);
    if (!told) return {};
    switch (told->state) {
    case dmabuf::origin_state::made_by:
        return words_of(told->maker);
    case dmabuf::origin_state::before_watch:
        return "made before the watch over makers";
    case dmabuf::origin_state::missed:
    case dmabuf::origin_state::no_room:
        return "missed by the watch over makers";
    case dmabuf::origin_state::uncertain:
        return "uncertain maker";
    case dmabuf::origin_state::not_watched:
        break;
    }
    return {};
}

} // namespace dmabuf_report
