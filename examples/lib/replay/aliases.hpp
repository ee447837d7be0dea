// SPDX-License-Identifier: MIT
//
// Other names in place of those that people and programs have chosen.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace replay {

/// Numbers the names of one kind in the order in which they are met.
class aliases {
public:
    explicit aliases(std::string_view prefix)
        : prefix_(prefix) {}

    /// An empty name stays empty: it tells that there is none.
    std::string of(std::string_view name) {
        if (name.empty()) return {};
        auto const at = numbers_.try_emplace(std::string(name), numbers_.size() + 1).first;
        return prefix_ + std::to_string(at->second);
    }

private:
    std::string prefix_;
    std::map<std::string, std::size_t> numbers_;
};

} // namespace replay
