// SPDX-License-Identifier: MIT
//
// All that dmabuf_ps shows of a recording, whatever a stranger wrote in it.
#include "dmabuf_ps/json_report.hpp"
#include "dmabuf_ps/observe.hpp"
#include "dmabuf_ps/row_report.hpp"
#include "dmabuf_ps/text_report.hpp"
#include "json/json_file.hpp"
#include "replay/anonymise.hpp"
#include "report/string_sink.hpp"
#include "target.hpp"

namespace {

using dmabuf_ps::grouping;

/// Each kind of table, without and with changes, of all processes and of some.
std::vector<dmabuf_ps::options> ways() {
    std::vector<dmabuf_ps::options> all;
    for (bool const changes : {false, true})
        for (bool const some : {false, true})
            for (bool const buffers : {false, true}) {
                auto& one = all.emplace_back();
                one.replay = "it";
                one.verbose = true;
                one.buffers = buffers;
                if (changes) one.diff_seconds = 0;
                if (some) one.pids = {1, 7, 100};
            }
    all.emplace_back(all[0]).args = true;
    auto& chosen = all.emplace_back(all[0]).wanted;
    chosen.exporters.emplace_back("*s*");
    chosen.names.emplace_back("?*");
    chosen.users.emplace_back("*");
    chosen.least_bytes = 4096;
    chosen.most_rows = 2;
    for (auto const by : {grouping::user, grouping::cgroup, grouping::exporter})
        all.emplace_back(all[0]).by = by;
    return all;
}

void read_back(std::string_view text) {
    auto const read = json_file::read_json(text);
    if (auto const* const wrong = std::get_if<json_file::json_trouble>(&read))
        require(!wrong->why.empty() && !wrong->where.empty(), "trouble has words and a place");
}

void show(replay::recording const& recorded, dmabuf_ps::options const& chosen) {
    auto const found = dmabuf_ps::observe_recording(recorded, chosen);
    if (auto const* const why = std::get_if<dmabuf_ps::complaint>(&found))
        return require(!why->words.empty(), "a complaint has words");
    auto const& seen = std::get<dmabuf_ps::observation>(found);
    dmabuf_ps::selection const shown(seen, chosen);
    report::string_sink json;
    json_report(seen, shown, chosen, json);
    std::vector<std::string> texts{text_report(seen, shown, chosen), json.take()};
    for (auto const format : {dmabuf_ps::output_format::csv, dmabuf_ps::output_format::ndjson}) {
        auto as_rows = chosen;
        as_rows.format = format;
        texts.push_back(row_report(seen, shown, as_rows));
        std::erase(texts.back(), '\r'); // of CSV's line ends
    }
    read_back(texts[1]);
    char32_t point = 0;
    for (auto const& text : texts)
        for (std::string_view rest = text; !rest.empty();) {
            auto const length = dmabuf::detail::utf8_length(rest, point);
            require(length != 0, "what is shown is UTF-8");
            require(point == '\n' || !dmabuf::detail::is_deceptive(point), "and safe to print");
            rest.remove_prefix(length);
        }
}

} // namespace

void run_target(std::string_view input) {
    read_back(input);
    auto found = replay::parse(input);
    if (!std::holds_alternative<replay::recording>(found)) return;
    auto const& recorded = std::get<replay::recording>(found);
    for (auto const& chosen : ways())
        show(recorded, chosen);
    auto const other = replay::parse(replay::write(replay::anonymised(recorded)));
    require(std::holds_alternative<replay::recording>(other), "anonymised it is a recording");
}
