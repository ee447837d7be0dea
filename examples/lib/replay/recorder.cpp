// SPDX-License-Identifier: MIT
#include "ordinary_mappings.hpp"
#include "recording_system.hpp"

#include <cstring>
#include <fcntl.h>

namespace replay {

namespace {

/// The names out of the records that getdents64 wrote.
void add_names(std::span<char const> records, std::vector<std::string>& names) {
    constexpr std::size_t length_at = 16;
    constexpr std::size_t name_at = 19;
    while (records.size() > name_at) {
        std::uint16_t length = 0;
        std::memcpy(&length, records.data() + length_at, sizeof length);
        if (length <= name_at || length > records.size()) return;
        std::string_view const name(records.data() + name_at, length - name_at);
        names.emplace_back(name.substr(0, name.find('\0')));
        records = records.subspan(length);
    }
}

bool is_repeated(long returned) {
    return returned < 0 && is_made_again(static_cast<int>(-returned));
}

std::vector<entry> without_repetitions(std::vector<entry> const& entries) {
    std::map<std::string, std::vector<std::size_t>> series;
    for (std::size_t at = 0; at < entries.size(); ++at)
        series[key_of(entries[at])].push_back(at);
    std::vector<bool> dropped(entries.size());
    for (auto const& [key, all] : series)
        for (auto last = all.size(); last > 1; --last) {
            if (!(entries[all[last - 1]] == entries[all[last - 2]])) break;
            dropped[all[last - 1]] = true;
        }
    std::vector<entry> kept;
    for (std::size_t at = 0; at < entries.size(); ++at)
        if (!dropped[at]) kept.push_back(entries[at]);
    return kept;
}

} // namespace

std::string recorder::path_of(int fd) const {
    auto const at = open_.find(fd);
    return at == open_.end() ? "" : at->second.path;
}

entry& recorder::add(call what, std::string path, long returned) {
    auto& one = entries_.emplace_back();
    one.what = what;
    one.path = std::move(path);
    if (returned < 0) one.error = static_cast<int>(-returned);
    return one;
}

void recorder::opened(int directory, std::string_view path, int returned) {
    if (is_repeated(returned)) return;
    auto const whole = join(path_of(directory), path);
    add(call::open, whole, returned);
    if (returned >= 0) open_[returned] = {whole, entries_.size() - 1};
}

void recorder::closed(int fd) {
    open_.erase(fd);
}

/// The entry of an open descriptor, which its first read or listing makes a file or directory.
/// Null for calls that are not kept: on unknown descriptors, interrupted, or after the end.
entry* recorder::content_of(int fd, call what, long returned) {
    auto const at = open_.find(fd);
    if (is_repeated(returned) || at == open_.end()) return nullptr;
    auto& one = entries_[at->second.entry];
    if (one.what == call::open) one.what = what, one.unended = true;
    if (one.what != what || !one.unended) return nullptr;
    if (returned <= 0) one.unended = false;
    if (returned < 0) one.error = static_cast<int>(-returned);
    return &one;
}

void recorder::read(int fd, std::span<char const> space, long returned) {
    auto* const one = content_of(fd, call::file, returned);
    if (one && returned > 0) one->text.append(space.data(), static_cast<std::size_t>(returned));
}

void recorder::listed(int fd, std::span<char const> space, long returned) {
    auto* const one = content_of(fd, call::dir, returned);
    if (one && returned > 0) add_names(space.first(static_cast<std::size_t>(returned)), one->names);
}

void recorder::status(int directory, std::string_view path, int flags, int returned,
                      dmabuf::file_status const& status) {
    if (is_repeated(returned)) return;
    auto const what = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? call::lstat : call::stat;
    auto& one = add(what, join(path_of(directory), path), returned);
    if (returned >= 0) one.status = status;
}

void recorder::link(int directory, std::string_view path, std::span<char const> space,
                    long returned) {
    if (is_repeated(returned)) return;
    auto& one = add(call::link, join(path_of(directory), path), returned);
    if (returned < 0) return;
    one.text.assign(space.data(), static_cast<std::size_t>(returned));
    one.unended = one.text.size() == space.size();
}

void recorder::filesystem_type(int fd, long returned) {
    if (is_repeated(returned)) return;
    auto& one = add(call::fs, path_of(fd), returned);
    if (returned >= 0) one.number = static_cast<std::uint64_t>(returned);
}

void recorder::mapping(int fd, std::uint64_t from, dmabuf::mapping const& found, int returned) {
    if (is_repeated(returned)) return;
    auto& one = add(call::mapping, path_of(fd), returned);
    one.from = from;
    if (returned < 0) return;
    one.text = found.path;
    one.mapping = found;
    one.mapping.path = {};
}

void recorder::compared(call what, std::int32_t a, std::int32_t b, int returned) {
    if (is_repeated(returned)) return;
    auto& one = add(what, std::to_string(a) + " " + std::to_string(b), returned);
    if (returned >= 0) one.number = static_cast<std::uint64_t>(returned);
}

void recorder::process_id(std::int32_t pid) {
    add(call::pid, "", 0).number = static_cast<std::uint64_t>(pid);
}

void recorder::clock(call what, std::uint64_t now_ns) {
    add(what, "", 0).number = now_ns;
}

std::vector<entry> recorder::entries() const {
    return without_repetitions(entries_);
}

std::vector<entry> recorder::needed_entries(std::uint64_t& left_out) const {
    auto needed = entries_;
    left_out = leave_out_ordinary_mappings(needed);
    return without_repetitions(needed);
}

} // namespace replay
