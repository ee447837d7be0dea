// SPDX-License-Identifier: MIT
//
// The way from a look to the cells of a screen: what the terminal and --batch have in common.
#pragma once

#include "grid.hpp"
#include "model.hpp"
#include "options.hpp"
#include "report/rights.hpp"
#include "screen.hpp"

namespace dmabuf_top {

class pictures {
public:
    pictures(options const& chosen, bool utf8);

    /// Takes a look.
    /// Lifetime: the snapshot must live, unchanged, until the next one.
    void take(dmabuf::snapshot const& now, identity::user_names const& users,
              report::rights const& mine);

    grid const& draw(extent size, bool keys);

    [[nodiscard]] dmabuf_top::model& model() { return model_; }
    [[nodiscard]] dmabuf_top::state& state() { return state_; }

private:
    look look_;
    dmabuf_top::model model_;
    dmabuf_top::state state_;
    screen screen_;
    grid grid_;
    report::rights mine_;
};

} // namespace dmabuf_top
