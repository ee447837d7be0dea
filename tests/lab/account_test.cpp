// SPDX-License-Identifier: MIT
//
// The main job: what dmabuf_ps says is, to the byte, what the workload knows that it did.
#include "scene.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <unistd.h>

namespace {

using nlohmann::json;
using scene::has_list;
using scene::has_sysfs;

/// Unescapes what dmabuf_ps wrote, into the hexadecimal that the workload writes.
std::string hex_of_escaped(std::string const& text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            bytes += text[i];
            continue;
        }
        switch (text[++i]) {
        case 'n':
            bytes += '\n';
            break;
        case 't':
            bytes += '\t';
            break;
        case 'r':
            bytes += '\r';
            break;
        case 'x':
            bytes += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)), i += 2;
            break;
        default:
            bytes += text[i];
        }
    }
    std::string hex;
    for (char const c : bytes) {
        auto const byte = static_cast<unsigned char>(c);
        hex += "0123456789abcdef"[byte >> 4U];
        hex += "0123456789abcdef"[byte & 15U];
    }
    return hex;
}

json read_json(std::string const& path) {
    std::ifstream file(path);
    INFO(path);
    REQUIRE(file);
    return json::parse(file);
}

struct accounts {
    json workload;
    json seen;
};

/// The ways of looking that this kernel offers.
std::vector<std::string> sources() {
    if (has_list()) return {"dmabuf_fds", "fd_walk"};
    return {"fd_walk"};
}

/// "full" has mappings.
std::vector<std::string> scenarios() {
    if (scene::mappings_hold()) return {"basic", "full"};
    scene::skip_mappings();
    return {"basic"};
}

/// Runs dmabuf_ps as `user` while the workload stands.
accounts take_accounts(std::string const& scenario, std::string const& user,
                       std::string const& source) {
    std::string const command =
        "workload --scenario " + scenario + " --account /tmp/account.json -- su " + user +
        " -c 'dmabuf_ps --json --no-debugfs --source " + source + "' > /tmp/seen.json";
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
    accounts both{read_json("/tmp/account.json"), read_json("/tmp/seen.json")};
    auto const& coverage = both.seen["coverage"];
    CHECK(coverage["found_by"] == source);
    if (source != "bpf_iterator") CHECK(coverage["sized_by"] == "descriptors"); // as names are
    return both;
}

json const& view_of(json const& workload, unsigned uid) {
    for (auto const& view : workload["views"])
        if (view["uid"] == uid) return view;
    FAIL("the workload has no view of uid " << uid);
    return workload;
}

json const& process_of(json const& workload, int pid) {
    for (auto const& process : workload["processes"])
        if (process["pid"] == pid) return process;
    FAIL("not a process of the workload: " << pid);
    return workload;
}

std::map<std::uint64_t, json> by_inode(json const& list) {
    std::map<std::uint64_t, json> found;
    for (auto const& one : list)
        found.emplace(one["inode"].get<std::uint64_t>(), one);
    REQUIRE(found.size() == list.size());
    return found;
}

/// A list of inodes does not tell which descriptors were opened with O_PATH.
json as_told(json references, json const& coverage) {
    if (coverage["found_by"] == "dmabuf_fds")
        for (auto& reference : references)
            reference["path_descriptors"] = nullptr;
    return references;
}

/// Processes, their references and their sums.
void compare_processes(json const& workload, json const& seen, unsigned uid) {
    std::map<int, json> expected;
    for (auto const& holder : view_of(workload, uid)["holders"])
        expected.emplace(holder["pid"].get<int>(), holder);
    CHECK(seen["processes"].size() == expected.size());
    for (auto const& process : seen["processes"]) {
        int const pid = process["pid"];
        CAPTURE(pid, process.dump());
        REQUIRE(expected.count(pid) == 1);
        for (auto const* sum : {"rss_bytes", "pss_bytes", "uss_bytes"})
            CHECK(process[sum] == expected[pid][sum]);
        auto const& known = process_of(workload, pid);
        CHECK(process["uid"] == known["uid"]);
        CHECK(hex_of_escaped(process["comm"]) == known["comm_hex"].get<std::string>());
        CHECK(by_inode(process["references"]) ==
              by_inode(as_told(known["references"], seen["coverage"])));
    }
}

/// The buffers that the processes of a view hold.
std::set<std::uint64_t> held_in(json const& workload, unsigned uid) {
    std::set<std::uint64_t> held;
    for (auto const& holder : view_of(workload, uid)["holders"])
        for (auto const& reference : process_of(workload, holder["pid"].get<int>())["references"])
            held.insert(reference["inode"].get<std::uint64_t>());
    return held;
}

/// The buffers of which some process of a view has a descriptor that tells all, which an O_PATH one
/// and a mapping do not; sysfs tells of all.
std::set<std::uint64_t> described_in(json const& workload, unsigned uid) {
    if (has_sysfs()) return held_in(workload, uid);
    std::set<std::uint64_t> described;
    for (auto const& holder : view_of(workload, uid)["holders"])
        for (auto const& reference : process_of(workload, holder["pid"].get<int>())["references"])
            if (reference["descriptors"] > reference["path_descriptors"])
                described.insert(reference["inode"].get<std::uint64_t>());
    return described;
}

