// SPDX-License-Identifier: MIT
//
// Names of users, from /etc/passwd.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace identity {

/// Users who are not in it are shown by number.
class user_names {
public:
    user_names() = default;
    explicit user_names(std::map<std::uint32_t, std::string> names)
        : names_(std::move(names)) {}

    /// Reads the file alone, and asks no name service: a static program could not, and a directory
    /// server may take its time.
    static user_names of_this_machine();

    [[nodiscard]] std::string of(std::uint32_t uid) const;
    /// Null where there is none.
    [[nodiscard]] std::string const* raw(std::uint32_t uid) const;

private:
    std::map<std::uint32_t, std::string> names_; ///< raw
};

} // namespace identity
