// SPDX-License-Identifier: MIT
#include "users.hpp"

#include <dmabuf/text.hpp>

#include <cstdio>
#include <iterator>
#include <memory>
#include <pwd.h>

namespace identity {

namespace {

struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

} // namespace

user_names user_names::of_this_machine() {
    std::map<std::uint32_t, std::string> names;
    std::unique_ptr<std::FILE, closer> const file(std::fopen("/etc/passwd", "re"));
    if (!file) return {};
    while (passwd const* const entry = ::fgetpwent(file.get()))
        names.emplace(entry->pw_uid, entry->pw_name); // the first entry counts
    return user_names(std::move(names));
}

std::string const* user_names::raw(std::uint32_t uid) const {
    auto const found = names_.find(uid);
    return found == names_.end() ? nullptr : &found->second;
}

std::string user_names::of(std::uint32_t uid) const {
    auto const* const name = raw(uid);
    if (!name) return std::to_string(uid);
    std::string text;
    dmabuf::escape(*name, std::back_inserter(text));
    return text;
}

} // namespace identity
