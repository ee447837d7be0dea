// SPDX-License-Identifier: MIT
//
// Names of users: whatever a name service answers.
#include "catch.hpp"
#include "identity/users.hpp"

#include <cerrno>
#include <cstring>

namespace {

int asked = 0;

/// Puts `name` where an entry's is, if there is as much space as the service wants.
int answer(char const* name, std::size_t wanted, passwd* entry, char* space, std::size_t size,
           passwd** found) {
    ++asked;
    *found = nullptr;
    if (size < wanted) return ERANGE;
    std::strcpy(space, name);
    entry->pw_name = space;
    *found = entry;
    return 0;
}

template<std::size_t Wanted>
int service(uid_t uid, passwd* entry, char* space, std::size_t size, passwd** found) {
    switch (uid) {
    case 0:
        return answer("root", Wanted, entry, space, size, found);
    case 5:
        return answer("\x1b[31mred\n\xff", Wanted, entry, space, size, found);
    case 6:
        return answer("1000", Wanted, entry, space, size, found);
    case 7:
        return answer("", Wanted, entry, space, size, found);
    case 8:
        return ++asked, *found = nullptr, EIO; // a directory server that does not answer
    case 9:                                    // a signal came in between
        if (asked == 0) return ++asked, EINTR;
        return answer("patient", 0, entry, space, size, found);
    default:
        return ++asked, *found = nullptr, 0;
    }
}

std::string shown(std::uint32_t uid, identity::user_lookup ask) {
    asked = 0;
    return identity::names_of({uid}, ask).of(uid);
}

} // namespace

TEST_CASE("users: a name is asked for with as much space as it takes") {
    CHECK(shown(0, service<16>) == "root");
    CHECK(asked == 1);
    CHECK(shown(0, service<1025>) == "root");
    CHECK(asked == 2);
    CHECK(shown(0, service<300'000>) == "root");
    CHECK(shown(0, service<(1U << 30U)>) == "0"); // a service without bounds
    CHECK(asked == 11);
}

TEST_CASE("users: a name is hostile, and no number") {
    CHECK(shown(5, service<16>) == "\\x1b[31mred\\n\\xff");
    CHECK(shown(6, service<16>) == "6"); // else it would seem to be another user
    CHECK(shown(7, service<16>) == "7");
    CHECK(identity::user_names({{6, "1000"}, {8, "a1"}}).raw(6) == nullptr); // of a recording
    CHECK(identity::user_names({{6, "1000"}, {8, "a1"}}).of(8) == "a1");
}

TEST_CASE("users: who is not known stays a number") {
    CHECK(shown(4'294'967'295, service<16>) == "4294967295");
    CHECK(shown(8, service<16>) == "8");
    CHECK(asked == 1);
    CHECK(shown(9, service<16>) == "patient");
    CHECK(asked == 2);
}

TEST_CASE("users: this machine's services know root") {
    CHECK(identity::names_of({0}).of(0) == "root");
}
