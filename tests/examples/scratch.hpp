// SPDX-License-Identifier: MIT
//
// A directory for a test's files.
#pragma once

#include "catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace programs {

/// It goes with this.
class scratch {
public:
    scratch() {
        char name[] = "/tmp/dmabuf-test-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path_ = name;
    }
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    ~scratch() { std::filesystem::remove_all(path_); }

    [[nodiscard]] std::string const& path() const { return path_; }

private:
    std::string path_;
};

} // namespace programs
