// SPDX-License-Identifier: MIT
//
// The directory that holds the pins, opened once and used by its descriptor, so that no name on the
// way to it can be exchanged meanwhile. Each function returns a failure in words, or nothing.
#pragma once

#include <dmabuf/kernel/files.hpp>

#include <string>
#include <sys/types.h>

namespace dmabuf_pin {

class pin_directory {
public:
    explicit pin_directory(std::string path);

    /// Opens it, if it is there. Refuses a directory that is not on a bpffs, that a symbolic link
    /// leads to, that another user than root can change, or that lies where another user could
    /// exchange it.
    std::string open();
    /// The same, and makes it where it is not there.
    std::string make();
    [[nodiscard]] bool is_there() const { return directory_.is_open(); }

    /// The path of an entry for calls that take no descriptor.
    [[nodiscard]] std::string reach(std::string const& name) const;
    /// The path of an entry for people.
    [[nodiscard]] std::string file(std::string const& name) const;

    [[nodiscard]] bool has(std::string const& name) const;
    /// Refuses an entry that is there and is nothing that dmabuf_pin pins under such a name.
    [[nodiscard]] std::string check_entry(std::string const& name) const;
    [[nodiscard]] std::string set_rights(std::string const& name, ::gid_t group,
                                         ::mode_t mode) const;
    [[nodiscard]] std::string rename(std::string const& from, std::string const& to) const;
    /// Removes an entry, if it is there.
    [[nodiscard]] std::string remove(std::string const& name) const;
    /// Removes the directory, unless somebody else keeps pins there, too.
    [[nodiscard]] std::string remove_if_empty() const;

private:
    std::string open_parent();
    std::string open_itself();

    std::string path_;
    std::string name_; ///< of the directory in its parent
    dmabuf::unique_fd<> parent_;
    dmabuf::unique_fd<> directory_;
};

} // namespace dmabuf_pin
