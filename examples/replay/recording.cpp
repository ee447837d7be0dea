// SPDX-License-Identifier: MIT
#include "recording.hpp"

namespace replay {

std::string_view name_of(call what) {
    constexpr std::string_view names[] = {"open", "file", "dir",  "stat", "lstat",
                                          "link", "fs",   "kcmp", "pid",  "clock"};
    return names[static_cast<std::size_t>(what)];
}

bool operator==(entry const& a, entry const& b) {
    auto const& s = a.status;
    auto const& t = b.status;
    return a.what == b.what && a.path == b.path && a.error == b.error && a.unended == b.unended &&
           a.text == b.text && a.names == b.names && a.number == b.number && s.inode == t.inode &&
           s.size_bytes == t.size_bytes && s.device == t.device && s.mode == t.mode &&
           s.links == t.links;
}

std::string key_of(call what, std::string_view path) {
    return std::string(name_of(what)).append(" ").append(path);
}

std::string opening_key(std::string_view path) {
    return key_of(call::open, path);
}

std::string join(std::string_view directory, std::string_view path) {
    if (path.empty() || path == ".") return std::string(directory);
    if (directory.empty() || path.starts_with('/')) return std::string(path);
    return std::string(directory).append("/").append(path);
}

} // namespace replay
