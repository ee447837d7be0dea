// SPDX-License-Identifier: MIT
#include "older_recording.hpp"

#include <dmabuf/kernel/fdinfo.hpp>
#include <dmabuf/kernel/status.hpp>
#include <dmabuf/text.hpp>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <set>
#include <utility>

namespace replay {

namespace {

struct comparison {
    std::int32_t a = 0;
    std::int32_t b = 0;
};

comparison tasks_of(entry const& one) {
    comparison found;
    std::string_view rest = one.path;
    auto const first = dmabuf::detail::take_until(rest, ' ');
    (void)dmabuf::detail::parse_number(first, found.a);
    (void)dmabuf::detail::parse_number(rest, found.b);
    return found;
}

/// Tasks that share a table, each set named by one of its tasks.
class shared_tables {
public:
    std::int32_t table_of(std::int32_t task) {
        auto const [at, added] = parent_.try_emplace(task, task);
        while (at->second != parent_.at(at->second))
            at->second = parent_.at(at->second); // shortens the way for the next
        return at->second;
    }
    void join(std::int32_t a, std::int32_t b) { parent_[table_of(a)] = table_of(b); }
    [[nodiscard]] std::vector<std::int32_t> tasks() const {
        std::vector<std::int32_t> all;
        for (auto const& [task, parent] : parent_)
            all.push_back(task);
        return all;
    }

private:
    std::map<std::int32_t, std::int32_t> parent_;
};

/// For each table, the tables that stand behind it, and the number of those before it.
struct followers {
    std::map<std::int32_t, std::set<std::int32_t>> behind;
    std::map<std::int32_t, std::size_t> before;

    void add(std::int32_t lower, std::int32_t higher) {
        if (behind[lower].insert(higher).second) ++before[higher];
    }
};

/// Gives every table a place behind all that are lower. Tables in a ring, which no kernel shows,
/// come last.
std::map<std::int32_t, std::size_t> places_of(std::set<std::int32_t> tables, followers order) {
    std::map<std::int32_t, std::size_t> places;
    std::vector<std::int32_t> ready;
    for (auto const table : tables)
        if (order.before[table] == 0) ready.push_back(table);
    while (!ready.empty()) {
        auto const table = ready.back();
        ready.pop_back();
        places.emplace(table, places.size());
        for (auto const next : order.behind[table])
            if (--order.before[next] == 0) ready.push_back(next);
    }
    for (auto const table : tables)
        places.emplace(table, places.size());
    return places;
}

} // namespace

table_order::table_order(std::vector<entry> const& entries, call which) {
    shared_tables shared;
    for (auto const& one : entries) {
        if (one.what != which) continue;
        auto const [a, b] = tasks_of(one);
        if (one.error != 0)
            refused_ = -one.error;
        else if (one.number == 0)
            shared.join(a, b);
        else
            (void)shared.table_of(a), (void)shared.table_of(b);
    }
    followers order;
    for (auto const& one : entries) {
        if (one.what != which || one.error != 0 || one.number == 0) continue;
        auto const [a, b] = tasks_of(one);
        if (one.number == 1) order.add(shared.table_of(a), shared.table_of(b));
        if (one.number == 2) order.add(shared.table_of(b), shared.table_of(a));
    }
    std::set<std::int32_t> tables;
    for (auto const task : shared.tasks())
        tables.insert(shared.table_of(task));
    auto const places = places_of(std::move(tables), std::move(order));
    for (auto const task : shared.tasks())
        places_[task] = places.at(shared.table_of(task));
}

std::optional<int> table_order::compare(std::int32_t a, std::int32_t b) const {
    auto const first = places_.find(a);
    auto const second = places_.find(b);
    if (first == places_.end() || second == places_.end()) return refused_;
    if (first->second == second->second) return 0;
    return first->second < second->second ? 1 : 2;
}

std::vector<entry> fdinfos_of_path_descriptors(std::vector<entry> const& entries) {
    constexpr std::uint32_t readable_or_writable = 0700;
    constexpr std::string_view directory = "/fd/";
    std::set<std::string, std::less<>> opened;
    for (auto const& one : entries)
        if (one.what == call::file || one.what == call::open) opened.insert(one.path);
    std::vector<entry> found;
    for (auto const& one : entries) {
        auto const at = one.path.rfind(directory);
        if (one.what != call::lstat || one.error != 0 || at == std::string::npos ||
            (one.status.mode & readable_or_writable) != 0)
            continue;
        entry fdinfo;
        fdinfo.what = call::file;
        fdinfo.path = one.path.substr(0, at) + "/fdinfo/" + one.path.substr(at + directory.size());
        char octal[32];
        std::snprintf(octal, sizeof octal, "0%o", static_cast<unsigned>(O_PATH));
        fdinfo.text = std::string("pos:\t0\nflags:\t") + octal + "\nmnt_id:\t0\n";
        if (opened.insert(fdinfo.path).second) found.push_back(std::move(fdinfo));
    }
    return found;
}

std::vector<entry> links_of_fdinfos(std::vector<entry> const& entries) {
    constexpr std::string_view directory = "/fdinfo/";
    std::set<std::string, std::less<>> asked;
    for (auto const& one : entries)
        if (one.what == call::link) asked.insert(one.path);
    std::vector<entry> found;
    for (auto const& one : entries) {
        auto const at = one.path.rfind(directory);
        if (one.what != call::file || one.error != 0 || at == std::string::npos) continue;
        auto const info = dmabuf::parse_fdinfo(one.text);
        if (!info || !info->is_dmabuf()) continue;
        entry link;
        link.what = call::link;
        link.path = one.path.substr(0, at) + "/fd/" + one.path.substr(at + directory.size());
        link.text = "/dmabuf:" + std::string(info->name ? info->name->view() : "");
        if (asked.insert(link.path).second) found.push_back(std::move(link));
    }
    return found;
}

namespace {

/// Whether this result tells that /proc numbers the caller otherwise than the caller does, or not
/// at all.
bool tells_other_numbers(entry const& one) {
    bool const of_caller = one.path == "/proc/self" || one.path == "/proc/self/status";
    if (one.what == call::open) return of_caller && one.error != 0;
    if (one.what != call::file || !of_caller) return false;
    auto const status = dmabuf::parse_process_status(one.text);
    return !status || status->pid_levels != 1;
}

} // namespace

std::vector<entry> whose_procfs_it_is(std::vector<entry> const& entries) {
    std::set<std::string, std::less<>> asked;
    bool other_numbers = false;
    for (auto const& one : entries) {
        asked.insert(key_of(one));
        other_numbers = other_numbers || tells_other_numbers(one);
    }
    if (!other_numbers) return {};
    entry second, stat, init;
    second.path = "/proc/2";
    stat.path = "/proc/2/stat";
    second.error = stat.error = ENOENT;
    init.what = call::stat;
    init.path = "/proc/1";
    init.status.mode = 0040555;
    std::vector<entry> found;
    for (auto const& one : {second, stat, init})
        if (!asked.contains(key_of(one))) found.push_back(one);
    return found;
}

} // namespace replay
