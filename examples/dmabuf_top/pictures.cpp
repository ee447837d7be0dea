// SPDX-License-Identifier: MIT
#include "pictures.hpp"

#include "report/coverage_words.hpp"
#include "report/source_words.hpp"

namespace dmabuf_top {

pictures::pictures(options const& chosen, bool utf8)
    : look_(chosen.every_ns, {chosen.pids, chosen.wanted})
    , model_(look_, chosen.first)
    , grid_(utf8) {
    if (!chosen.sort.empty()) model_.sort_by(column_called(chosen.first, chosen.sort));
    model_.set_filter(chosen.filter);
    state_.paused = chosen.paused;
}

void pictures::take(dmabuf::snapshot const& now, identity::user_names const& users,
                    report::rights const& mine) {
    mine_ = mine;
    look_.take(now, users);
    state_.gaps = 0;
    report::what_is_missing(now, mine_, [&](std::string_view words) {
        if (state_.gaps++ == 0) state_.first_gap = words;
    });
    model_.refresh();
}

grid const& pictures::draw(extent size, bool keys) {
    if (model_.over() == overlay::coverage && look_.is_taken())
        state_.coverage = report::coverage_words(look_.whole(), mine_) +
                          report::source_words(look_.whole(), mine_, state_.kernel);
    screen_.draw(model_, state_, size, keys, grid_);
    return grid_;
}

} // namespace dmabuf_top