/// The number and bytes of each exporter's buffers. "" is the unknown exporter.
using totals = std::map<std::string, std::array<std::uint64_t, 2>>;

/// Every buffer, and the sums of its exporter.
void compare_buffers(json const& workload, json const& seen, unsigned uid) {
    auto const known = by_inode(workload["buffers"]);
    auto const held = held_in(workload, uid);
    bool const by_bpf = seen["coverage"]["found_by"] == "bpf_iterator"; // which tells all
    auto const described = by_bpf ? held : described_in(workload, uid);
    totals expected_totals;
    CHECK(seen["buffers"].size() == held.size());
    for (auto const& buffer : seen["buffers"]) {
        CAPTURE(buffer.dump());
        std::uint64_t const inode = buffer["inode"];
        REQUIRE(held.count(inode) == 1);
        auto const& expected = known.at(inode);
        auto const exporter = described.count(inode) == 1 ? expected["exporter"] : json();
        CHECK(buffer["size_bytes"] == expected["size_bytes"]);
        CHECK(buffer["exporter"] == exporter);
        CHECK(buffer["name"].is_null() == expected["name_hex"].is_null());
        if (buffer["name"].is_string())
            CHECK(hex_of_escaped(buffer["name"]) == expected["name_hex"].get<std::string>());
        auto& total = expected_totals[exporter.is_null() ? "" : exporter.get<std::string>()];
        ++total[0];
        total[1] += expected["size_bytes"].get<std::uint64_t>();
    }
    totals found;
    for (auto const& one : seen["exporters"])
        found[one["name"].is_null() ? "" : one["name"].get<std::string>()] = {
            one["buffers"].get<std::uint64_t>(), one["size_bytes"].get<std::uint64_t>()};
    CHECK(found == expected_totals);
}

void compare(accounts const& both, unsigned uid) {
    auto const& [workload, seen] = both;
    REQUIRE(view_of(workload, uid)["holders"].size() >= 5);
    compare_processes(workload, seen, uid);
    compare_buffers(workload, seen, uid);
    CHECK(seen["totals"]["size_bytes"] == view_of(workload, uid)["total_bytes"]);
}

} // namespace

TEST_CASE("dmabuf_ps equals the workload's account to the byte, as root") {
    auto const scenario = GENERATE(from_range(scenarios()));
    auto const source = GENERATE(from_range(sources()));
    CAPTURE(scenario, source);
    auto const both = take_accounts(scenario, "root", source);
    compare(both, 0);
    auto const& coverage = both.seen["coverage"];
    CHECK(coverage["processes_complete"] == true);
    CHECK(coverage["processes_denied"] == 0);
    CHECK(coverage["tables_uncertain"] == 0);
    CHECK(coverage["buffers_undescribed"] ==
          held_in(both.workload, 0).size() - described_in(both.workload, 0).size());
}

TEST_CASE("pinned by root, an ordinary user's dmabuf_ps equals the whole account to the byte",
          "[.bpf]") {
    REQUIRE(std::system("dmabuf_pin --mode 0444 > /dev/null") == 0);
    auto const scenario = GENERATE(from_range(scenarios()));
    CAPTURE(scenario);
    auto const both = take_accounts(scenario, "lab", "bpf_iterator");
    compare(both, 0);
    auto const& coverage = both.seen["coverage"];
    CHECK(coverage["found_by"] == "bpf_iterator");
    CHECK(coverage["processes_complete"] == true);
    CHECK(coverage["processes_denied"] == 0);
    CHECK(coverage["buffers_undescribed"] == 0);
    REQUIRE(std::system("dmabuf_pin --unpin") == 0);
}

TEST_CASE("dmabuf_ps equals the account of a user's own processes, and counts the rest as denied") {
    auto const source = GENERATE(from_range(sources()));
    CAPTURE(source);
    auto const both = take_accounts("basic", "lab", source);
    compare(both, 1000);
    auto const& coverage = both.seen["coverage"];
    CHECK(coverage["processes_complete"] == false);
    // Of the workload's own processes, the other users' are among the denied, each counted once.
    std::size_t others = 0;
    for (auto const& process : both.workload["processes"])
        others += process["uid"] != 1000;
    CHECK(coverage["processes_denied"] >= others);
    CHECK(coverage["processes_denied"].get<unsigned>() +
              coverage["processes_seen"].get<unsigned>() +
              coverage["processes_gone"].get<unsigned>() +
              coverage["kernel_threads"].get<unsigned>() ==
          coverage["processes"].get<unsigned>());
}

