// SPDX-License-Identifier: MIT
//
// The index of texts, against the standard's map; and what a look-up looks at, whoever chose them.
#include <dmabuf/detail/text_index.hpp>

#include "catch.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// Counts the bytes that are looked at.
struct counted_text {
    std::string_view bytes;
    std::size_t* looked;

    [[nodiscard]] std::size_t size() const { return bytes.size(); }
    char operator[](std::size_t at) const { return ++*looked, bytes[at]; }
};

std::string any_text(std::mt19937& random) {
    constexpr std::string_view letters{"ab\0\x80\xff", 5};
    std::string text(random() % 6, ' ');
    for (auto& letter : text)
        letter = letters[random() % letters.size()];
    return text;
}

/// The most bytes that one look-up looked at, where each text comes twice.
std::size_t most_looked(std::vector<std::string> const& texts) {
    dmabuf::text_index index;
    std::size_t most = 0;
    for (int round = 0; round < 2; ++round)
        for (std::uint32_t i = 0; i < texts.size(); ++i) {
            std::size_t looked = 0;
            auto const at =
                index.find_or_insert(counted_text{texts[i], &looked}, i, [&](std::uint32_t other) {
                    return counted_text{texts[other], &looked};
                });
            REQUIRE(at == i);
            most = std::max(most, looked);
        }
    return most;
}

} // namespace

TEST_CASE("text index: finds what was inserted, whatever its bytes") {
    std::mt19937 random(1); // NOLINT: the same on every run
    dmabuf::text_index index;
    for (int round = 0; round < 3; ++round) {
        index.clear();
        std::map<std::string, std::uint32_t> expected;
        std::vector<std::string> texts;
        for (int i = 0; i < 3000; ++i) {
            auto const text = any_text(random);
            auto const next = static_cast<std::uint32_t>(texts.size());
            auto const [known, added] = expected.emplace(text, next);
            auto const at = index.find_or_insert(
                text, next, [&](std::uint32_t other) { return std::string_view(texts[other]); });
            REQUIRE(at == known->second);
            if (added) texts.push_back(text);
        }
        CHECK(texts.size() > 900);
    }
}

TEST_CASE("text index: no choice of texts makes a look-up slow") {
    constexpr int count = 20000;
    std::vector<std::string> ascending;
    std::vector<std::string> alike; // different only behind a long beginning
    for (int i = 0; i < count; ++i) {
        ascending.push_back("/user.slice/" + std::to_string(count + i));
        alike.push_back("/" + std::string(200, 'x') + std::to_string(count + i));
    }
    // Nine bits of each byte on the way, and each byte of both texts compared.
    constexpr std::size_t per_byte = 9 + 2;
    CHECK(most_looked(ascending) <= per_byte * 17 + 9);
    CHECK(most_looked(alike) <= 2 * 206 + 9 * 5 + 9);
    std::ranges::reverse(ascending);
    CHECK(most_looked(ascending) <= per_byte * 17 + 9);
    std::vector<std::string> nested{"/"}; // each is the beginning of the next
    while (nested.size() < 1000)
        nested.push_back(nested.back() + "x");
    CHECK(most_looked(nested) <= per_byte * 1000 + 9);
}
