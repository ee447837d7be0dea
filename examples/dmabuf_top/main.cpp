// SPDX-License-Identifier: MIT
//
// dmabuf_top shows who holds DMA-BUF memory, again and again.
#include "batch.hpp"
#include "interactive.hpp"
#include "options.hpp"
#include "options/program.hpp"

namespace dmabuf_top {

namespace {

int run(options const& chosen) {
    return chosen.batch != 0 ? print_screens(chosen) : show_screens(chosen);
}

} // namespace

} // namespace dmabuf_top

int main(int count, char** arguments) {
    using namespace dmabuf_top;
    return command_line::run_program("dmabuf_top", parse_options(count, arguments), run);
}
