// SPDX-License-Identifier: MIT
#include "users.hpp"

#include <dmabuf/text.hpp>

#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

namespace identity {

namespace {

/// No entry is as long. A service that asks for more space is not asked again.
constexpr std::size_t most_space = std::size_t{1} << 20U;

std::optional<std::string> name_of(::uid_t uid, user_lookup ask) {
    for (std::vector<char> space(1024); space.size() <= most_space;) {
        ::passwd entry{};
        ::passwd* found = nullptr;
        int const error = ask(uid, &entry, space.data(), space.size(), &found);
        if (error == 0 && found) return found->pw_name;
        if (error == ERANGE)
            space.resize(2 * space.size());
        else if (error != EINTR)
            break;
    }
    return std::nullopt;
}

bool is_number(std::string_view name) {
    return name.find_first_not_of("0123456789") == name.npos;
}

} // namespace

#ifdef DMABUF_STATIC

int ask_name_services(::uid_t uid, ::passwd* entry, char* space, std::size_t size,
                      ::passwd** found) {
    struct closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    *found = nullptr;
    std::unique_ptr<std::FILE, closer> const file(std::fopen("/etc/passwd", "re"));
    if (!file) return errno;
    for (;;) { // the first entry of a user counts
        int const error = ::fgetpwent_r(file.get(), entry, space, size, found);
        if (error == 0 && entry->pw_uid == uid) return 0;
        if (error != 0) return *found = nullptr, error == ENOENT ? 0 : error;
    }
}

#else

int ask_name_services(::uid_t uid, ::passwd* entry, char* space, std::size_t size,
                      ::passwd** found) {
    return ::getpwuid_r(uid, entry, space, size, found);
}

#endif

user_names names_of(std::set<std::uint32_t> const& uids, user_lookup ask) {
    std::map<std::uint32_t, std::string> names;
    for (auto const uid : uids)
        if (auto name = name_of(uid, ask)) names.emplace(uid, *std::move(name));
    return user_names(std::move(names));
}

user_names::user_names(std::map<std::uint32_t, std::string> names)
    : names_(std::move(names)) {
    std::erase_if(names_, [](auto const& one) { return is_number(one.second); });
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