TEST_CASE("what an ordinary user cannot size is unknown, never the length of a mapping") {
    if (!scene::mappings_hold()) return scene::skip_mappings();
    auto const source = GENERATE(from_range(sources()));
    CAPTURE(source);
    auto const both = take_accounts("full", "lab", source);
    auto const& [workload, seen] = both;
    auto const known = by_inode(workload["buffers"]);
    std::size_t unsized = 0;
    for (auto const& buffer : seen["buffers"]) {
        auto const& size = buffer["size_bytes"];
        if (size.is_null())
            ++unsized;
        else
            CHECK(size == known.at(buffer["inode"].get<std::uint64_t>())["size_bytes"]);
    }
    CHECK((unsized == 0) == has_sysfs()); // which tells sizes to everybody
    CHECK(seen["coverage"]["buffers_unsized"] == unsized);
    CHECK(seen["coverage"]["processes_complete"] == false);
    // The holdings are exact all the same.
    for (auto const& process : seen["processes"])
        CHECK(by_inode(process["references"]) ==
              by_inode(as_told(process_of(workload, process["pid"].get<int>())["references"],
                               seen["coverage"])));
    CHECK(seen["processes"].size() == view_of(workload, 1000)["holders"].size());
}

namespace {

/// The fields that must not depend on the source: all but times and the names of the sources.
std::string comparable(json seen) {
    for (auto const* field : {"begin_ns", "elapsed_ns"})
        seen.erase(field);
    for (auto const* field : {"found_by", "why_no_dmabuf_fds", "sized_by", "notes"})
        seen["coverage"].erase(field);
    for (auto& process : seen["processes"])
        process["references"] = as_told(process["references"], {{"found_by", "dmabuf_fds"}});
    for (auto& buffer : seen["buffers"])
        buffer.erase("other_references"); // unknown where O_PATH is not marked
    return seen.dump(1);
}

std::size_t references_in(json const& seen) {
    std::size_t count = 0;
    for (auto const& process : seen["processes"])
        count += process["references"].size();
    return count;
}

} // namespace

TEST_CASE("dmabuf_fds and fd_walk give the same account of the same workload, to the byte") {
    if (!has_list()) {
        std::printf("SKIPPED: parity of dmabuf_fds and fd_walk: no dmabuf_fds in this kernel\n");
        return;
    }
    auto const scenario = GENERATE(as<std::string>(), "basic", "full");
    auto const user = GENERATE(as<std::string>(), "root", "lab");
    CAPTURE(scenario, user);
    // `true`, or the shell would become the second of the two, and be a process less.
    std::string const look = "dmabuf_ps --json --no-debugfs --source ";
    auto const command = "workload --scenario " + scenario + " --account /tmp/account.json -- su " +
                         user + " -c '" + look + "dmabuf_fds; " + look +
                         "fd_walk; true' > /tmp/both.json";
    REQUIRE(std::system(command.c_str()) == 0);
    std::ifstream file("/tmp/both.json");
    json list, walk;
    file >> list >> walk;
    REQUIRE(list["coverage"]["found_by"] == "dmabuf_fds");
    REQUIRE(walk["coverage"]["found_by"] == "fd_walk");
    REQUIRE(list["processes"].size() >= 5);
    CHECK(comparable(list) == comparable(walk));
    std::printf("parity: %-5s as %-4s: %zu holders, %zu buffers, %zu references, %llu bytes\n",
                scenario.c_str(), user.c_str(), list["processes"].size(), list["buffers"].size(),
                references_in(list),
                static_cast<unsigned long long>(list["totals"]["size_bytes"].get<std::uint64_t>()));
}

TEST_CASE("dmabuf_ps says in words what it asked, and for sizes") {
    auto const source = GENERATE(from_range(sources()));
    bool const everything = GENERATE(false, true); // as a recording does; a table asks for less
    CAPTURE(source, everything);
    auto const held = lab::alloc_heap(4096); // or there is no size to ask for
    auto const command = "dmabuf_ps --verbose --source " + source +
                         (everything ? " --record /tmp/recording" : "") + " > /tmp/words";
    REQUIRE(std::system(command.c_str()) == 0);
    std::ifstream file("/tmp/words");
    std::string const words{std::istreambuf_iterator<char>(file), {}};
    CAPTURE(words);
    CHECK(words.find("Source: " + source) != words.npos);
    bool const list = source == "dmabuf_fds";
    bool const has_sysfs = ::access("/sys/kernel/dmabuf/buffers", F_OK) == 0;
    bool const has_bufinfo = ::access("/sys/kernel/debug/dma_buf/bufinfo", F_OK) == 0;
    // A recording reads the list in debugfs for the counts, as root, and first, so that it tells
    // sizes too. A table takes them from a sysfs tree, and without a tree from that list.
    std::string by = "descriptors";
    if (list && has_bufinfo && (everything || !has_sysfs))
        by = "bufinfo";
    else if (list && has_sysfs && !everything)
        by = "sysfs";
    CHECK(words.find("Sizes: by " + by) != words.npos);
    bool const unmarked = words.find("O_PATH descriptors are not told apart") != words.npos;
    CHECK(unmarked == (list || !everything));
}
