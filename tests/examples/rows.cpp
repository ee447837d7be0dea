// SPDX-License-Identifier: MIT
//
// CSV and NDJSON: rows that another program can read, whatever names are in them.
#include "rows/rows.hpp"

#include "program.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace std::string_literals;
using words = std::vector<std::string>;

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

/// Parses by RFC 4180, and by nothing looser: each line ends in CR LF.
std::vector<words> parsed_csv(std::string_view text) {
    std::vector<words> lines;
    words line;
    while (!text.empty()) {
        std::string field;
        if (text.starts_with('"')) {
            text.remove_prefix(1);
            for (;; text.remove_prefix(1)) {
                REQUIRE_FALSE(text.empty());
                if (text.starts_with("\"\""))
                    text.remove_prefix(1);
                else if (text.starts_with('"'))
                    break;
                field += text.front();
            }
            text.remove_prefix(1);
        } else {
            auto const size = text.find_first_of(",\r\n\"");
            REQUIRE(size != text.npos);
            field = text.substr(0, size);
            text.remove_prefix(size);
        }
        line.push_back(field);
        if (text.starts_with(',')) {
            text.remove_prefix(1);
            continue;
        }
        REQUIRE(text.starts_with("\r\n"));
        text.remove_prefix(2);
        lines.push_back(std::exchange(line, {}));
    }
    REQUIRE(line.empty());
    return lines;
}

std::vector<nlohmann::json> parsed_lines(std::string_view text) {
    std::vector<nlohmann::json> rows;
    while (!text.empty())
        rows.push_back(nlohmann::json::parse(dmabuf::detail::take_until(text, '\n')));
    return rows;
}

std::string const hostile = "a,\"b\"\n\r\x1b[2J\xff";
std::string const hostile_shown = "a,\"b\"\\n\\r\\x1b[2J\\xff";

replay::recording recorded() {
    fake::kernel kernel;
    kernel.debugfs = true;
    auto const shared = kernel.buffer(10, 4096, "system", hostile);
    shared->devices = {"gpu 0", "gpu 0", "0000:00:02.0"};
    auto& one = kernel.add(100, hostile, 1000);
    one.cgroup = "/a,b";
    one.open(shared);
    auto& two = kernel.add(101, "=1+1", 1001);
    two.open(shared);
    two.map(kernel.buffer(11, 8192, "udmabuf"), 8192);
    kernel.buffer(12, 16384, "heap of nobody");
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.unheld = wanted.bufinfo = wanted.cgroups = wanted.counts = true;
    auto done = support::record(kernel, wanted).recording;
    done.made.kernel = "6.12";
    done.made.rights = {"root"};
    done.made.users = {{1000, "me,\"too\""}};
    return done;
}

programs::answer shown(words const& options) {
    auto answer = programs::replayed(recorded(), options);
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    return answer;
}

} // namespace

TEST_CASE("rows: CSV, value by value") {
    rows::table table{{{"n", "N"}, {"x", "X"}, {"b", "B"}}, {}};
    auto const line_of = [&](rows::value value) {
        table.rows = {
            {{std::uint64_t{18446744073709551615U}, ""}, {std::move(value), "?"}, {true, ""}}};
        auto const text = csv(table);
        REQUIRE(text.starts_with("n,x,b\r\n18446744073709551615,"));
        REQUIRE(text.ends_with(",true\r\n"));
        return text.substr(28, text.size() - 28 - 7);
    };
    CHECK(line_of({}) == "");
    CHECK(line_of("") == "\"\""); // known, and empty
    CHECK(line_of("a b") == "a b");
    CHECK(line_of("a,b") == "\"a,b\"");
    CHECK(line_of("\"") == "\"\"\"\"");
    CHECK(line_of("=1+1") == "\\x3d1+1");
    CHECK(line_of("-x,") == "\"\\x2dx,\"");
    CHECK(line_of("@x") == "\\x40x");
    CHECK(line_of("+") == "\\x2b");
    CHECK(line_of("a=b") == "a=b");
    CHECK(line_of(rows::names{"gpu 0", "a,b"}) == "\"gpu\\x200 a,b\"");
    CHECK(line_of(rows::names{}) == "\"\"");
    CHECK(line_of(rows::numbers{1, 22}) == "1 22");
}

TEST_CASE("rows: hostile names arrive, and make no row and no column") {
    auto const processes = parsed_csv(shown({"--format", "csv"}).out);
    REQUIRE(processes.size() == 3);
    CHECK(processes[0] == words{"pid", "start_ticks", "user", "uid", "buffers", "descriptors",
                                "mappings", "pss_bytes", "rss_bytes", "uss_bytes", "mapped_bytes",
                                "unsized_buffers", "cgroup", "comm"});
    CHECK(processes[1] == words{"101", "201", "1001", "1001", "2", "1", "1", "10240", "12288",
                                "8192", "8192", "0", "/", "\\x3d1+1"});
    CHECK(processes[2] == words{"100", "200", "me,\"too\"", "1000", "1", "1", "0", "2048", "4096",
                                "0", "0", "0", "/a,b", hostile_shown});
    auto const lines = parsed_lines(shown({"--format", "ndjson"}).out);
    REQUIRE(lines.size() == 2);
    CHECK(lines[1]["comm"] == hostile_shown);
    CHECK(lines[1]["pss_bytes"] == 2048);
    CHECK(lines[0]["comm"] == "=1+1");
    CHECK(lines[0].size() == processes[0].size());
}

