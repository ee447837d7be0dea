// SPDX-License-Identifier: MIT
#include "recording.hpp"

#include <cerrno>
#include <cstring>

namespace replay {

std::string_view name_of(call what) {
    constexpr std::string_view names[] = {"open", "file",  "dir",       "stat", "lstat",
                                          "link", "fs",    "mapping",   "kcmp", "kcmp_vm",
                                          "pid",  "clock", "boot_clock"};
    return names[static_cast<std::size_t>(what)];
}

bool operator==(entry const& a, entry const& b) {
    auto const& s = a.status;
    auto const& t = b.status;
    auto const& m = a.mapping;
    auto const& n = b.mapping;
    return a.what == b.what && a.path == b.path && a.error == b.error && a.unended == b.unended &&
           a.text == b.text && a.names == b.names && a.number == b.number && s.inode == t.inode &&
           s.size_bytes == t.size_bytes && s.device == t.device && s.mode == t.mode &&
           s.links == t.links && s.uid == t.uid && a.from == b.from && m.begin == n.begin &&
           m.end == n.end && m.shared == n.shared && m.device == n.device && m.inode == n.inode;
}

bool is_made_again(int error) {
    return error == EINTR;
}

std::string key_of(call what, std::string_view path) {
    return std::string(name_of(what)).append(" ").append(path);
}

std::string key_of(entry const& one) {
    if (one.what == call::file || one.what == call::dir) return opening_key(one.path);
    auto const key = key_of(one.what, one.path);
    if (one.what != call::mapping) return key;
    dmabuf::inline_text<19> from("0x");
    return key + " " + std::string(from.append_number(one.from, 16));
}

std::string opening_key(std::string_view path) {
    return key_of(call::open, path);
}

int hand_out_path(std::string_view path, dmabuf::mapping& found, std::span<char> space) {
    found.path = {};
    if (space.empty()) return 0;
    if (path.size() >= space.size()) return -ENAMETOOLONG; // it ends with a NUL
    if (!path.empty()) std::memmove(space.data(), path.data(), path.size());
    found.path = {space.data(), path.size()};
    return 0;
}

namespace {

bool is_below(std::string_view path, std::string_view root) {
    return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

} // namespace

std::vector<entry> below_usual_roots(std::vector<entry> entries, dmabuf::roots const& made_below) {
    struct {
        std::string_view made, usual;
    } roots[] = {{made_below.proc.view(), "/proc"}, {made_below.sys.view(), "/sys"}};
    if (roots[0].made.size() < roots[1].made.size()) std::swap(roots[0], roots[1]);
    for (auto& one : entries)
        for (auto const& root : roots)
            if (is_below(one.path, root.made)) {
                one.path.replace(0, root.made.size(), root.usual);
                break;
            }
    return entries;
}

std::string join(std::string_view directory, std::string_view path) {
    if (path.empty() || path == ".") return std::string(directory);
    if (directory.empty() || path.starts_with('/')) return std::string(path);
    return std::string(directory).append("/").append(path);
}

} // namespace replay
