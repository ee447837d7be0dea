// SPDX-License-Identifier: MIT
#include "pins.hpp"

#include "pin_directory.hpp"

#include <fmt/format.h>

#include <bpf/libbpf.h>
#include <cerrno>
#include <sys/stat.h>
#include <vector>

namespace dmabuf_pin {

namespace {

/// A BPF object that becomes a file.
struct pinnable {
    std::string name;
    bpf_link* link = nullptr; ///< else the program
    bpf_program* program = nullptr;

    [[nodiscard]] int pin_as(std::string const& file) const {
        return link ? bpf_link__pin(link, file.c_str()) : bpf_program__pin(program, file.c_str());
    }
};

std::vector<pinnable> files_of(programs const& all) {
    std::vector<pinnable> files;
    for (auto const& one : all.iterators) {
        files.push_back({std::string(one.name), one.link.get(), nullptr});
        if (one.name != "buffers")
            files.push_back({fmt::format("{}_of", one.name), nullptr, one.program});
    }
    return files;
}

std::string beside(std::string_view name) {
    return fmt::format("{}_new", name);
}

/// Until it has its rights nobody but root may read it: bpffs makes files with mode 0600.
std::string pin_beside(pin_directory const& directory, pinnable const& one, options const& chosen) {
    auto const name = beside(one.name);
    if (one.pin_as(directory.reach(name)) != 0) return failed_words("pin " + directory.file(name));
    return directory.set_rights(name, chosen.group.value_or(0), chosen.mode);
}

std::string remove_all_beside(pin_directory const& directory) {
    for (auto const name : pin_names)
        if (auto wrong = directory.remove(beside(name)); !wrong.empty()) return wrong;
    return {};
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
    for (auto const name : pin_names)
        for (auto const& entry : {std::string(name), beside(name)})
            if (auto wrong = directory.check_entry(entry); !wrong.empty()) return wrong;
    return {};
}

std::string pin_into(pin_directory const& directory, programs const& all, options const& chosen) {
    if (auto wrong = check_entries(directory); !wrong.empty()) return wrong;
    auto const files = files_of(all);
    if (auto wrong = pin_all_beside(directory, files, chosen); !wrong.empty()) {
        (void)remove_all_beside(directory);
        return wrong;
    }
    for (auto const& one : files)
        if (auto wrong = directory.rename(beside(one.name), one.name); !wrong.empty()) return wrong;
    return {};
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
    for (auto const name : pin_names)
        if (auto wrong = directory.remove(std::string(name)); !wrong.empty()) return wrong;
    return directory.remove_if_empty();
}

bool is_pinned(std::string const& path) {
    struct ::stat status{};
    return ::stat(fmt::format("{}/{}", path, pin_names[0]).c_str(), &status) == 0;
}

} // namespace dmabuf_pin
