// SPDX-License-Identifier: MIT
//
// dmabuf_report writes one HTML file: who holds DMA-BUF memory, and what could not be seen.
#include <dmabuf/fmt.hpp>

#include "files/whole_file.hpp"
#include "files/write_all.hpp"
#include "inputs.hpp"
#include "options.hpp"
#include "options/exit_status.hpp"
#include "page.hpp"

#include <csignal>
#include <iterator>

namespace dmabuf_report {

namespace {

int complain(std::string_view words) {
    std::string shown;
    dmabuf::escape(words, std::back_inserter(shown));
    files::write_all(STDERR_FILENO, fmt::format("dmabuf_report: {}\n", shown));
    return command_line::failed;
}

int main(int count, char const* const* arguments) {
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error like any other,
    std::signal(SIGXFSZ, SIG_IGN); // and so is a file that may not grow
    auto const parsed = parse_options(count, arguments);
    if (auto const* const words = std::get_if<command_line::last_words>(&parsed))
        return print("dmabuf_report", *words);
    auto const& chosen = std::get<options>(parsed);
    auto read = read_inputs(chosen);
    if (auto const* const why = std::get_if<complaint>(&read)) return complain(why->words);
    auto const wrong = files::write_whole(chosen.output, page(std::get<scene>(read)));
    if (wrong.words.empty()) return command_line::done;
    return complain(fmt::format("cannot write {}: {}", chosen.output, wrong.words));
}

} // namespace

} // namespace dmabuf_report

int main(int count, char** arguments) {
    return dmabuf_report::main(count, arguments);
}
