// SPDX-License-Identifier: MIT
//
// dmabuf_pin loads the BPF iterators that show who holds DMA-BUFs and pins them as files, to be
// read by whom the administrator chooses. Nothing else here loads BPF.
#include "options.hpp"
#include "pins.hpp"
#include "programs.hpp"
#include "status.hpp"

#include <fmt/format.h>

namespace dmabuf_pin {

namespace {

constexpr int done = 0;
constexpr int failed = 1;

int complain(std::string_view what) {
    while (what.ends_with('\n'))
        what.remove_suffix(1);
    fmt::print(stderr, "dmabuf_pin: {}\n", what);
    return failed;
}

int pin_all(options const& chosen) {
    auto loaded = load_programs();
    if (!loaded.complaint.empty()) return complain(loaded.complaint);
    if (auto const wrong = pin(loaded, chosen); !wrong.empty()) return complain(wrong);
    for (auto const& note : loaded.notes)
        fmt::print("{}\n", note);
    fmt::print("{}", status_words(chosen.path));
    return done;
}

int main(int count, char const* const* arguments) {
    auto const parsed = parse_options(count, arguments);
    if (auto const* const words = std::get_if<command_line::last_words>(&parsed)) {
        fmt::print(words->status == 0 ? stdout : stderr, "{}", words->text);
        return words->status;
    }
    auto const& chosen = std::get<options>(parsed);
    switch (chosen.what) {
    case action::pin:
        return pin_all(chosen);
    case action::unpin:
        if (auto const wrong = unpin(chosen.path); !wrong.empty()) return complain(wrong);
        return done;
    case action::status:
        fmt::print("{}", status_words(chosen.path));
        return is_pinned(chosen.path) ? done : failed;
    }
    return failed;
}

} // namespace

} // namespace dmabuf_pin

int main(int count, char** arguments) {
    return dmabuf_pin::main(count, arguments);
}
