// SPDX-License-Identifier: MIT
//
// A name as people see it.
#pragma once

#include <dmabuf/fmt.hpp>

#include <string>

namespace report {

/// The name, escaped; two quotes for an empty one, so that it can be seen.
template<class Name>
std::string visible(Name const& name) {
    return name.empty() ? "\"\"" : fmt::format("{}", name);
}

} // namespace report