TEST_CASE("rows: buffers, those that nobody holds too") {
    auto const buffers = parsed_csv(shown({"--buffers", "--format", "csv"}).out);
    REQUIRE(buffers.size() == 4);
    CHECK(buffers[0] == words{"inode", "size_bytes", "exporter", "descriptors", "mappings", "count",
                              "other_references", "name", "name_known", "origin", "maker_pid",
                              "made_by", "age_seconds", "devices", "holders", "pids", "comms"});
    CHECK(buffers[1] == words{"12", "16384", "heap of nobody", "0", "0", "0", "0", "", "false",
                              "not_watched", "", "", "", "", "0", "", ""});
    CHECK(buffers[3] == words{"10", "4096", "system", "2", "0", "2", "0", hostile_shown, "true",
                              "not_watched", "", "", "", "0000:00:02.0 gpu\\x200", "2", "100 101",
                              "a,\"b\"\\n\\r\\x1b[2J\\xff =1+1"});
    auto const lines = parsed_lines(shown({"--buffers", "--format", "ndjson"}).out);
    CHECK(lines[2]["pids"] == std::vector{100, 101});
    CHECK(lines[2]["comms"] == words{hostile_shown, "=1+1"});
    CHECK(lines[0]["pids"].empty());
    CHECK(lines[1]["name"].is_null());
    CHECK(parsed_csv(shown({"--buffers", "--format", "csv", "--top", "1"}).out).size() == 2);
    CHECK(parsed_csv(shown({"--buffers", "--format", "csv", "--comm", "*"}).out).size() == 3);
}

TEST_CASE("rows: groups") {
    auto const first = [](words options) {
        options.insert(options.end(), {"--format", "csv"});
        return parsed_csv(shown(options).out)[1];
    };
    CHECK(first({"--by", "user"}) ==
          words{"1", "2", "10240", "12288", "8192", "0", "1001", "1001"});
    CHECK(first({"--by", "cgroup"}) == words{"1", "2", "10240", "12288", "8192", "0", "/"});
    CHECK(first({"--by", "exporter"}) == words{"1", "1", "8192", "0", "udmabuf"});
}

TEST_CASE("rows: columns by key or title, in every format but JSON") {
    auto const options = [](words more) {
        more.insert(more.end(), {"--columns", "COMMAND,pss_bytes,cgroup"});
        return more;
    };
    CHECK(parsed_csv(shown(options({"--format", "csv"})).out)[1] ==
          words{"\\x3d1+1", "10240", "/"});
    auto const line = parsed_lines(shown(options({"--format", "ndjson"})).out)[0];
    CHECK(line == nlohmann::json::parse(R"({"comm": "=1+1", "pss_bytes": 10240, "cgroup": "/"})"));
    CHECK(has(shown(options({})).out, "=1+1"));
    CHECK(shown(options({})).out.starts_with("COMMAND"));
    CHECK(has(shown(options({})).out, "10.0 KiB  /\n"));
    auto const wrong = programs::replayed(recorded(), {"--columns", "pid,PSSS"});
    CHECK(wrong.status == 2);
    CHECK(has(wrong.err, "--columns: 'PSSS' is none of pid, start_ticks, user, uid, buffers,"));
    CHECK(programs::replayed(recorded(), {"--columns", "pid", "--json"}).status == 2);
    CHECK(programs::replayed(recorded(), {"--columns", "pid", "--buffers"}).status == 2);
}

TEST_CASE("rows: gaps are said where standard output is for rows alone") {
    fake::kernel kernel;
    kernel.caller = fake::rights::user(1000);
    kernel.add(9, "own", 1000).open(kernel.buffer(1, 4096));
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    auto const recording = support::record(kernel, wanted).recording;
    auto const answer = programs::replayed(recording, {"--format", "csv"});
    CHECK(answer.status == 0);
    CHECK(parsed_csv(answer.out).size() == 2);
    CHECK(has(answer.err, "dmabuf_ps: 1 of 2 processes may not be read"));
    CHECK(programs::replayed(recording, {"--format", "csv", "--require-complete"}).status == 3);
}

TEST_CASE("rows: one format, whichever option names it") {
    CHECK(shown({"--format", "json"}).out == shown({"--json"}).out);
    CHECK(shown({"--format", "table"}).out == shown({}).out);
    CHECK(shown({"--format", "json", "--json"}).out == shown({"--json"}).out);
    for (auto const& options : {words{"--json", "--format", "csv"}, words{"--format", "xml"},
                                words{"--format", "csv", "--diff", "0"}})
        CHECK(programs::replayed(recorded(), options).status == 2);
}
