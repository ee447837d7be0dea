// SPDX-License-Identifier: MIT
//
// dmabuf_pin loads the BPF iterators that show who holds DMA-BUFs and pins them as files, to be
// read by whom the administrator chooses. Nothing else here loads BPF.
#include "files/complain.hpp"
#include "files/standard_output.hpp"
#include "options.hpp"
#include "options/exit_status.hpp"
#include "pins.hpp"
#include "programs.hpp"
#include "status.hpp"

#include <algorithm>

namespace dmabuf_pin {

namespace {

using command_line::done;
using command_line::failed;

int complain(std::string_view what) {
    while (what.ends_with('\n'))
        what.remove_suffix(1);
    return files::complain("dmabuf_pin", what);
}

int pin_all(options const& chosen) {
    auto loaded = load_programs(chosen);
    if (!loaded.complaint.empty()) return complain(loaded.complaint);
    if (auto const wrong = pin(loaded, chosen); !wrong.empty()) return complain(wrong);
    std::string text;
    for (auto const& note : loaded.notes)
        text += note + "\n";
    return files::print("dmabuf_pin", text + status_words(chosen.path));
}

int main(int count, char const* const* arguments) {
    auto const parsed = parse_options(count, arguments);
    if (auto const* const words = std::get_if<command_line::last_words>(&parsed))
        return print("dmabuf_pin", *words);
    auto const& chosen = std::get<options>(parsed);
    switch (chosen.what) {
    case action::pin:
        return pin_all(chosen);
    case action::unpin:
        if (auto const wrong = unpin(chosen.path); !wrong.empty()) return complain(wrong);
        return done;
    case action::status:
        return std::max<int>(files::print("dmabuf_pin", status_words(chosen.path)),
                             is_pinned(chosen.path) ? done : failed);
    }
    return failed;
}

} // namespace

} // namespace dmabuf_pin

int main(int count, char** arguments) {
    return dmabuf_pin::main(count, arguments);
}
