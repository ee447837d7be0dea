// SPDX-License-Identifier: MIT
//
// Recordings made in the lab, replayed and held against what the workload knows that it did.
// tests/replay/record makes them: one directory per kernel, one recording per way of looking.
#include "replay/anonymise.hpp"
#include "support.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <dirent.h>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>

namespace {

using nlohmann::json;

std::vector<std::string> names_in(std::string const& directory) {
    std::vector<std::string> names;
    std::unique_ptr<DIR, int (*)(DIR*)> const open(::opendir(directory.c_str()), ::closedir);
    INFO(directory);
    REQUIRE(open);
    while (dirent const* const one = ::readdir(open.get()))
        if (one->d_name[0] != '.') names.emplace_back(one->d_name);
    std::sort(names.begin(), names.end());
    return names;
}

struct sample_file {
    std::string recording;
    std::string account;
};

std::vector<sample_file> all_recordings() {
    std::vector<sample_file> found;
    for (auto const& kernel : names_in(DMABUF_RECORDINGS)) {
        auto const directory = std::string(DMABUF_RECORDINGS "/") + kernel;
        for (auto const& name : names_in(directory))
            if (name.ends_with(".recording"))
                found.push_back({directory + "/" + name, directory + "/account.json"});
    }
    return found;
}

std::string read_text(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    INFO(path);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string hex_of(std::string_view bytes) {
    std::string hex;
    for (char const c : bytes) {
        auto const byte = static_cast<unsigned char>(c);
        hex += "0123456789abcdef"[byte >> 4U];
        hex += "0123456789abcdef"[byte & 15U];
    }
    return hex;
}

std::string bytes_of(std::string const& hex) {
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
}

/// Empty for null.
std::string text_of(json const& text) {
    return text.is_null() ? "" : text.get<std::string>();
}

json const& view_of(json const& account, unsigned uid) {
    for (auto const& view : account["views"])
        if (view["uid"] == uid) return view;
    FAIL("the workload has no view of uid " << uid);
    return account;
}

template<class Key>
std::map<Key, json> by(char const* field, json const& list) {
    std::map<Key, json> found;
    for (auto const& one : list)
        found.emplace(one[field].get<Key>(), one);
    return found;
}

void compare_references(dmabuf::snapshot const& now, dmabuf::holder const& who, json const& known) {
    auto const expected = by<std::uint64_t>("inode", known["references"]);
    CHECK(who.reference_count == expected.size());
    // A list of inodes does not tell which descriptors were opened with O_PATH.
    for (auto const& one : now.references_of(who)) {
        auto const inode = now.buffers[one.buffer].inode;
        CAPTURE(inode);
        REQUIRE(expected.count(inode) == 1);
        auto const& truth = expected.at(inode);
        CHECK(one.descriptors == truth["descriptors"]);
        if (now.coverage.paths_marked) CHECK(one.path_descriptors == truth["path_descriptors"]);
        CHECK(one.mappings == truth["mappings"]);
        CHECK(one.mapped_bytes == truth["mapped_bytes"]);
    }
}

void compare_holders(dmabuf::snapshot const& now, json const& account, json const& view) {
    auto const expected = by<int>("pid", view["holders"]);
    auto const processes = by<int>("pid", account["processes"]);
    CHECK(now.holders.size() == expected.size());
    for (auto const& who : now.holders) {
        CAPTURE(who.pid);
        REQUIRE(expected.count(who.pid) == 1);
        CHECK(hex_of(who.comm.view()) == text_of(processes.at(who.pid)["comm_hex"]));
        CHECK(who.uid == processes.at(who.pid)["uid"]);
        compare_references(now, who, processes.at(who.pid));
        if (who.unsized_buffers != 0) continue; // its sums are lower bounds
        CHECK(who.rss_bytes == expected.at(who.pid)["rss_bytes"]);
        CHECK(*who.pss_bytes == expected.at(who.pid)["pss_bytes"]);
        CHECK(*who.uss_bytes == expected.at(who.pid)["uss_bytes"]);
    }
}

void compare_buffers(dmabuf::snapshot const& now, json const& account) {
    auto const expected = by<std::uint64_t>("inode", account["buffers"]);
    std::size_t unsized = 0;
    for (auto const& one : now.buffers) {
        CAPTURE(one.inode);
        REQUIRE(expected.count(one.inode) == 1);
        auto const& truth = expected.at(one.inode);
        unsized += !one.size_known;
        if (one.size_known) CHECK(one.size_bytes == truth["size_bytes"]);
        if (!now.exporter_of(one).empty())
            CHECK(now.exporter_of(one).view() == text_of(truth["exporter"]));
        auto const& name = truth["name_hex"];
        bool const has_none = text_of(name).empty();
        if (one.named) CHECK_FALSE(name.is_null());
        if (one.named) CHECK(hex_of(one.name.view()) == text_of(name));
        if (one.name_known && !one.named) CHECK(has_none);
    }
    CHECK(now.coverage.buffers_unsized == unsized);
}

/// By which alias each name goes. Fails where two names have one alias, or one name two.
class name_pairs {
public:
    void add(std::string_view name, std::string_view alias) {
        CHECK(name.empty() == alias.empty());
        CHECK(there_.emplace(name, alias).first->second == alias);
        CHECK(back_.emplace(alias, name).first->second == name);
    }

private:
    std::map<std::string, std::string> there_, back_;
};

} // namespace

TEST_CASE("there are recordings, none too large to be read by people") {
    auto const all = all_recordings();
    CHECK(all.size() >= 3);
    for (auto const& one : all)
        CHECK(read_text(one.recording).size() < 300 * 1024);
}

TEST_CASE("a recording replays to the workload's account, to the byte") {
    for (auto const& file : all_recordings()) {
        CAPTURE(file.recording);
        auto const recording = support::parsed(read_text(file.recording));
        auto const uid = recording.made.uid;
        auto const again = support::replay_it(recording);
        REQUIRE(again.missing == "");
        REQUIRE_FALSE(again.failed);
        CHECK(again.left_open == 0);
        auto const account = json::parse(read_text(file.account));
        auto const& view = view_of(account, uid);
        compare_holders(again.now, account, view);
        compare_buffers(again.now, account);
        CHECK(again.now.coverage.complete() == (uid == 0));
        if (uid == 0) CHECK(again.now.total_bytes == view["total_bytes"]);
    }
}

TEST_CASE("the text of a recording is what its parsed form is written as") {
    for (auto const& file : all_recordings()) {
        auto const text = read_text(file.recording);
        bool const same = replay::write(support::parsed(text)) == text;
        CAPTURE(file.recording);
        CHECK(same);
    }
}

TEST_CASE("an anonymised recording has the same account, and other names") {
    for (auto const& file : all_recordings()) {
        CAPTURE(file.recording);
        auto const original = support::parsed(read_text(file.recording));
        auto const anonymous = replay::anonymised(original);
        auto const a = support::replay_it(original).now;
        auto const again = support::replay_text(replay::write(anonymous));
        auto const& b = again.now;
        REQUIRE(again.missing == "");
        REQUIRE(support::dump(a, false) == support::dump(b, false));
        name_pairs processes, buffers, cgroups;
        for (std::size_t i = 0; i < a.holders.size(); ++i) {
            processes.add(a.holders[i].comm.view(), b.holders[i].comm.view());
            cgroups.add(a.cgroup_name(a.holders[i].cgroup), b.cgroup_name(b.holders[i].cgroup));
        }
        for (std::size_t i = 0; i < a.buffers.size(); ++i)
            buffers.add(a.buffers[i].name.view(), b.buffers[i].name.view());
    }
}

TEST_CASE("an anonymised recording holds none of the original names") {
    for (auto const& file : all_recordings()) {
        auto const text =
            replay::write(replay::anonymised(support::parsed(read_text(file.recording))));
        auto const account = json::parse(read_text(file.account));
        std::set<std::string> names{"/lab/bin", "/bin/", "workload", "busybox", "\"lab\""};
        for (auto const& one : account["buffers"])
            if (!one["name_hex"].is_null()) names.insert(bytes_of(one["name_hex"]));
        for (auto const& one : account["processes"])
            names.insert(bytes_of(one["comm_hex"]));
        names.erase("zombie"); // the kernel's word for a state, too
        CAPTURE(file.recording);
        for (auto const& name : names) {
            if (name.size() < 4) continue;
            std::string written;
            dmabuf::escape(name, std::back_inserter(written));
            CAPTURE(written);
            bool const there = text.find(written) != text.npos;
            CHECK_FALSE(there);
        }
    }
}
