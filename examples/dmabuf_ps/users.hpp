// SPDX-License-Identifier: MIT
//
// Names of users, from /etc/passwd.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace dmabuf_ps {

/// Reads the file alone, and asks no name service: a static program could not, and a directory
/// server may take its time. Users who are not in it are shown by number.
class user_names {
public:
    user_names();
    std::string of(std::uint32_t uid) const;

private:
    std::map<std::uint32_t, std::string> names_;
};

} // namespace dmabuf_ps
