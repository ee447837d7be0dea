// SPDX-License-Identifier: MIT
//
// Names of users, from the name services.
#pragma once

#include <cstdint>
#include <map>
#include <pwd.h>
#include <set>
#include <string>

namespace identity {

/// Names by number. A name that is empty, or could be taken for a number, is none.
class user_names {
public:
    user_names() = default;
    explicit user_names(std::map<std::uint32_t, std::string> names);

    /// Adds the names of users who have none here yet.
    void add(user_names const& more) { names_.insert(more.names_.begin(), more.names_.end()); }

    /// The name, escaped; the number of a user without a name.
    [[nodiscard]] std::string of(std::uint32_t uid) const;
    /// The name, raw. Null where the user has none.
    [[nodiscard]] std::string const* raw(std::uint32_t uid) const;

private:
    std::map<std::uint32_t, std::string> names_; ///< raw
};

/// getpwuid_r(3), or a function that stands in for it.
using user_lookup = int (*)(::uid_t uid, ::passwd* entry, char* space, std::size_t size,
                            ::passwd** found);

/// Asks the services that /etc/nsswitch.conf names, as /etc/passwd, LDAP and systemd; in a static
/// program, which cannot load them, /etc/passwd alone.
int ask_name_services(::uid_t uid, ::passwd* entry, char* space, std::size_t size,
                      ::passwd** found);

/// The names of these users. A user whom no service knows, or of whom the question fails, has none.
/// Cost: one question for each. A directory server may take its time: ask for those that are shown.
user_names names_of(std::set<std::uint32_t> const& uids, user_lookup ask = ask_name_services);

} // namespace identity
