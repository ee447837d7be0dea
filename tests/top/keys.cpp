// SPDX-License-Identifier: MIT
//
// Keys, and the help that is made of them.
#include "dmabuf_top/keys.hpp"

#include "catch.hpp"

#include <set>
#include <string>

using dmabuf_top::action;
using dmabuf_top::action_of;
namespace keys = dmabuf_top::keys;

TEST_CASE("top: each action has a key, and help names keys that do something") {
    std::set<action> reached;
    for (dmabuf_top::key_code one = 0; one <= keys::f10; ++one)
        reached.insert(action_of(one));
    for (int what = 0; what <= static_cast<int>(action::quit); ++what)
        CHECK(reached.count(static_cast<action>(what)) == 1);
    for (auto const& one : dmabuf_top::help_lines()) {
        CHECK(!one.words.empty());
        CHECK(dmabuf_top::keys_for_help().find(std::string(one.words)) != std::string::npos);
    }
}

TEST_CASE("top: the keys of htop and nvtop do what they do there, and F9 ends nothing") {
    CHECK(action_of(keys::f1) == action::help);
    CHECK(action_of('h') == action::help);
    CHECK(action_of('?') == action::help);
    CHECK(action_of(keys::f3) == action::filter);
    CHECK(action_of(keys::f4) == action::filter);
    CHECK(action_of('/') == action::filter);
    CHECK(action_of(keys::f6) == action::sort_next);
    CHECK(action_of(keys::f10) == action::quit);
    CHECK(action_of('q') == action::quit);
    CHECK(action_of(keys::f9) == action::none);
    CHECK(action_of('K') == action::none);
}
