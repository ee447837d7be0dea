// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include "files/whole_file.hpp"

#include <sys/utsname.h>

namespace replay {

namespace {

constexpr auto boot_id_path = "/proc/sys/kernel/random/boot_id";

/// The id, without the newline.
std::string boot_id_in(std::string_view text) {
    return std::string(text.substr(0, text.find('\n')));
}

} // namespace

std::string kernel_release() {
    ::utsname names{};
    ::uname(&names);
    return names.release;
}

std::string boot_id_here() {
    auto const text = files::read_whole(boot_id_path, 4096);
    auto const* const id = std::get_if<std::string>(&text);
    return id ? boot_id_in(*id) : std::string();
}

entry boot_id_entry(std::string const& id) {
    entry one;
    one.what = call::file;
    one.path = boot_id_path;
    one.text = id + "\n";
    return one;
}

std::string boot_id_of(recording const& recorded) {
    for (auto const& one : recorded.entries)
        if (one.what == call::file && one.path == boot_id_path) return boot_id_in(one.text);
    return {};
}

} // namespace replay
