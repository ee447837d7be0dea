// SPDX-License-Identifier: MIT
#include "users.hpp"

#include <dmabuf/text.hpp>

#include <cstdio>
#include <iterator>
#include <memory>
#include <pwd.h>

namespace dmabuf_ps {

namespace {

struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

} // namespace

user_names::user_names() {
    std::unique_ptr<std::FILE, closer> const file(std::fopen("/etc/passwd", "re"));
    if (!file) return;
    while (passwd const* const entry = ::fgetpwent(file.get())) {
        std::string name;
        dmabuf::escape(entry->pw_name, std::back_inserter(name));
        names_.emplace(entry->pw_uid, std::move(name)); // the first entry counts
    }
}

std::string user_names::of(std::uint32_t uid) const {
    auto const found = names_.find(uid);
    return found == names_.end() ? std::to_string(uid) : found->second;
}

} // namespace dmabuf_ps
