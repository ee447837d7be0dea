// SPDX-License-Identifier: MIT
//
// Runs a target on every file of a directory, and on every prefix of each, as an ordinary test.
#include "target.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

int main(int count, char** words) {
    if (count != 2) return std::fprintf(stderr, "usage: %s DIRECTORY\n", words[0]), 2;
    std::size_t files = 0;
    for (auto const& entry : std::filesystem::directory_iterator(words[1])) {
        std::ifstream file(entry.path(), std::ios::binary);
        std::string const input(std::istreambuf_iterator<char>(file), {});
        for (std::size_t size = 0; size < input.size() && size < 2048; ++size)
            run_target(std::string_view(input).substr(0, size));
        run_target(input);
        ++files;
    }
    std::printf("%zu files\n", files);
    return files == 0; // a corpus that is not there proves nothing
}
