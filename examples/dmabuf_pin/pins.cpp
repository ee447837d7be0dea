// SPDX-License-Identifier: MIT
#include "pins.hpp"

#include "pin_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <sys/stat.h>
#include <vector>

namespace dmabuf_pin {

namespace {

template<class Each>
std::string for_all_names(Each each) {
    for (auto const name : pin_names)
        if (auto wrong = each(name); !wrong.empty()) return wrong;
    for (auto const name : origin_names)
        if (auto wrong = each(name); !wrong.empty()) return wrong;
    for (auto const name : watch_names)
        if (auto wrong = each(name); !wrong.empty()) return wrong;
    return {};
}

std::string beside(std::string_view name) {
    return fmt::format("{}_new", name);
}

/// Pins an object beside its final name, and then gives it its rights. Until then nobody but root
/// may read it: bpffs makes files with mode 0600.
std::string pin_beside(pin_directory const& directory, pinnable const& one, options const& chosen) {
    auto const name = beside(one.name);
    if (bpf_obj_pin(one.fd, directory.reach(name).c_str()) != 0)
        return failed_words("pin " + directory.file(name));
    if (!one.for_readers) return {};
    return directory.set_rights(name, chosen.group.value_or(0), chosen.mode);
}

std::string remove_all_beside(pin_directory const& directory) {
    return for_all_names([&](std::string_view name) { return directory.remove(beside(name)); });
}

std::string pin_all_beside(pin_directory const& directory, std::vector<pinnable> const& files,
                           options const& chosen) {
    if (auto wrong = remove_all_beside(directory); !wrong.empty())
        return wrong; // of a run that was killed
    for (auto const& one : files)
        if (auto wrong = pin_beside(directory, one, chosen); !wrong.empty()) return wrong;
    return {};
}

std::string check_entries(pin_directory const& directory) {
    return for_all_names([&](std::string_view name) {
        auto wrong = directory.check_entry(std::string(name));
        return wrong.empty() ? directory.check_entry(beside(name)) : wrong;
    });
}

/// Sets the rights of the pins of a watch that an earlier run began and this one leaves.
std::string set_rights_of_origins(pin_directory const& directory, options const& chosen) {
    for (auto const name : origin_names)
        if (directory.has(std::string(name)))
            if (auto wrong =
                    directory.set_rights(std::string(name), chosen.group.value_or(0), chosen.mode);
                !wrong.empty())
                return wrong;
    return {};
}

/// Removes the pins of an earlier watch that this one, by kprobes, has no use for.
std::string remove_former_watch(pin_directory const& directory,
                                std::vector<pinnable> const& files) {
    auto const is_new = [&](std::string_view name) {
        return std::ranges::find(files, name, &pinnable::name) != files.end();
    };
    if (!is_new(watch_names[0])) return {};
    for (auto const name : watch_names)
        if (!is_new(name))
            if (auto wrong = directory.remove(std::string(name)); !wrong.empty()) return wrong;
    return {};
}

std::string pin_into(pin_directory const& directory, programs const& all, options const& chosen) {
    if (auto wrong = check_entries(directory); !wrong.empty()) return wrong;
    if (auto wrong = pin_all_beside(directory, all.files, chosen); !wrong.empty()) {
        (void)remove_all_beside(directory);
        return wrong;
    }
    for (auto const& one : all.files)
        if (auto wrong = directory.rename(beside(one.name), one.name); !wrong.empty()) return wrong;
    if (auto wrong = remove_former_watch(directory, all.files); !wrong.empty()) return wrong;
    return set_rights_of_origins(directory, chosen);
}

} // namespace

std::string pin(programs const& all, options const& chosen) {
    pin_directory directory(chosen.path);
    if (auto wrong = directory.make(); !wrong.empty()) return wrong;
    auto wrong = pin_into(directory, all, chosen);
    if (!wrong.empty()) (void)directory.remove_if_empty();
    return wrong;
}

std::string unpin(std::string const& path) {
    pin_directory directory(path);
    if (auto wrong = directory.open(); !wrong.empty()) return wrong;
    if (!directory.is_there()) return {};
    if (auto wrong = check_entries(directory); !wrong.empty()) return wrong;
    if (auto wrong = remove_all_beside(directory); !wrong.empty()) return wrong;
    auto wrong =
        for_all_names([&](std::string_view name) { return directory.remove(std::string(name)); });
    return wrong.empty() ? directory.remove_if_empty() : wrong;
}

bool is_pinned(std::string const& path) {
    struct ::stat status{};
    return ::stat(fmt::format("{}/{}", path, pin_names[0]).c_str(), &status) == 0;
}

} // namespace dmabuf_pin
