// SPDX-License-Identifier: MIT
#include "interactive.hpp"

#include "events.hpp"
#include "files/complain.hpp"
#include "files/name_in.hpp"
#include "options/exit_status.hpp"
#include "pictures.hpp"
#include "printing/terminal.hpp"
#include "replay/machine.hpp"
#include "replaying/samples.hpp"
#include "source.hpp"
#include "terminal.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace dmabuf_top {

namespace {

/// https://no-color.org: set, and not empty.
bool wants_colours() {
    auto const* const no = std::getenv("NO_COLOR");
    return !no || !*no;
}

/// One session at the terminal.
class session {
public:
    explicit session(options const& chosen)
        : chosen_(chosen)
        , mine_(report::own_rights(chosen.roots))
        , recordings_(chosen, mine_)
        , pictures_(chosen, printing::prints_utf8()) {}

    int run() {
        auto const wrong = chosen_.replay.empty() ? run_here() : run_replay();
        terminal_.stop();
        if (wrong.empty()) return command_line::done;
        return files::complain("dmabuf_top", wrong);
    }

private:
    // Both return the words for what ended them; empty: they were to end.

    std::string run_here() {
        live_source source(chosen_, mine_);
        if (auto wrong = source.look(); !wrong.empty()) return wrong;
        if (auto wrong = begin(); !wrong.empty()) return wrong;
        state().kernel = replay::kernel_release();
        take(source.now(), source.users(), mine_);
        while (wait_for_look()) {
            if (auto const wrong = source.look(); !wrong.empty()) {
                state().message = "cannot look: " + wrong + "; the next look tries again";
                continue;
            }
            if (recordings_.is_on()) record();
            take(source.now(), source.users(), mine_);
        }
        return wrong_;
    }

    std::string run_replay() {
        for (auto const& path : chosen_.replay) {
            auto wrong = replaying::replay_file(
                path, [&](replaying::recorded_look const& look) { return replay(path, look); });
            if (!wrong.empty()) return wrong;
            if (is_over_) return wrong_;
        }
        state().ended = true;
        state().paused = false;
        while (wait_for_look()) {
        }
        return wrong_;
    }

    /// Shows a look until it is time for the next one. It is kept: the last one stays.
    bool replay(std::string const& path, replaying::recorded_look const& look) {
        if (!is_begun_) wrong_ = begin();
        is_over_ = !wrong_.empty();
        if (is_over_) return false;
        replayed_ = look.now;
        state().from = files::name_in(path);
        state().kernel = look.kernel;
        take(replayed_, look.users, look.mine);
        return wait_for_look();
    }

    std::string begin() {
        is_begun_ = true;
        if (auto wrong = terminal_.start(printing::prints_utf8(), wants_colours()); !wrong.empty())
            return wrong;
        auto const error = events_.start(chosen_.every_ns, true);
        return error == 0 ? std::string() : std::string("cannot wait: ") + std::strerror(error);
    }

    void take(dmabuf::snapshot const& now, identity::user_names const& users,
              report::rights const& mine) {
        pictures_.take(now, users, mine);
    }

    /// Acts on keys and signals. False: it is over.
    bool wait_for_look() {
        look_now_ = false;
        draw();
        while (!is_over_) {
            switch (events_.wait()) {
            case wake::tick:
                if (!state().paused) return true;
                continue;
            case wake::key:
                read_keys();
                break;
            case wake::resized:
                terminal_.resize();
                break;
            case wake::suspend:
                terminal_.suspend();
                break;
            case wake::resumed:
                terminal_.resume();
                break;
            case wake::failed:
                wrong_ = std::string("cannot wait: ") + std::strerror(errno);
                is_over_ = true;
                break;
            case wake::over:
                is_over_ = true;
                break;
            }
            if (look_now_ && !is_over_) return true;
            if (!is_over_) draw();
        }
        return false;
    }

    void draw() { terminal_.draw(pictures_.draw(terminal_.size(), true)); }

    void read_keys() {
        bool any = false;
        for (auto pressed = terminal_.read(); pressed; pressed = terminal_.read()) {
            any = true;
            state().message.clear();
            if (!model().is_typing() || !model().type(*pressed)) act(action_of(*pressed));
        }
        events_.note_keys(any);
    }

    void act(action what) {
        if (model().act(what)) return;
        switch (what) {
        case action::pause:
            state().paused = !state().paused;
            break;
        case action::look_now:
            look_now_ = true;
            break;
        case action::record:
            toggle_recording();
            break;
        case action::redraw:
            terminal_.forget();
            break;
        case action::quit:
            is_over_ = true;
            break;
        default:
            break;
        }
    }

    // --- recordings ---

    void toggle_recording() {
        if (!chosen_.replay.empty()) {
            state().message = "What is replayed has been recorded.";
        } else if (recordings_.is_on()) {
            recordings_.stop();
            state().recording.clear();
            state().message = recorded_words();
        } else {
            state().message = recordings_.start();
            if (recordings_.is_on()) record();
        }
    }

    void record() {
        auto const wrong = recordings_.keep();
        if (!wrong.empty()) state().message = wrong;
        state().recording =
            recordings_.is_on() ? "recording " + std::to_string(recordings_.kept()) : std::string();
    }

    std::string recorded_words() {
        auto const count = recordings_.kept();
        return std::to_string(count) + (count == 1 ? " recording" : " recordings") +
               ", the last is " + recordings_.last_file() + ".";
    }

    dmabuf_top::model& model() { return pictures_.model(); }
    dmabuf_top::state& state() { return pictures_.state(); }

    options const& chosen_;
    report::rights mine_;
    recordings recordings_;
    pictures pictures_;
    dmabuf::snapshot replayed_;
    events events_;
    terminal terminal_; // goes first
    std::string wrong_;
    bool is_begun_ = false;
    bool is_over_ = false;
    bool look_now_ = false;
};

} // namespace

int show_screens(options const& chosen) {
    return session(chosen).run();
}

} // namespace dmabuf_top
