// SPDX-License-Identifier: MIT
#include "batch.hpp"

#include "events.hpp"
#include "files/complain.hpp"
#include "files/name_in.hpp"
#include "files/standard_output.hpp"
#include "files/write_all.hpp"
#include "pictures.hpp"
#include "printing/terminal.hpp"
#include "replaying/samples.hpp"
#include "source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dmabuf_top {

namespace {

/// All columns have room unless something tells the width.
constexpr std::size_t widest = 300;

class batch {
public:
    explicit batch(options const& chosen)
        : chosen_(chosen)
        , pictures_(chosen, printing::prints_utf8())
        , width_(std::max(printing::terminal_width().value_or(widest), least_extent.width)) {}

    int run() {
        auto const wrong = chosen_.replay.empty() ? run_here() : run_replay();
        if (!wrong.empty()) return files::complain("dmabuf_top", wrong);
        return files::printed("dmabuf_top", error_);
    }

private:
    std::string run_here() {
        auto const mine = report::own_rights(chosen_.roots);
        live_source source(chosen_, mine);
        events waiting;
        if (auto const error = waiting.start(chosen_.every_ns, false); error != 0)
            return std::string("cannot wait: ") + std::strerror(error);
        do {
            if (auto wrong = source.look(); !wrong.empty()) return wrong;
            print(source.now(), source.users(), mine);
        } while (!is_done() && waiting.wait() == wake::tick);
        return {};
    }

    std::string run_replay() {
        for (auto const& path : chosen_.replay) {
            pictures_.state().from = files::name_in(path);
            auto wrong = replaying::replay_file(path, [&](replaying::recorded_look const& look) {
                print(look.now, look.users, look.mine);
                return !is_done();
            });
            if (!wrong.empty()) return wrong;
            if (is_done()) break;
        }
        return {};
    }

    void print(dmabuf::snapshot const& now, identity::user_names const& users,
               report::rights const& mine) {
        pictures_.take(now, users, mine);
        auto const height =
            std::max(height_for(pictures_.model().rows().size()), least_extent.height);
        auto text = pictures_.draw({width_, height}, false).text();
        text.resize(text.find_last_not_of('\n') + 1);
        text += '\n';
        if (printed_++ != 0) text.insert(0, "\n");
        if (!files::write_all(STDOUT_FILENO, text)) error_ = errno;
    }

    [[nodiscard]] bool is_done() const { return printed_ == chosen_.batch || error_ != 0; }

    options const& chosen_;
    pictures pictures_;
    std::size_t width_;
    std::uint32_t printed_ = 0;
    int error_ = 0;
};

} // namespace

int print_screens(options const& chosen) {
    return batch(chosen).run();
}

} // namespace dmabuf_top
